package mapping

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/strictyaml"
	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/event/jsonlog"
)

// Mapping says how records of one source are read. It is immutable and safe for
// concurrent use.
type Mapping struct {
	kind  *event.Kind
	time  string            // path
	paths map[string]string // path to name
}

// file is a mapping as people write it.
type file struct {
	LogSource struct {
		Product  string `yaml:"product"`
		Category string `yaml:"category"`
		Service  string `yaml:"service"`
	} `yaml:"logsource"`
	Time   string            `yaml:"time"`
	Fields map[string]string `yaml:"fields"`
}

// maxFields bounds one file.
const maxFields = 2_000

// Load reads a mapping; name is for errors, which name the line where that is
// known.
func Load(name string, data []byte) (*Mapping, error) {
	var f file
	if err := strictyaml.Decode(name, data, &f); err != nil {
		return nil, err
	}
	if f.LogSource.Product == "" && f.LogSource.Category == "" && f.LogSource.Service == "" {
		return nil, fmt.Errorf("%s: logsource names neither product nor category nor service", name)
	}
	if len(f.Fields) > maxFields {
		return nil, fmt.Errorf("%s: more than %d fields", name, maxFields)
	}
	var errs []error
	for _, path := range slices.Sorted(maps.Keys(f.Fields)) {
		if f.Fields[path] == "" || path == "" || slices.Contains(strings.Split(path, "."), "") {
			errs = append(errs, fmt.Errorf("%s: field %q: a path and a name are needed", name, path))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if f.Time == "" {
		f.Time = "@timestamp"
	}
	return &Mapping{kind: event.NewKind(f.LogSource.Product, one(f.LogSource.Category), one(f.LogSource.Service)), time: f.Time, paths: f.Fields}, nil
}

func one(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// New makes a decoder of records.
func (m *Mapping) New(in io.Reader, s *event.Schema) event.Decoder {
	name := m.paths[m.time]
	if name == "" { // the time keeps its own name
		name = m.time
	}
	s = s.Extend(name)
	clock := []event.Slot{s.Slot(name)}
	return jsonlog.New(in, jsonlog.Layout{Paths: m.paths}, s, func(r *event.Record) error {
		r.Kind = m.kind
		r.SetTimeFrom(clock)
		return nil
	})
}
