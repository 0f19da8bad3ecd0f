package lines

import (
	"errors"
	"io"

	"github.com/rampart-sec/rampart/internal/threat/event"
)

// ErrNoRecord is what a Parse gives for a line that is no record: a comment, a
// header.
var ErrNoRecord = errors.New("lines: no record")

// Parse fills r, which was reset and has Raw, with what a line says. The line
// stays as it is until the next record. An error is the reason why the line is
// left out.
type Parse func(line []byte, r *event.Record) error

// Decoder gives one record a line; empty lines are none.
type Decoder struct {
	in     *Reader
	schema *event.Schema
	parse  Parse
	next   func() ([]byte, error)
	index  int
}

// New makes a decoder that resets records with a schema and fills them by parse.
func New(in io.Reader, s *event.Schema, parse Parse) *Decoder {
	r := NewReader(in)
	return &Decoder{in: r, schema: s, parse: parse, next: r.Next}
}

// NewFrames is New for lines that may be framed by a count of bytes.
func NewFrames(in io.Reader, s *event.Schema, parse Parse) *Decoder {
	r := NewReader(in)
	return &Decoder{in: r, schema: s, parse: parse, next: r.NextFrame}
}

// Next fills r with the next record.
func (d *Decoder) Next(r *event.Record) error {
	for {
		line, err := d.next()
		if err != nil {
			return d.lineError(err)
		}
		if len(line) == 0 {
			continue
		}
		r.Reset(d.schema)
		r.Raw = line
		switch err := d.parse(line, r); {
		case err == nil:
			d.index++
			return nil
		case err != ErrNoRecord:
			return d.skip(err)
		}
	}
}

func (d *Decoder) lineError(err error) error {
	var long *LongError
	if errors.As(err, &long) {
		return d.skip(err)
	}
	return err
}

func (d *Decoder) skip(err error) error {
	d.index++
	return &event.SkipError{Index: d.index - 1, Offset: d.in.At, Reason: err.Error()}
}
