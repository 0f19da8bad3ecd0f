package cloud

import (
	"io"

	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/event/jsonlog"
)

// source is how one log is read.
type source struct {
	layout  jsonlog.Layout
	needs   []string    // fields that are read here
	aliases [][2]string // name of rules, name of the log
	times   []string    // where the time is, best first
	// kind tells the log source of a record, whose aliases are given.
	kind func(r *event.Record, f fields) (*event.Kind, error)
}

// fields are the slots of the names that a source needs.
type fields map[string]event.Slot

// text is the first value of a field, nil if it is absent.
func (f fields) text(r *event.Record, name string) []byte {
	if v := r.First(f[name]); v != 0 {
		return r.Text(v)
	}
	return nil
}

// give sets a field that has no value yet.
func (f fields) give(r *event.Record, name string, value []byte) {
	if slot := f[name]; len(value) > 0 && r.First(slot) == 0 {
		r.Put(slot, event.Value{Raw: r.Keep(value)})
	}
}

// open makes the decoder of a source.
func (src *source) open(in io.Reader, s *event.Schema) event.Decoder {
	names := append(append([]string(nil), src.needs...), src.times...)
	for _, a := range src.aliases {
		names = append(names, a[0], a[1])
	}
	s = s.Extend(names...)
	f := fields{}
	for _, name := range names {
		f[name] = s.Slot(name)
	}
	var clock []event.Slot
	for _, name := range src.times {
		clock = append(clock, f[name])
	}
	var aliases [][2]event.Slot
	for _, a := range src.aliases {
		aliases = append(aliases, [2]event.Slot{f[a[0]], f[a[1]]})
	}
	return jsonlog.New(in, src.layout, s, func(r *event.Record) (err error) {
		for _, a := range aliases {
			r.Alias(a[0], a[1])
		}
		r.SetTimeFrom(clock)
		r.Kind, err = src.kind(r, f)
		return err
	})
}
