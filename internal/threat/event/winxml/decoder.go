package winxml

import (
	"bytes"
	"errors"
	"io"

	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/event/lines"
	"github.com/rampart-sec/rampart/internal/threat/event/windows"
)

// filler makes records of XML.
type filler struct {
	fields   Fields
	taxonomy *windows.Taxonomy
	stamp    []event.Slot
	channel  event.Slot
	id       event.Slot
}

// newFiller extends a schema by what is needed here.
func newFiller(s *event.Schema) *filler {
	s = s.Extend("TimeCreated_SystemTime", "UtcTime")
	t := windows.NewTaxonomy(s)
	s = t.Schema()
	return &filler{
		taxonomy: t, stamp: []event.Slot{s.Slot("TimeCreated_SystemTime"), s.Slot("UtcTime")},
		channel: s.Slot("Channel"), id: s.Slot("EventID"),
	}
}

var errNoEvent = errors.New("it has no Event element")

// fill gives r, which was reset, the fields of one event.
func (x *filler) fill(r *event.Record, b []byte) error {
	x.fields.Start(r)
	if err := Parse(&x.fields, b); err != nil {
		return err
	}
	if !x.fields.Found() {
		return errNoEvent
	}
	for _, slot := range x.stamp {
		if v := r.First(slot); v != 0 {
			r.SetTimeText(event.Value{Raw: r.Text(v)})
			break
		}
	}
	x.taxonomy.Complete(r)
	if v := r.First(x.channel); v != 0 && string(r.Text(v)) == linuxChannel {
		r.Kind = linuxKind(r, x.id)
	}
	return nil
}

// linuxChannel is where Sysmon for Linux writes to.
const linuxChannel = "Linux-Sysmon/Operational"

// linuxKinds are the log sources of its events, by number.
var (
	linuxKinds = map[string]*event.Kind{
		"1": linux("process_creation"), "3": linux("network_connection"), "5": linux("process_termination"), "9": linux("raw_access_thread"),
		"10": linux("process_access"), "11": linux("file_event"), "23": linux("file_delete"), "26": linux("file_delete"),
		"4": linux("sysmon_status"), "16": linux("sysmon_status"), "255": linux("sysmon_error"),
	}
	linuxOther = event.NewKind("linux", nil, []string{"sysmon"})
)

func linux(category string) *event.Kind {
	return event.NewKind("linux", []string{category}, []string{"sysmon"})
}

func linuxKind(r *event.Record, id event.Slot) *event.Kind {
	if v := r.First(id); v != 0 {
		if k := linuxKinds[string(r.Text(v))]; k != nil {
			return k
		}
	}
	return linuxOther
}

// NewSysmonLinux makes a decoder of syslog lines that hold one event of Sysmon
// for Linux each.
func NewSysmonLinux(in io.Reader, s *event.Schema) event.Decoder {
	x := newFiller(s)
	return lines.New(in, x.taxonomy.Schema(), func(line []byte, r *event.Record) error {
		at := openAt(line)
		if at < 0 {
			return errNoEvent
		}
		end := bytes.LastIndex(line, closing)
		if end < at {
			return errCut
		}
		return x.fill(r, line[at:end+len(closing)])
	})
}

var (
	opening = []byte("<Event")
	closing = []byte("</Event>")
)

// openAt is where the first start tag of an Event is, -1 if there is none. Tags
// like Events do not count.
func openAt(b []byte) int {
	from := 0
	for {
		i := bytes.Index(b[from:], opening)
		if i < 0 || from+i+len(opening) >= len(b) {
			return -1
		}
		from += i
		switch b[from+len(opening)] {
		case ' ', '>', '\t', '\r', '\n', '/':
			return from
		}
		from += len(opening)
	}
}

// Decoder reads Event elements from a stream, wherever they stand in it.
type Decoder struct {
	fill       *filler
	in         io.Reader
	buf        []byte
	start, end int
	base       int64 // of buf[0] in the stream
	err        error
	index      int
}

// New makes a decoder of rendered Windows events as XML.
func New(in io.Reader, s *event.Schema) event.Decoder {
	return &Decoder{fill: newFiller(s), in: in}
}

// Next fills r with the next event.
func (d *Decoder) Next(r *event.Record) error {
	if err := d.seek(); err != nil {
		return err
	}
	n, err := d.length()
	if err != nil {
		return err
	}
	b := d.buf[d.start : d.start+n]
	if again := lastOpen(b); again > 0 { // the first one never ended
		at := d.start
		d.start += again
		return d.skip(at, errCut.Error())
	}
	at := d.start
	d.start += n
	r.Reset(d.fill.taxonomy.Schema())
	r.Raw = b
	if err := d.fill.fill(r, b); err != nil {
		return d.skip(at, err.Error())
	}
	d.index++
	return nil
}

func lastOpen(b []byte) int {
	last, from := 0, 1
	for {
		i := openAt(b[from:])
		if i < 0 {
			return last
		}
		last = from + i
		from = last + 1
	}
}

func (d *Decoder) skip(at int, reason string) error {
	d.index++
	return &event.SkipError{Index: d.index - 1, Offset: d.base + int64(at), Reason: reason}
}

// seek moves to the next start tag.
func (d *Decoder) seek() error {
	for {
		if i := openAt(d.buf[d.start:d.end]); i >= 0 {
			d.start += i
			return nil
		}
		d.start = max(d.start, d.end-len(opening))
		if !d.more() {
			return d.err
		}
	}
}

// length is how long the element at the start is.
func (d *Decoder) length() (int, error) {
	searched := 0
	for {
		b := d.buf[d.start:d.end]
		if i := bytes.Index(b[searched:], closing); i >= 0 {
			return searched + i + len(closing), nil
		}
		searched = max(0, len(b)-len(closing))
		at := d.start
		if len(b) > event.MaxRecord {
			d.start += len(opening)
			return 0, d.skip(at, "it has too many bytes")
		}
		if !d.more() {
			at = d.start
			d.start += len(opening)
			return 0, d.skip(at, errCut.Error())
		}
	}
}

const firstBuffer = 256 << 10

// more reads further; false at the end of the stream.
func (d *Decoder) more() bool {
	if d.err != nil {
		return false
	}
	if d.start > 0 && len(d.buf)-d.end < len(d.buf)/2 {
		d.base += int64(d.start)
		d.end = copy(d.buf, d.buf[d.start:d.end])
		d.start = 0
	}
	if d.end == len(d.buf) {
		d.buf = append(d.buf, make([]byte, max(firstBuffer, len(d.buf)))...)
	}
	for range 100 {
		n, err := d.in.Read(d.buf[d.end:])
		d.end += n
		d.err = err
		if n > 0 || err != nil {
			return n > 0
		}
	}
	d.err = io.ErrNoProgress
	return false
}
