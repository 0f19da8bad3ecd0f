package posture

import (
	"encoding/binary"
	"errors"
)

// packedVersion is the first byte of packed states. A reader that does not
// know a version takes the resource as never judged.
const packedVersion = 1

// packedWithTasks is the first byte where tasks follow the cells.
const packedWithTasks = 2

// packedEpoch is subtracted from times, so that they take four bytes.
const packedEpoch = 1577836800 // 2020-01-01T00:00:00Z

var errPacked = errors.New("packed states are damaged")

// pack encodes what of a row's cells must outlive the process: slot, state,
// since and first seen. Everything else is found again by evaluating. No cells
// are a valid state too: judged, nothing applies.
//
// tasks that outlive their time as unhealthy follow, in a version of their own:
// most resources have none.
func pack(cells []cell, tasks []task) []byte {
	b := make([]byte, 0, 2+len(cells)*12)
	tasks = lasting(tasks)
	version := byte(packedVersion)
	if len(tasks) > 0 {
		version = packedWithTasks
	}
	b = append(b, version)
	b = binary.AppendUvarint(b, uint64(len(cells)))
	for _, c := range cells {
		b = binary.AppendUvarint(b, uint64(c.slot))
		b = append(b, byte(c.state))
		b = binary.AppendUvarint(b, uint64(max(c.since, packedEpoch)-packedEpoch))
		b = binary.AppendUvarint(b, uint64(c.since-min(c.first, c.since)))
	}
	return packTasks(b, tasks)
}

// unpack decodes packed states. The error says that they cannot be used.
func unpack(b []byte) ([]cell, []task, error) {
	if len(b) == 0 || b[0] != packedVersion && b[0] != packedWithTasks {
		return nil, nil, errPacked
	}
	d := packedReader{b: b[1:]}
	n := d.uvarint()
	if n > uint64(len(b)) {
		return nil, nil, errPacked
	}
	cells := make([]cell, 0, n)
	for range n {
		c := cell{slot: uint16(d.uvarint()), state: State(d.byte())}
		c.since = uint32(d.uvarint()) + packedEpoch
		c.first = c.since - uint32(d.uvarint())
		if c.state > Exempt {
			d.bad = true
		}
		cells = append(cells, c)
	}
	var tasks []task
	if b[0] == packedWithTasks {
		tasks = d.tasks()
	}
	if d.bad || d.more() {
		return nil, nil, errPacked
	}
	return cells, tasks, nil
}

// packedReader reads b from at on; after an error it is bad and reads zeros.
type packedReader struct {
	b   []byte
	at  int
	bad bool
}

// more reports whether there is something left to read.
func (d *packedReader) more() bool { return d.at < len(d.b) }

// damaged is an error if the reader is bad.
func (d *packedReader) damaged() error {
	if d.bad {
		return errPacked
	}
	return nil
}

func (d *packedReader) fail() {
	d.at, d.bad = len(d.b), true
}

// uvarint is made for small numbers, which most are.
func (d *packedReader) uvarint() uint64 {
	if d.at < len(d.b) && d.b[d.at] < 0x80 {
		d.at++
		return uint64(d.b[d.at-1])
	}
	return d.long()
}

func (d *packedReader) long() uint64 {
	if d.at+1 < len(d.b) && d.b[d.at+1] < 0x80 {
		d.at += 2
		return uint64(d.b[d.at-2]&0x7f) | uint64(d.b[d.at-1])<<7
	}
	v, n := binary.Uvarint(d.b[d.at:])
	if n <= 0 {
		d.fail()
		return 0
	}
	d.at += n
	return v
}

func (d *packedReader) varint() int64 {
	v, n := binary.Varint(d.b[d.at:])
	if n <= 0 {
		d.fail()
		return 0
	}
	d.at += n
	return v
}

func (d *packedReader) byte() byte {
	if !d.more() {
		d.fail()
		return 0
	}
	d.at++
	return d.b[d.at-1]
}

// count reads a number of things that take at least a byte each.
func (d *packedReader) count() uint64 {
	n := d.uvarint()
	if n > uint64(len(d.b)-d.at) {
		d.fail()
		return 0
	}
	return n
}

// bytes reads a length and as many bytes, which are not copied.
func (d *packedReader) bytes() []byte {
	n := int(d.count())
	d.at += n
	return d.b[d.at-n : d.at]
}
