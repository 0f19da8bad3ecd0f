package posture

import (
	"cmp"
	"fmt"
)

// Cause says why an assessment changed.
type Cause uint8

// The causes. The numbers are stored in moves.
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

// code packs (from, to, cause) into a byte of moves: three bits, three bits, two
// bits.
func (f flip) code() uint8 { return uint8(f.from)<<5 | uint8(f.to)<<2 | uint8(f.cause) }

func decodeFlip(code uint8) (from, to State, cause Cause, err error) {
	from, to, cause = State(code>>5), State(code>>2&7), Cause(code&3)
	if from > Exempt || to > Exempt {
		return 0, 0, 0, fmt.Errorf("state byte %#x is none", code)
	}
	return from, to, cause, nil
}

// blockBits is the size of a block of a frame: 65,536 handles.
const blockBits = 16

// diff appends the flips between two rows of one handle; either may be nil.
func diff(flips []flip, was, now *row, cause Cause) []flip {
	handle := cmp.Or(was, now).handle
	eachPair(was.cellsOrNone(), now.cellsOrNone(), func(before, after cell) {
		if before.state != after.state {
			flips = append(flips, flip{handle, after.slot, before.state, after.state, cause})
		}
	})
	return flips
}

// causeWords is a cause in words. What an exemption no longer excuses since the
// resource changed is told apart: mostly it was re-opened.
func causeWords(cause Cause, from, to State) string {
	if cause == ResourceChanged && from == Exempt && to == Unhealthy {
		return "resource changed under its exemption"
	}
	return cause.String()
}

// eachPair calls fn for every slot that has a cell before or after; one without a
// state stands for none. Cells are sorted by slot.
func eachPair(before, after []cell, fn func(before, after cell)) {
	for len(before) > 0 || len(after) > 0 {
		switch {
		case len(after) == 0 || len(before) > 0 && before[0].slot < after[0].slot:
			fn(before[0], cell{slot: before[0].slot})
			before = before[1:]
		case len(before) == 0 || after[0].slot < before[0].slot:
			fn(cell{slot: after[0].slot}, after[0])
			after = after[1:]
		default:
			fn(before[0], after[0])
			before, after = before[1:], after[1:]
		}
	}
}
