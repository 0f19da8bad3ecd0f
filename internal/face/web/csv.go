package web

import (
	"encoding/csv"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/posture/record"
)

// csvPage is how many recommendations are read from the index at a time; the
// answer is streamed and has no limit.
const csvPage = 1000

// streamer writes an answer that is not a page.
type streamer func(*visit, http.ResponseWriter) error

// stream serves a download. An error before the first byte becomes the error
// page; a later one can only cut the answer short, and does, so that nobody
// takes half a list for a whole one.
func (s *Server) stream(write streamer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := s.newVisit(r)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		counted := &countingWriter{ResponseWriter: w}
		err = write(v, counted)
		switch {
		case err == nil:
		case !counted.begun:
			w.Header().Del("Content-Disposition")
			s.fail(w, r, err)
		default:
			s.opt.Log.Error("stream list", "path", r.URL.Path, "error", err)
			panic(http.ErrAbortHandler)
		}
	}
}

// countingWriter remembers whether anything was written.
type countingWriter struct {
	http.ResponseWriter
	begun bool
}

func (w *countingWriter) Write(p []byte) (int, error) {
	w.begun = true
	return w.ResponseWriter.Write(p)
}

func startCSV(w http.ResponseWriter, name string) *csv.Writer {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // a long list may take its time
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", attachment(name))
	return csv.NewWriter(w)
}

// attachment is the header that makes a browser save an answer under a name,
// which may be foreign.
func attachment(name string) string {
	if header := mime.FormatMediaType("attachment", map[string]string{"filename": name}); header != "" {
		return header
	}
	return "attachment"
}

// writeLine writes one line. Cells that a spreadsheet would run as a formula
// are quoted with an apostrophe: their text is foreign. The writer keeps its
// first error for Flush.
func writeLine(out *csv.Writer, cells ...string) {
	for i, cell := range cells {
		if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
			cells[i] = "'" + cell
		}
	}
	_ = out.Write(cells)
}

// inventoryCSV writes every resource of the list's filter, in one pass.
func inventoryCSV(v *visit, w http.ResponseWriter) error {
	if err := v.allowScope(); err != nil {
		return err
	}
	q, err := v.inventoryQuery()
	if err != nil {
		return err
	}
	rows, err := v.view.EachResource(q)
	if err != nil {
		return err
	}
	out := startCSV(w, "inventory.csv")
	writeLine(out, "id", "name", "type", "location", "source", "observedAt", "stale", "healthy", "unhealthy", "unknown", "exempt", "worst", "tags")
	for r := range rows {
		writeLine(out, r.ID, r.Name, r.Type, r.Location, r.Source, stamp(r.ObservedAt), strconv.FormatBool(r.Stale),
			strconv.Itoa(r.Healthy), strconv.Itoa(r.Unhealthy), strconv.Itoa(r.Unknown), strconv.Itoa(r.Exempt), string(r.Worst), tagList(r.Tags))
		if out.Error() != nil {
			break // the reader is gone
		}
	}
	out.Flush()
	return out.Error()
}

// recommendationsCSV writes every recommendation of the list's filter.
func recommendationsCSV(v *visit, w http.ResponseWriter) error {
	if err := v.allowScope(); err != nil {
		return err
	}
	q, err := v.recommendationQuery()
	if err != nil {
		return err
	}
	q.Limit = csvPage
	page, err := v.view.Recommendations(q)
	if err != nil {
		return err
	}
	out := startCSV(w, "recommendations.csv")
	writeLine(out, "id", "title", "severity", "risk", "control", "healthy", "unhealthy", "unknown", "exempt", "gainPercent", "unassigned", "onTime", "overdue", "completed", "lastChange")
	for {
		for _, r := range page.Rows {
			writeLine(out, r.ID, r.Title, string(r.Severity), riskMark(r.Risk).Word, controlTitle(r.Recommendation), strconv.Itoa(r.Healthy), strconv.Itoa(r.Unhealthy),
				strconv.Itoa(r.Unknown), strconv.Itoa(r.Exempt), strconv.FormatFloat(r.Gain, 'f', 2, 64), strconv.Itoa(r.Unassigned), strconv.Itoa(r.OnTime), strconv.Itoa(r.Overdue), strconv.Itoa(r.Completed), stamp(r.LastChange))
		}
		out.Flush()
		if err := out.Error(); err != nil || page.Next == "" {
			return err
		}
		q.After = page.Next
		if page, err = v.view.Recommendations(q); err != nil {
			return err
		}
	}
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func controlTitle(r *record.Recommendation) string {
	if r.Control == nil {
		return ""
	}
	return r.Control.Title
}
