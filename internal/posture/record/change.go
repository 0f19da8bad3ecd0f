package record

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

// Change is one assessment that changed its state.
type Change struct {
	Handle   uint32
	Slot     uint16
	From, To State
	Cause    Cause
}

// Code packs (from, to, cause) into a byte of moves: three bits, three bits, two
// bits.
func (f Change) Code() uint8 { return uint8(f.From)<<5 | uint8(f.To)<<2 | uint8(f.Cause) }

// DecodeChange is the inverse of Code; the error is ErrPacked.
func DecodeChange(code uint8) (from, to State, cause Cause, err error) {
	from, to, cause = State(code>>5), State(code>>2&7), Cause(code&3)
	if from > Exempt || to > Exempt {
		return 0, 0, 0, fmt.Errorf("state byte %#x is none", code)
	}
	return from, to, cause, nil
}

// BlockBits is the size of a block of a frame: 65,536 handles.
const BlockBits = 16

// Diff appends the changes between two rows of one handle; either may be nil.
func Diff(flips []Change, was, now *Row, cause Cause) []Change {
	handle := cmp.Or(was, now).Handle
	EachPair(was.StatusesOrNone(), now.StatusesOrNone(), func(before, after Status) {
		if before.State != after.State {
			flips = append(flips, Change{handle, after.Slot, before.State, after.State, cause})
		}
	})
	return flips
}

// CauseText is a cause in words. What an exemption no longer excuses since the
// resource changed is told apart: mostly it was re-opened.
func CauseText(cause Cause, from, to State) string {
	if cause == ResourceChanged && from == Exempt && to == Unhealthy {
		return "resource changed under its exemption"
	}
	return cause.String()
}

// EachPair calls fn for every slot that has a status before or after; one without a
// state stands for none. Cells are sorted by slot.
func EachPair(before, after []Status, fn func(before, after Status)) {
	for len(before) > 0 || len(after) > 0 {
		switch {
		case len(after) == 0 || len(before) > 0 && before[0].Slot < after[0].Slot:
			fn(before[0], Status{Slot: before[0].Slot})
			before = before[1:]
		case len(before) == 0 || after[0].Slot < before[0].Slot:
			fn(Status{Slot: after[0].Slot}, after[0])
			after = after[1:]
		default:
			fn(before[0], after[0])
			before, after = before[1:], after[1:]
		}
	}
}
