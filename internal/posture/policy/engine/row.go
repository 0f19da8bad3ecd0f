package engine

import (
	"encoding/binary"
	"math"
)

// Row is the resident form of one resource: a cell for every slot that a
// program of its type reads, then the blocks of its arrays, then the texts
// that cells point to. A row has no pointers and is never changed once built.
// It only has a meaning together with the layout it was decoded for.
//
// The first word is the byte offset of the texts, word 1 on are the cells of
// the root scope. A block of an array is its length in words, then so many
// elements, each a run of cells (a scope of its own).
type Row []byte

// cell is one slot's value: a tag in the low bits and a payload above it.
type cell uint32

// The tags of a cell. The zero cell is a missing value.
const (
	tagMissing     = iota
	tagNull        // explicit null
	tagUnavailable // the source did not deliver it
	tagFalse
	tagTrue
	tagInt      // payload: the signed number itself
	tagLong     // payload: text offset of eight bytes, an int64
	tagFloat    // payload: text offset of eight bytes, a float64
	tagWord     // payload: number of the folded text in the dict
	tagWordText // payload: text offset of the dict number and the text as written
	tagText     // payload: text offset of a text that is not in the dict
	tagObject   // payload: text offset of the raw JSON, noText if it is not kept
	tagArray    // likewise
	tagBlock    // payload: word offset of the array's block
	tagOther    // an array is wanted and there is something else

	tagBits = 4
	tagMask = 1<<tagBits - 1
	noText  = 1<<(32-tagBits) - 1
	maxInt  = 1<<(31-tagBits) - 1
	minInt  = -1 << (31 - tagBits)
)

func newCell(tag int, payload uint32) cell { return cell(payload<<tagBits) | cell(tag) }

func intCell(n int64) cell { return cell(uint32(int32(n))<<tagBits) | tagInt }

func (c cell) tag() int        { return int(c & tagMask) }
func (c cell) payload() uint32 { return uint32(c) >> tagBits }
func (c cell) inline() int64   { return int64(int32(c) >> tagBits) }

// isString reports whether the cell is a text, in the dict or not.
func (c cell) isString() bool {
	t := c.tag()
	return t == tagWord || t == tagWordText || t == tagText
}

// at reads the word with index i.
func (r Row) at(i uint32) cell { return cell(binary.LittleEndian.Uint32(r[4*i:])) }

// word gives the dict number of a string cell.
func (r Row) word(c cell) (id uint32, ok bool) {
	switch c.tag() {
	case tagWord:
		return c.payload(), true
	case tagWordText:
		return binary.LittleEndian.Uint32(r[r.textAt(c):]), true
	}
	return 0, false
}

func (r Row) textAt(c cell) uint32 {
	return binary.LittleEndian.Uint32(r) + c.payload()
}

// text is what a tagText or tagWordText cell holds, as written, or the raw
// JSON of a tagObject or tagArray cell that keeps it.
func (r Row) text(c cell) []byte {
	at := r.textAt(c)
	if c.tag() == tagWordText {
		at += 4
	}
	n, w := binary.Uvarint(r[at:])
	at += uint32(w)
	return r[at : uint64(at)+n]
}

// long and float read the eight bytes of a tagLong or tagFloat cell.
func (r Row) long(c cell) int64 { return int64(binary.LittleEndian.Uint64(r[r.textAt(c):])) }

func (r Row) float(c cell) float64 { return math.Float64frombits(uint64(r.long(c))) }

// block gives the number of elements and the word offset of the first one.
func (r Row) block(c cell) (n, first uint32) {
	at := c.payload()
	return uint32(r.at(at)), at + 1
}
