package record

// ControlStates is how a resource stands in every control: three bits each, by the
// control's number. Numbers, once given, are kept (Estate.controls), because
// what is stored of the past names them.
type ControlStates uint64

const (
	stanceBits = 3
	// MaxControls is the number of controls that control states has room for. Content
	// has 15; one that is dropped keeps its number.
	MaxControls = 21
	// Absent is the control states of a resource that is not there.
	Absent = ^ControlStates(0)
)

// ControlStatesOf packs the control statuses of a row, which may be nil, in their order.
func ControlStatesOf(r *Row, st []ControlStatus) ControlStates {
	if r == nil {
		return Absent
	}
	var s ControlStates
	for i := range st {
		s |= ControlStates(st[i].State()) << (stanceBits * i)
	}
	return s
}

// State is the state in the control numbered n.
func (s ControlStates) State(n int) State { return State(s >> (stanceBits * n) & (1<<stanceBits - 1)) }

// OrNone is the control states, in no control if the resource is not there.
func (s ControlStates) OrNone() ControlStates {
	if s == Absent {
		return 0
	}
	return s
}

// With is the control states with another state in the control numbered n.
func (s ControlStates) With(n int, state State) ControlStates {
	return s&^((1<<stanceBits-1)<<(stanceBits*n)) | ControlStates(state)<<(stanceBits*n)
}

// Renumbered is the control states whose nth control is numbered numbers[n].
func (s ControlStates) Renumbered(numbers []uint16) ControlStates {
	if s == Absent {
		return s
	}
	var to ControlStates
	for n, number := range numbers {
		to |= ControlStates(s.State(n)) << (stanceBits * number)
	}
	return to
}
