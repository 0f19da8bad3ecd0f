package jsonlog

import (
	"bytes"
	"fmt"
	"io"
	"slices"

	"github.com/rampart-sec/rampart/internal/threat/event"
)

// Decoder reads records from a stream.
type Decoder struct {
	in     io.Reader
	layout Layout
	root   *node
	fill   filler
	finish func(*event.Record) error

	buf        []byte
	start, end int
	offset     int64 // of buf[0] in the stream
	err        error // of the reader, io.EOF at its end
	index      int
	indent     int  // spaces before the start in its line, -1 if other things are there
	inList     bool // between [ and ]
	inObject   bool // the list is a member of an object
}

var tooLong = fmt.Sprintf("it is longer than %d bytes", event.MaxRecord)

// firstBuffer is how much is read at first; a longer record doubles it.
const firstBuffer = 256 << 10

// New makes a decoder of records for a schema. Finish is called with each filled
// record: it gives it its kind, its time and derived fields, or says why it is
// no record of the source (an error that is that record's reason).
func New(in io.Reader, l Layout, s *event.Schema, finish func(*event.Record) error) *Decoder {
	root := compile(&l, s)
	return &Decoder{in: in, layout: l, root: root, fill: filler{schema: s, root: root}, finish: finish}
}

// Next fills r with the next record.
func (d *Decoder) Next(r *event.Record) error {
	for {
		if err := d.seek(); err != nil {
			return err
		}
		found, err := d.step(r)
		if found || err != nil {
			return err
		}
	}
}

// seek moves to the next byte that is no space, comma or mark between records.
func (d *Decoder) seek() error {
	for {
		for d.start < d.end {
			switch c := d.buf[d.start]; {
			case c == '\n':
				d.start++
				d.indent = 0
			case c == ' ' || c == '\t':
				d.start++
				if d.indent >= 0 {
					d.indent++
				}
			case c == '\r' || c == ',' || c == 0x1e:
				d.start++
				d.indent = -1
			case c == 0xef && d.offset+int64(d.start) == 0 && d.atMark():
				d.start += 3
			default:
				return nil
			}
		}
		if err := d.more(); err != nil {
			return err
		}
	}
}

// atMark reports whether the input starts with a byte order mark.
func (d *Decoder) atMark() bool {
	for d.end-d.start < 3 {
		if d.more() != nil {
			return false
		}
	}
	return string(d.buf[d.start:d.start+3]) == "\ufeff"
}

// step takes what is at the start: a record, or a part of what is around records.
func (d *Decoder) step(r *event.Record) (bool, error) {
	switch c := d.buf[d.start]; {
	case c == '[' && !d.inList:
		d.inList = true
		d.start++
		d.indent = -1
		return false, nil
	case c == ']' && d.inList:
		d.inList = false
		d.start++
		if d.inObject {
			return false, d.leaveObject()
		}
		return false, nil
	case c == '{' && !d.inList && len(d.layout.Lists) > 0:
		if ok, err := d.enterObject(); ok || err != nil {
			return false, err
		}
	}
	return true, d.record(r)
}

// record reads the value at the start.
func (d *Decoder) record(r *event.Record) error {
	for {
		r.Reset(d.fill.schema)
		d.fill.b, d.fill.rec, d.fill.depth, d.fill.coded = d.buf[d.start:d.end], r, 0, false
		n := d.fill.value(0, d.root)
		if n == short {
			err := d.more()
			if err == nil {
				continue
			}
			if err != io.EOF {
				return err
			}
			if n = d.atEnd(); n < 0 {
				return d.skip("the input ends inside of it")
			}
		}
		if n == broken {
			return d.skip("it is no valid JSON")
		}
		return d.deliver(r, n)
	}
}

// atEnd lets a number be the last thing of the input.
func (d *Decoder) atEnd() int {
	d.fill.b = append(d.buf[d.start:d.end:d.end], ' ')
	d.fill.depth = 0
	return d.fill.value(0, nil)
}

func (d *Decoder) deliver(r *event.Record, n int) error {
	start := d.start
	d.start += n
	d.indent = -1
	if n > event.MaxRecord {
		return d.skipped(start, tooLong)
	}
	if d.buf[start] != '{' {
		return d.skipped(start, "it is no object")
	}
	r.Raw = d.buf[start : start+n]
	r.SetWalker(d)
	if !d.fill.coded {
		r.SetSpelled(r.Raw)
	}
	if err := d.finish(r); err != nil {
		return d.skipped(start, err.Error())
	}
	d.index++
	return nil
}

func (d *Decoder) skipped(start int, reason string) error {
	d.index++
	return &event.SkipError{Index: d.index - 1, Offset: d.offset + int64(start), Reason: reason}
}

// skip leaves out the broken record at the start and finds the next one.
func (d *Decoder) skip(reason string) error {
	err := d.skipped(d.start, reason)
	if d.inList {
		d.skipElement()
	} else {
		d.skipLine()
	}
	return err
}

// skipElement goes behind the brackets of a broken element of a list. It reads as
// far as these go, so that what is left out does not depend on how input arrives.
func (d *Decoder) skipElement() {
	for {
		switch n := elementEnd(d.buf[d.start:d.end]); {
		case n >= 0:
			d.start += max(1, n) // a bracket too many is not met again
			d.indent = -1
			return
		case n == broken:
			d.skipLine()
			return
		}
		if err := d.more(); err != nil {
			if err == io.EOF {
				d.skipLine()
			}
			return
		}
	}
}

// elementEnd is the index behind the brackets that are open at the start of b:
// short if b ends before, broken if a string does not end in its line.
func elementEnd(b []byte) int {
	f := filler{b: b}
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			end, _ := f.str(i)
			text := b[i:]
			if end > 0 {
				text = b[i:end]
			}
			if bytes.IndexByte(text, '\n') >= 0 {
				return broken
			}
			if end < 0 {
				return short
			}
			i = end - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth <= 0 {
				return i + max(0, depth+1)
			}
		}
	}
	return short
}

// skipLine goes to the next line that starts with a brace at the indentation of
// the broken record.
func (d *Decoder) skipLine() {
	column := max(0, d.indent)
	d.indent = 0
	for {
		i := bytes.IndexByte(d.buf[d.start:d.end], '\n')
		if i < 0 {
			d.start = d.end
			if d.more() != nil {
				return
			}
			continue
		}
		d.start += i + 1
		for d.end-d.start <= column {
			if d.more() != nil {
				break
			}
		}
		line := d.buf[d.start:d.end]
		if len(line) <= column || len(bytes.TrimLeft(line[:column], " \t")) == 0 && (line[column] == '{' || line[column] == '[' || line[column] == ']') {
			return
		}
		if line[0] == '{' {
			return
		}
	}
}

// more reads on, keeping what is after the start.
func (d *Decoder) more() error {
	if d.err != nil {
		return d.err
	}
	kept := d.end - d.start
	if kept > event.MaxRecord {
		return d.dropLine()
	}
	if d.start > 0 && (kept < len(d.buf)/2 || d.end == len(d.buf)) {
		copy(d.buf, d.buf[d.start:d.end])
		d.offset += int64(d.start)
		d.start, d.end = 0, kept
	}
	if d.end == len(d.buf) {
		d.buf = slices.Grow(d.buf, max(firstBuffer, len(d.buf)))
		d.buf = d.buf[:cap(d.buf)]
	}
	for range 100 {
		n, err := d.in.Read(d.buf[d.end:])
		d.end += n
		if err != nil {
			d.err = err
		}
		if n > 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

// dropLine leaves out a record that is too long, up to the end of its line.
func (d *Decoder) dropLine() error {
	err := d.skipped(d.start, tooLong)
	for {
		if i := bytes.IndexByte(d.buf[d.start:d.end], '\n'); i >= 0 {
			d.start += i + 1
			return err
		}
		d.offset += int64(d.end)
		d.start, d.end = 0, 0
		n, readErr := d.in.Read(d.buf)
		d.end = n
		if readErr != nil {
			d.err = readErr
			if n == 0 {
				return err
			}
		}
	}
}

// enterObject goes into the list that an object is around of: a member that the
// layout names, behind nothing but scalars.
func (d *Decoder) enterObject() (bool, error) {
	for {
		at := d.listAt()
		if at == short {
			err := d.more()
			if err == nil {
				continue
			}
			if err != io.EOF {
				return false, err
			}
		}
		if at < 0 {
			return false, nil
		}
		d.start += at
		d.inList, d.inObject = true, true
		return true, nil
	}
}

// headMembers is how many scalars may be before the list of an object.
const headMembers = 6

// listAt is the index behind the [ of a list of records in the object at the
// start.
func (d *Decoder) listAt() int {
	f := &filler{b: d.buf[d.start:d.end]}
	i := f.space(1)
	for range headMembers {
		if i >= len(f.b) {
			return short
		}
		if f.b[i] != '"' {
			return broken
		}
		end, _ := f.str(i)
		if end < 0 {
			return end
		}
		key := f.b[i+1 : end-1]
		if i = f.space(end); i >= len(f.b) {
			return short
		}
		if i = f.space(i + 1); i >= len(f.b) {
			return short
		}
		if f.b[i] == '[' && slices.Contains(d.layout.Lists, string(key)) {
			return i + 1
		}
		if f.b[i] == '[' || f.b[i] == '{' && string(key) != "metadata" {
			return broken
		}
		if i = f.value(i, nil); i < 0 {
			return i
		}
		if i = f.space(i); i >= len(f.b) {
			return short
		}
		if f.b[i] != ',' {
			return broken
		}
		i = f.space(i + 1)
	}
	return broken
}

// leaveObject goes behind the object around a list that has ended.
func (d *Decoder) leaveObject() error {
	d.inObject = false
	for {
		f := &filler{b: d.buf[d.start:d.end]}
		i := f.space(0)
		for i >= 0 && i < len(f.b) && f.b[i] == ',' {
			if i = f.space(i + 1); i >= len(f.b) {
				break
			}
			if i, _ = f.str(i); i < 0 {
				break
			}
			if i = f.space(i); i >= len(f.b) {
				break
			}
			if i = f.value(f.space(i+1), nil); i >= 0 {
				i = f.space(i)
			}
		}
		switch {
		case i == broken || i >= 0 && i < len(f.b) && f.b[i] != '}':
			return d.skip("the object around the list is no valid JSON")
		case i >= 0 && i < len(f.b):
			d.start += i + 1
			return nil
		}
		if err := d.more(); err == io.EOF {
			return d.skip("the input ends inside of the object around the list")
		} else if err != nil {
			return err
		}
	}
}
