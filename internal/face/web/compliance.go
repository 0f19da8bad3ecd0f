package web

import (
	"cmp"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/compliance"
)

// controlMark is the state of a control for people.
func controlMark(s compliance.State) mark {
	switch s {
	case compliance.Passed:
		return mark{"ok", "ok", "Passed"}
	case compliance.Failed:
		return mark{"cross", "high", "Failed"}
	case compliance.Skipped:
		return mark{"none", "unknown", "Not assessed"}
	}
	return mark{"none", "unknown", "By hand"}
}

// standardRow is one standard with its controls counted.
type standardRow struct {
	compliance.Report
	Trend complianceTrend
}

// Total is the number of its controls.
func (r standardRow) Total() int { return r.Passed + r.Failed + r.Dark() }

// Dark is the number of controls that nothing here judges.
func (r standardRow) Dark() int { return dark(r.Counts) }

// Own reports whether a user made the standard.
func (r standardRow) Own() bool { return r.Standard.Kind != compliance.BuiltIn }

func dark(n compliance.Counts) int { return n.Skipped + n.Unsupported }

// Bar draws the controls by state.
func (r standardRow) Bar() template.HTML {
	return bar(countsWord(r.Counts), []string{"f-ok", "f-bad", "f-na"}, []int{r.Passed, r.Failed, r.Dark()})
}

func countsWord(n compliance.Counts) string {
	return number(n.Passed) + " passed, " + number(n.Failed) + " failed, " + number(dark(n)) + " not assessed"
}

// domainRows are the controls of one domain, in the standard's order.
type domainRows struct {
	Domain string
	Rows   []controlRow
}

// controlRow is one control, with its state at the time that the page shows.
type controlRow struct {
	compliance.Control
	Then compliance.State // "" where the standard did not have it
}

// ETag is that of the attestation that a form replaces, or says that there is
// none.
func (r controlRow) ETag() string {
	switch {
	case r.Attestation != nil:
		return r.Attestation.ETag
	case r.Expired != nil:
		return r.Expired.ETag
	}
	return compliance.Absent
}

// Anchor is the control's number as a part of an element's id.
func (r controlRow) Anchor() string { return url.PathEscape(r.Number) }

type compliancePage struct {
	*frame
	Standards []standardRow
	Recorded  bool // there is history of this scope
	Days      int
	Spans     []int
	CanCreate bool
}

type standardPage struct {
	*frame
	standardRow
	Domains   []domainRows
	Only      string // state filter, lower case, or ""
	CanAttest bool
	CanEdit   bool
	MaxDate   string
	Recorded  bool
	Days      int
	Spans     []int
	Past      *compliance.Past // the page shows what was so then; nil: now
	Then      time.Time
	Today     string
	Accept    string // extensions of evidence files
	Applies   bool   // to the scope or a part of it
	Chosen    *controlTrend
}

func standards(v *visit) (page, error) {
	if err := v.allowScope(); err != nil {
		return page{}, err
	}
	days, err := v.days()
	if err != nil {
		return page{}, err
	}
	rows, err := v.standards()
	if err != nil {
		return page{}, err
	}
	p := &compliancePage{frame: v.newFrame("Regulatory compliance", "standards"), Standards: rows, Recorded: compliance.Kept(v.scope), Days: days, Spans: trendDays,
		CanCreate: v.server.opt.Objects != nil && v.may(actionStandard, v.scope.ID)}
	for i := range rows {
		if rows[i].Trend, err = v.complianceTrend(&rows[i].Report, days); err != nil {
			return page{}, err
		}
	}
	return page{name: "compliance", data: p}, nil
}

func standardControls(v *visit) (page, error) {
	if err := v.allowScope(); err != nil {
		return page{}, err
	}
	report, err := v.report()
	if err != nil {
		return page{}, err
	}
	p := &standardPage{frame: v.newFrame(report.Standard.Title, "summary", "controls", "trend"), standardRow: standardRow{Report: report}, Only: v.Get("show"),
		CanAttest: v.server.opt.Objects != nil && v.scope.Tag == "" && v.may(actionAttest, v.scope.ID), MaxDate: v.now.AddDate(1, 0, 0).Format(time.DateOnly),
		Recorded: compliance.Kept(v.scope), Spans: trendDays, Today: v.now.In(v.zone).Format(time.DateOnly), Accept: compliance.EvidenceTypes, Applies: report.Standard.Applies(v.view, v.scope)}
	p.CanEdit = p.Standard.Kind == compliance.Own && v.server.opt.Objects != nil && v.may(actionStandard, scopeOf(p.Standard.Source))
	if p.Days, err = v.days(); err != nil {
		return page{}, err
	}
	if p.Trend, err = v.complianceTrend(&report, p.Days); err != nil {
		return page{}, err
	}
	if err := p.readPast(v); err != nil {
		return page{}, err
	}
	if p.Chosen, err = v.controlTrend(&report); err != nil {
		return page{}, err
	}
	p.group()
	return page{name: "standard", data: p}, nil
}

// readPast reads what was so at the end of the day that the address names.
func (p *standardPage) readPast(v *visit) error {
	text := v.Get("at")
	if text == "" || !p.Recorded {
		return nil
	}
	day, err := time.ParseInLocation(time.DateOnly, text, v.zone)
	if err != nil {
		return arm.Invalid("The date %q is not of the form 2026-01-31.", clip(text, 40))
	}
	p.Then = day.AddDate(0, 0, 1).Add(-time.Second)
	if p.Then.After(v.now) { // nobody knows the rest of today
		p.Then = v.now
	}
	p.Past, err = v.server.opt.Compliance.AsOf(v.Context(), v.tenant, p.Standard.ID, v.scope.ID, p.Then)
	if err == nil && p.Past == nil {
		return &arm.Error{Status: http.StatusNotFound, Code: "NoHistory", Message: "Nothing was written about this standard by " + v.day(p.Then) + "."}
	}
	if p.Past != nil {
		p.Counts = p.Past.Counts
	}
	return err
}

// group puts the controls with the chosen outcome below their domains.
func (p *standardPage) group() {
	for _, c := range p.Controls {
		row := controlRow{c, c.State}
		if p.Past != nil {
			if row.Then = p.Past.State(c.Number); row.Then == "" {
				continue
			}
		}
		if p.Only != "" && p.Only != showWord(row.Then) {
			continue
		}
		i := slices.IndexFunc(p.Domains, func(d domainRows) bool { return d.Domain == c.Domain })
		if i < 0 {
			i = len(p.Domains)
			p.Domains = append(p.Domains, domainRows{Domain: c.Domain})
		}
		p.Domains[i].Rows = append(p.Domains[i].Rows, row)
	}
}

// showWord is a state in an address; what nothing judges is one filter.
func showWord(s compliance.State) string {
	if s == compliance.Unsupported {
		s = compliance.Skipped
	}
	return strings.ToLower(string(s))
}

// report evaluates the standard that the path names.
func (v *visit) report() (compliance.Report, error) {
	std, err := v.standard(v.PathValue("id"))
	if err != nil {
		return compliance.Report{}, err
	}
	attested, err := v.attestations()
	if err != nil {
		return compliance.Report{}, err
	}
	return compliance.Evaluate(v.view, std, v.scope, attested, v.now), nil
}

func (v *visit) standard(id string) (*compliance.Standard, error) {
	return v.server.opt.Compliance.Standard(v.Context(), v.tenant, v.view, id)
}

// standards evaluates every standard that applies to the scope.
func (v *visit) standards() ([]standardRow, error) {
	attested, err := v.attestations()
	if err != nil {
		return nil, err
	}
	all, err := v.server.opt.Compliance.Standards(v.Context(), v.tenant, v.view)
	if err != nil {
		return nil, fmt.Errorf("read standards: %w", err)
	}
	var rows []standardRow
	for _, std := range all {
		if std.Applies(v.view, v.scope) {
			rows = append(rows, standardRow{Report: compliance.Evaluate(v.view, std, v.scope, attested, v.now)})
		}
	}
	return rows, nil
}

// attestations reads what people attested for exactly this scope.
func (v *visit) attestations() ([]compliance.Attestation, error) {
	return v.server.opt.Compliance.Attestations(v.Context(), v.tenant, v.scope)
}

// lowest are the standards with the smallest share passed; those with nothing
// judged come last.
func lowest(rows []standardRow, limit int) []standardRow {
	share := func(r standardRow) float64 {
		if r.Passed+r.Failed == 0 {
			return 101
		}
		return r.Percent()
	}
	sorted := slices.Clone(rows)
	slices.SortStableFunc(sorted, func(a, b standardRow) int { return cmp.Compare(share(a), share(b)) })
	return sorted[:min(limit, len(sorted))]
}

// download gives a standard's report as a file.
func download(name, mediaType string, write func(compliance.Report, http.ResponseWriter) error) streamer {
	return func(v *visit, w http.ResponseWriter) error {
		if err := v.allowScope(); err != nil {
			return err
		}
		report, err := v.report()
		if err != nil {
			return err
		}
		w.Header().Set("Content-Type", mediaType)
		w.Header().Set("Content-Disposition", attachment(report.Standard.ID+name))
		return write(report, w)
	}
}

// historyCSV gives what a standard said over the span of its trend as a file.
func historyCSV(v *visit, w http.ResponseWriter) error {
	if err := v.allowScope(); err != nil {
		return err
	}
	report, err := v.report()
	if err != nil {
		return err
	}
	days, err := v.days()
	if err != nil {
		return err
	}
	control := v.Get("control")
	if control != "" && report.Standard.Control(control) == nil {
		return arm.NotFound(clip(control, 60))
	}
	points, err := v.complianceHistory(&report, control, days)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", attachment(report.Standard.ID+"-history.csv"))
	return compliance.WriteHistoryCSV(w, report.Standard, control, points)
}

// standardFile gives a standard in the format in which users upload theirs.
func standardFile(v *visit, w http.ResponseWriter) error {
	if err := v.allowScope(); err != nil {
		return err
	}
	std, err := v.standard(v.PathValue("id"))
	if err != nil {
		return err
	}
	file, err := std.File()
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/yaml")
	w.Header().Set("Content-Disposition", attachment(std.ID+".yaml"))
	_, err = w.Write(file)
	return err
}

// complianceHistory reads what a standard, and one of its controls, said of the
// scope in the last days, up to what it says now.
func (v *visit) complianceHistory(r *compliance.Report, control string, days int) ([]compliance.Point, error) {
	if !compliance.Kept(v.scope) {
		return nil, nil
	}
	points, err := v.server.opt.Compliance.History(v.Context(), v.tenant, compliance.HistoryQuery{Standard: r.Standard.ID, Scope: v.scope.ID, Control: control,
		From: v.now.AddDate(0, 0, -days), To: v.now})
	if err != nil {
		return nil, fmt.Errorf("read compliance history: %w", err)
	}
	now := compliance.Point{At: v.now, Counts: r.Counts, Control: stateNow(r, control)}
	if last := len(points) - 1; last >= 0 && (points[last].Counts != now.Counts || points[last].Control != now.Control) {
		points = append(points, now)
	}
	return points, nil
}

// stateNow is that of a control by its number, "" if there is none.
func stateNow(r *compliance.Report, control string) compliance.State {
	for i := range r.Controls {
		if r.Controls[i].Number == control {
			return r.Controls[i].State
		}
	}
	return ""
}
