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
