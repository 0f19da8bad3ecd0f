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
	if d.bad || len(d.b) > 0 {
		return nil, nil, errPacked
	}
	return cells, tasks, nil
}

// packedReader reads from b; after an error it is bad and reads zeros.
type packedReader struct {
	b   []byte
	bad bool
}

func (d *packedReader) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.b, d.bad = nil, true
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *packedReader) byte() byte {
	if len(d.b) == 0 {
		d.bad = true
		return 0
	}
	c := d.b[0]
	d.b = d.b[1:]
	return c
}
