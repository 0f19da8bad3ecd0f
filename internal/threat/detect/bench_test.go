package detect

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/event/input"
	"github.com/rampart-sec/rampart/internal/threat/event/sources"
	"github.com/rampart-sec/rampart/internal/threat/sigma"
)

const shared = "../../../../shared/data/detect/"

// recorded reads the recorded Windows attacks into memory, at most limit bytes.
func recorded(b *testing.B, limit int) []byte {
	b.Helper()
	var all []byte
	files, _ := filepath.Glob(shared + "events/otrf/atomic/windows/*/host/*.zip")
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			b.Fatal(err)
		}
		err = input.Walk(name, f, input.DefaultLimits, func(_ string, in io.Reader) error {
			text, err := io.ReadAll(in)
			if len(all) < limit {
				all = append(append(all, text...), '\n')
			}
			return err
		})
		_ = f.Close()
		if err != nil {
			b.Fatal(err)
		}
	}
	if len(all) == 0 {
		b.Skip("the recorded events are not there")
	}
	return all
}

func publicRules(b *testing.B) *Program {
	b.Helper()
	dir := b.TempDir()
	if out, err := exec.Command("tar", "xzf", shared+"sigma-rules.tar.gz", "-C", dir).CombinedOutput(); err != nil {
		b.Skipf("%v: %s", err, out)
	}
	return New(sigma.Load(dir))
}

// BenchmarkWindows takes recorded events of 3 KB from JSON to matches, with all
// public rules loaded, beside encoding/json's walk over the same bytes.
func BenchmarkWindows(b *testing.B) {
	program := publicRules(b)
	text := recorded(b, 64<<20)
	source, _ := sources.Find("windows")
	b.Run("encoding-json-valid", func(b *testing.B) {
		lines := bytes.Split(text, []byte("\n"))
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			for _, line := range lines {
				json.Valid(line)
			}
		}
	})
	for _, part := range []string{"decode", "whole"} {
		b.Run(part, func(b *testing.B) {
			run := program.NewRun(correlateOptions())
			events, hits := 0, 0
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				dec := source.New(bytes.NewReader(text), program.Schema())
				var rec event.Record
				for {
					err := dec.Next(&rec)
					var bad *event.SkipError
					if errors.As(err, &bad) {
						continue
					}
					if err != nil {
						break
					}
					events++
					if part == "whole" {
						run.Record(&rec, "", func() uint64 { return uint64(events) }, func(Hit) { hits++ })
					}
				}
			}
			b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(float64(hits)/float64(b.N), "hits")
		})
	}
}
