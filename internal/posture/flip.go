package posture

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/internal/store"
)

// Cause says why an assessment changed.
type Cause uint8

// The causes. The numbers are stored in history blocks.
const (
	ResourceChanged Cause = iota
	PolicyChanged
	ExemptionChanged
	TimePassed
)

// String is the cause in words.
func (c Cause) String() string {
	return [...]string{"resource changed", "policy changed", "exemption changed", "time passed"}[c]
}

// flip is one assessment that changed its state.
type flip struct {
	handle   uint32
	slot     uint16
	from, to State
	cause    Cause
}

// code packs (from, to, cause) into the state byte of a history block: three
// bits, three bits, two bits. With from, history can be read both ways.
func (f flip) code() uint8 { return uint8(f.from)<<5 | uint8(f.to)<<2 | uint8(f.cause) }

func decodeFlip(code uint8) (from, to State, cause Cause, err error) {
	from, to, cause = State(code>>5), State(code>>2&7), Cause(code&3)
	if from > Exempt || to > Exempt {
		return 0, 0, 0, fmt.Errorf("history block: state byte %#x is none", code)
	}
	return from, to, cause, nil
}

// blockBits is the size of a history block: 65,536 handles.
const blockBits = 16

// diff appends the flips between two rows of one handle; either may be nil.
func diff(flips []flip, was, now *row, cause Cause) []flip {
	if was != nil {
		for _, c := range was.cells {
			if after, _ := now.cellOrNone(c.slot); after.state != c.state {
				flips = append(flips, flip{was.handle, c.slot, c.state, after.state, cause})
			}
		}
	}
	if now != nil {
		for _, c := range now.cells {
			if _, known := was.cellOrNone(c.slot); !known {
				flips = append(flips, flip{now.handle, c.slot, NotApplicable, c.state, cause})
			}
		}
	}
	return flips
}

// historyBlocks groups flips by recommendation, block and kind of change, so
// that an edit that flips a million resources writes a few rows.
func historyBlocks(tenant string, ids []string, flips []flip, seq uint64, at time.Time) ([]store.HistoryBlock, error) {
	groups := map[flipGroup]*roaring.Bitmap{}
	for _, f := range flips {
		g := flipGroup{f.slot, f.code(), f.handle >> blockBits}
		bits := groups[g]
		if bits == nil {
			bits = roaring.New()
			groups[g] = bits
		}
		bits.Add(f.handle & (1<<blockBits - 1))
	}
	blocks := make([]store.HistoryBlock, 0, len(groups))
	for _, g := range slices.SortedFunc(maps.Keys(groups), flipGroup.compare) {
		packed, err := groups[g].ToBytes()
		if err != nil {
			return nil, fmt.Errorf("encode history: %w", err)
		}
		blocks = append(blocks, store.HistoryBlock{
			Tenant: tenant, Recommendation: ids[g.slot], Block: g.block, State: g.code, Seq: seq, At: at, Bits: packed,
		})
	}
	return blocks, nil
}

// flipGroup is what the flips of one history block share.
type flipGroup struct {
	slot  uint16
	code  uint8
	block uint32
}

func (g flipGroup) compare(o flipGroup) int {
	return cmp.Or(cmp.Compare(g.slot, o.slot), cmp.Compare(g.block, o.block), cmp.Compare(g.code, o.code))
}

// blockHandles are the handles of a history block.
func blockHandles(b *store.HistoryBlock) (*roaring.Bitmap, error) {
	low := roaring.New()
	if err := low.UnmarshalBinary(b.Bits); err != nil {
		return nil, fmt.Errorf("history of %s: %w", b.Recommendation, err)
	}
	return roaring.AddOffset(low, b.Block<<blockBits), nil
}
