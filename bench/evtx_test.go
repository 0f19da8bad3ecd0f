package bench

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/Velocidex/ordereddict"
	peer "www.velocidex.com/golang/evtx"

	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/event/evtx"
)

// eventLogs are all EVTX files at hand: those of the data, and those below the
// folder that EVTX names.
func eventLogs(tb testing.TB) (files []string) {
	tb.Helper()
	for _, root := range []string{"../../shared/data/detect/events", os.Getenv("EVTX")} {
		if root == "" {
			continue
		}
		_ = filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
			if err == nil && filepath.Ext(path) == ".evtx" {
				files = append(files, path)
			}
			return nil
		})
	}
	if len(files) == 0 {
		tb.Skip("no event logs here")
	}
	return files
}

// TestEVTXCounts demands as many records of each file as the peer finds.
func TestEVTXCounts(t *testing.T) {
	for _, name := range eventLogs(t) {
		records, skipped := readEVTX(t, name)
		if want := readPeer(t, name); records != want || skipped != 0 {
			t.Errorf("%s: %d records and %d skipped, the peer has %d", name, records, skipped, want)
		}
	}
}

func readEVTX(tb testing.TB, name string) (records, skipped int) {
	in, err := os.Open(name)
	if err != nil {
		tb.Fatal(err)
	}
	defer in.Close()
	d := evtx.New(in, event.NewSchema([]string{"Image", "CommandLine"}))
	var r event.Record
	for {
		err := d.Next(&r)
		var bad *event.SkipError
		switch {
		case err == io.EOF:
			return records, skipped
		case errors.As(err, &bad):
			skipped++
		case err != nil:
			tb.Fatal(err)
		default:
			records++
		}
	}
}

func readPeer(tb testing.TB, name string) (records int) {
	in, err := os.Open(name)
	if err != nil {
		tb.Fatal(err)
	}
	defer in.Close()
	chunks, err := peer.GetChunks(in)
	if err != nil {
		tb.Fatal(err)
	}
	for _, c := range chunks {
		list, err := c.Parse(0)
		if err != nil {
			tb.Fatal(err)
		}
		records += len(list)
	}
	return records
}

// BenchmarkEVTX measures records per second of processor time, ours and the
// peer's, over the files at hand.
func BenchmarkEVTX(b *testing.B) {
	files := eventLogs(b)
	for _, side := range []struct {
		name string
		read func(testing.TB, string) int
	}{
		{"rampart", func(tb testing.TB, f string) int { n, _ := readEVTX(tb, f); return n }},
		{"velocidex", readPeer},
	} {
		b.Run(side.name, func(b *testing.B) {
			records := 0
			start := processTime(b)
			for b.Loop() {
				for _, f := range files {
					records += side.read(b, f)
				}
			}
			b.ReportMetric(float64(records)/(processTime(b)-start).Seconds(), "records/CPU-s")
		})
	}
}

// TestEVTXValues compares the text of event data with the peer's. Numbers, ids and
// times are left out: the two write them differently.
func TestEVTXValues(t *testing.T) {
	compared := 0
	for _, name := range eventLogs(t) {
		ours, theirs := dataOf(t, name), peerData(t, name)
		for i := range min(len(ours), len(theirs)) {
			for field, want := range theirs[i] {
				if got := ours[i][field]; got != want {
					t.Errorf("%s: record %d: %s is %q, the peer has %q", name, i, field, got, want)
				}
				compared++
			}
		}
	}
	t.Log(compared, "values")
}

// dataOf gives the fields of each record.
func dataOf(tb testing.TB, name string) (out []map[string]string) {
	in, err := os.Open(name)
	if err != nil {
		tb.Fatal(err)
	}
	defer in.Close()
	d := evtx.New(in, event.NewSchema(nil))
	var r event.Record
	for d.Next(&r) == nil {
		fields := map[string]string{}
		r.Walk(func(name []byte, v event.Value) bool {
			fields[string(name)] = string(v.Raw)
			return true
		})
		out = append(out, fields)
	}
	return out
}

// peerData gives the text values of EventData of each record.
func peerData(tb testing.TB, name string) (out []map[string]string) {
	in, err := os.Open(name)
	if err != nil {
		tb.Fatal(err)
	}
	defer in.Close()
	chunks, err := peer.GetChunks(in)
	if err != nil {
		tb.Fatal(err)
	}
	for _, c := range chunks {
		list, err := c.Parse(0)
		if err != nil {
			tb.Fatal(err)
		}
		for _, record := range list {
			fields := map[string]string{}
			root, _ := record.Event.(*ordereddict.Dict)
			data, _ := ordereddict.GetMap(root, "Event.EventData")
			if data != nil {
				for _, key := range data.Keys() {
					if s, ok := data.GetString(key); ok && !written.MatchString(s) {
						fields[strings.ReplaceAll(key, " ", "")] = s
					}
				}
			}
			out = append(out, fields)
		}
	}
	return out
}

// written is what the two write differently.
var written = regexp.MustCompile(`^(\{?[0-9A-Fa-f]{8}-.*|0x[0-9A-Fa-f]+|\d.*|)$`)
