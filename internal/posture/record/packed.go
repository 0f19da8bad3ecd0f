package record

import (
	"encoding/binary"
	"errors"
)

// packedVersion is the first byte of packed states. A reader that does not
// know a version takes the resource as never judged.
const packedVersion = 1

// packedWithTasks is the first byte where tasks follow the statuses.
const packedWithTasks = 2

// packedEpoch is subtracted from times, so that they take four bytes.
const packedEpoch = 1577836800 // 2020-01-01T00:00:00Z

// ErrPacked says that packed bytes are no statuses, changes or frame.
var ErrPacked = errors.New("packed states are damaged")

// Pack encodes what of a row's statuses must outlive the process: slot, state,
// since and first seen. Everything else is found again by evaluating. No statuses
// are a valid state too: judged, nothing applies.
//
// tasks that outlive their time as unhealthy follow, in a version of their own:
// most resources have none.
func Pack(cells []Status, tasks []Task) []byte {
	b := make([]byte, 0, 2+len(cells)*12)
	tasks = lasting(tasks)
	version := byte(packedVersion)
	if len(tasks) > 0 {
		version = packedWithTasks
	}
	b = append(b, version)
	b = binary.AppendUvarint(b, uint64(len(cells)))
	for _, c := range cells {
		b = binary.AppendUvarint(b, uint64(c.Slot))
		b = append(b, byte(c.State))
		b = binary.AppendUvarint(b, uint64(max(c.Since, packedEpoch)-packedEpoch))
		b = binary.AppendUvarint(b, uint64(c.Since-min(c.First, c.Since)))
	}
	return packTasks(b, tasks)
}

// Unpack decodes packed states. The error says that they cannot be used.
func Unpack(b []byte) ([]Status, []Task, error) {
	if len(b) == 0 || b[0] != packedVersion && b[0] != packedWithTasks {
		return nil, nil, ErrPacked
	}
	d := PackedReader{Data: b[1:]}
	n := d.Uvarint()
	if n > uint64(len(b)) {
		return nil, nil, ErrPacked
	}
	cells := make([]Status, 0, n)
	for range n {
		c := Status{Slot: uint16(d.Uvarint()), State: State(d.Byte())}
		c.Since = uint32(d.Uvarint()) + packedEpoch
		c.First = c.Since - uint32(d.Uvarint())
		if c.State > Exempt {
			d.Bad = true
		}
		cells = append(cells, c)
	}
	var tasks []Task
	if b[0] == packedWithTasks {
		tasks = d.tasks()
	}
	if d.Bad || d.More() {
		return nil, nil, ErrPacked
	}
	return cells, tasks, nil
}

// PackedReader reads b from at on; after an error it is bad and reads zeros.
type PackedReader struct {
	Data []byte
	at   int
	Bad  bool
}

// More reports whether there is something left to read.
func (d *PackedReader) More() bool { return d.at < len(d.Data) }

// Damaged is an error if the reader is bad.
func (d *PackedReader) Damaged() error {
	if d.Bad {
		return ErrPacked
	}
	return nil
}

// Fail marks what is read as damaged.
func (d *PackedReader) Fail() {
	d.at, d.Bad = len(d.Data), true
}

// Uvarint is made for small numbers, which most are.
func (d *PackedReader) Uvarint() uint64 {
	if d.at < len(d.Data) && d.Data[d.at] < 0x80 {
		d.at++
		return uint64(d.Data[d.at-1])
	}
	return d.long()
}

func (d *PackedReader) long() uint64 {
	if d.at+1 < len(d.Data) && d.Data[d.at+1] < 0x80 {
		d.at += 2
		return uint64(d.Data[d.at-2]&0x7f) | uint64(d.Data[d.at-1])<<7
	}
	v, n := binary.Uvarint(d.Data[d.at:])
	if n <= 0 {
		d.Fail()
		return 0
	}
	d.at += n
	return v
}

// Varint reads a signed number of at most 32 bits; 0 once damaged.
func (d *PackedReader) Varint() int64 {
	v, n := binary.Varint(d.Data[d.at:])
	if n <= 0 {
		d.Fail()
		return 0
	}
	d.at += n
	return v
}

// Byte reads one byte; 0 once damaged.
func (d *PackedReader) Byte() byte {
	if !d.More() {
		d.Fail()
		return 0
	}
	d.at++
	return d.Data[d.at-1]
}

// Count reads a number of things that take at least a byte each.
func (d *PackedReader) Count() uint64 {
	n := d.Uvarint()
	if n > uint64(len(d.Data)-d.at) {
		d.Fail()
		return 0
	}
	return n
}

// Bytes reads a length and as many bytes, which are not copied.
func (d *PackedReader) Bytes() []byte {
	n := int(d.Count())
	d.at += n
	return d.Data[d.at-n : d.at]
}
