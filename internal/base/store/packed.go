package store

import (
	"encoding/binary"
	"errors"
	"slices"
)

// kindCodes are the first byte of a packed change; 0 is followed by the kind
// as text. The order is part of the stored format: only append.
var kindCodes = []string{"", KindResource, KindResourceSeen, KindResourceDeleted, KindObject, KindObjectDeleted, KindTenant, KindTenantDeleted}

var errPacked = errors.New("packed changes are damaged")

// packChanges encodes (kind, handle, key, payload) of each change. The ids of
// one batch share long prefixes, so compression makes them small.
func packChanges(cs []Change) []byte {
	var b []byte
	for i := range cs {
		code := max(0, slices.Index(kindCodes, cs[i].Kind))
		b = append(b, byte(code))
		if code == 0 {
			b = appendString(b, cs[i].Kind)
		}
		b = binary.AppendUvarint(b, uint64(cs[i].Handle))
		b = appendString(b, cs[i].Key)
		b = appendString(b, string(cs[i].Payload))
	}
	return compress(b)
}

// unpackChanges appends what packChanges encoded.
func unpackChanges(all []Change, packed []byte) ([]Change, error) {
	b, err := decompress(nil, packed)
	if err != nil {
		return nil, err
	}
	d := reader{b: b}
	for len(d.b) > 0 && !d.bad {
		var c Change
		if code := d.byte(); code == 0 {
			c.Kind = d.string()
		} else if int(code) < len(kindCodes) {
			c.Kind = kindCodes[code]
		} else {
			d.bad = true
		}
		c.Handle, c.Key = uint32(d.uvarint()), d.string()
		if p := d.string(); p != "" {
			c.Payload = []byte(p)
		}
		all = append(all, c)
	}
	if d.bad {
		return nil, errPacked
	}
	return all, nil
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// reader takes values off the front of b; after the first that is not there
// bad is set and everything is zero.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.bad = true
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) string() string {
	n := r.uvarint()
	if n > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return ""
	}
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}
