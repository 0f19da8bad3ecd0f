package detect

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/event/input"
)

// ErrStop lets who reads records end the reading without an error.
var ErrStop = errors.New("enough was read")

// Records reads a file, archive or stream without running rules and calls fn with
// each record and its place; the record is valid during the call.
func (f *Files) Records(ctx context.Context, name string, in io.Reader, fn func(at Place, rec *event.Record) error) error {
	err := input.Walk(name, in, input.DefaultLimits, func(name string, in io.Reader) error {
		err := f.records(ctx, name, &counter{in: in, n: &f.Stats.Bytes}, fn)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	})
	if errors.Is(err, ErrStop) {
		return nil
	}
	return err
}

func (f *Files) records(ctx context.Context, name string, in io.Reader, fn func(Place, *event.Record) error) error {
	source, in, err := f.source(in)
	if err != nil {
		return err
	}
	dec := source.New(in, f.Program.Schema())
	var rec event.Record
	for index := 0; ; index++ {
		if index%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		err := dec.Next(&rec)
		var bad *event.SkipError
		switch {
		case err == io.EOF:
			return nil
		case errors.As(err, &bad):
			if f.Stats.Skipped++; f.Stats.FirstSkipped == "" {
				f.Stats.FirstSkipped = name + ": " + bad.Error()
			}
			continue
		case err != nil:
			return err
		}
		f.Stats.Events++
		if err := fn(Place{name, index}, &rec); err != nil {
			return err
		}
	}
}
