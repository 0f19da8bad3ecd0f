package auditd

import (
	"errors"
	"io"

	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/event/lines"
)

// Decoder reads the events of one log.
type Decoder struct {
	in     *lines.Reader
	join   joiner
	using  *group // its bytes are in the caller's record
	view   *view
	json   *jsonView
	object []byte // a JSON line that waits for older events to be given
	at     int64  // of object
	failed error  // of the stream, to be given after all events
	index  int
}

// New makes a decoder of one log.
func New(in io.Reader, s *event.Schema) event.Decoder {
	v := newView(s)
	return &Decoder{in: lines.NewReader(in), view: v, json: &jsonView{view: v}}
}

// Next fills r with the next event.
func (d *Decoder) Next(r *event.Record) error {
	d.join.release(d.using)
	d.using = nil
	for {
		if g := d.join.take(); g != nil {
			d.using = g
			return d.group(r, g)
		}
		if d.object != nil {
			return d.jsonLine(r)
		}
		if d.failed != nil {
			return d.failed
		}
		if err := d.read(); err != nil {
			return err
		}
	}
}

// read takes the next line. The error is that of a line which is left out.
func (d *Decoder) read() error {
	b, err := d.in.Next()
	switch {
	case err != nil:
		return d.lineError(err)
	case len(b) == 0:
		return nil
	case b[0] == '{':
		d.join.flush()
		d.object, d.at = b, d.in.At
		return nil
	}
	l, err := parseLine(b)
	if err != nil {
		return d.skip(d.in.At, err.Error())
	}
	d.join.add(b, &l, d.in.At)
	return nil
}

// lineError leaves out a line that is too long; other errors end the stream.
func (d *Decoder) lineError(err error) error {
	var long *lines.LongError
	if errors.As(err, &long) {
		return d.skip(d.in.At, err.Error())
	}
	d.join.flush()
	d.failed = err
	return nil
}

func (d *Decoder) group(r *event.Record, g *group) error {
	if g.drop != "" {
		return d.skip(g.at, g.drop)
	}
	d.view.fill(r, g)
	d.index++
	return nil
}

func (d *Decoder) jsonLine(r *event.Record) error {
	b := d.object
	d.object = nil
	if err := d.json.fill(r, b); err != nil {
		return d.skip(d.at, err.Error())
	}
	d.index++
	return nil
}

func (d *Decoder) skip(at int64, reason string) error {
	d.index++
	return &event.SkipError{Index: d.index - 1, Offset: at, Reason: reason}
}
