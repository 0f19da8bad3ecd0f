package posture

import (
	"encoding/binary"
	"errors"
)

// packedVersion is the first byte of packed states. A reader that does not
// know a version takes the resource as never judged.
const packedVersion = 1

// packedEpoch is subtracted from times, so that they take four bytes.
const packedEpoch = 1577836800 // 2020-01-01T00:00:00Z

var errPacked = errors.New("packed states are damaged")

// pack encodes what of a row's cells must outlive the process: slot, state,
// since and first seen. Everything else is found again by evaluating. No cells
// are a valid state too: judged, nothing applies.
func pack(cells []cell) []byte {
	b := make([]byte, 0, 2+len(cells)*12)
	b = append(b, packedVersion)
	b = binary.AppendUvarint(b, uint64(len(cells)))
	for _, c := range cells {
		b = binary.AppendUvarint(b, uint64(c.slot))
		b = append(b, byte(c.state))
		b = binary.AppendUvarint(b, uint64(max(c.since, packedEpoch)-packedEpoch))
		b = binary.AppendUvarint(b, uint64(c.since-min(c.first, c.since)))
	}
	return b
}

// unpack decodes packed states. The error says that they cannot be used.
func unpack(b []byte) ([]cell, error) {
	if len(b) == 0 || b[0] != packedVersion {
		return nil, errPacked
	}
	d := packedReader{b: b[1:]}
	n := d.uvarint()
	if n > uint64(len(b)) {
		return nil, errPacked
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
	if d.bad || len(d.b) > 0 {
		return nil, errPacked
	}
	return cells, nil
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
