package sources_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/event/input"
	"github.com/rampart-sec/rampart/internal/threat/event/sources"
)

// TestRecordedLogsDecode reads each recorded log by the source that Detect names:
// every record decodes, has a log source and a time.
func TestRecordedLogsDecode(t *testing.T) {
	const root = "../../../../../shared/data/detect/events/"
	if _, err := os.Stat(root); err != nil {
		t.Skip(err)
	}
	total := map[string]int{}
	for _, folder := range []string{"sigma-regression", "stratus-detonation", "otrf", "loghub"} {
		err := filepath.WalkDir(root+folder, func(path string, e fs.DirEntry, err error) error {
			if ext := filepath.Ext(path); err != nil || e.IsDir() || ext == ".yml" || ext == ".yaml" || e.Name() == "LICENSE" {
				return err
			}
			f, err := os.Open(path)
			if err != nil {
				return err
			}
			defer f.Close()
			return input.Walk(path, f, input.DefaultLimits, func(name string, in io.Reader) error {
				decodeAll(t, name, in, total)
				return nil
			})
		})
		if err != nil {
			t.Error(err)
		}
	}
	t.Log(total)
}

func decodeAll(t *testing.T, name string, in io.Reader, total map[string]int) {
	head, err := io.ReadAll(io.LimitReader(in, sources.HeadSize))
	if err != nil {
		t.Error(err)
		return
	}
	kind := sources.Detect(head)
	source, ok := sources.Find(kind)
	if !ok {
		t.Errorf("%s: no source for %q", name, kind)
		return
	}
	d := source.New(io.MultiReader(bytes.NewReader(head), in), event.NewSchema(nil))
	var r event.Record
	for {
		err := d.Next(&r)
		var bad *event.SkipError
		switch {
		case err == io.EOF:
			return
		case errors.As(err, &bad):
			t.Errorf("%s: %v", name, err)
			return
		case err != nil:
			t.Errorf("%s: %v", name, err)
			return
		}
		total[kind]++
		if r.Kind == nil || r.Time().IsZero() {
			t.Errorf("%s: record %d has kind %v, time %v: %.200s", name, total[kind], r.Kind, r.Time(), r.Raw)
			return
		}
	}
}
