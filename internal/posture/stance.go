package posture

// stance is how a resource stands in every control: three bits each, by the
// control's number. Numbers, once given, are kept (Estate.controls), because
// what is stored of the past names them.
type stance uint64

const (
	stanceBits = 3
	// maxControls is the number of controls that a stance has room for. Content
	// has 15; one that is dropped keeps its number.
	maxControls = 21
	// nowhere is the stance of a resource that is not there.
	nowhere = ^stance(0)
)

// stanceOf packs the standings of a row, which may be nil, in their order.
func stanceOf(r *row, st []standing) stance {
	if r == nil {
		return nowhere
	}
	var s stance
	for i := range st {
		s |= stance(st[i].state()) << (stanceBits * i)
	}
	return s
}

// state is the state in the control numbered n.
func (s stance) state(n int) State { return State(s >> (stanceBits * n) & (1<<stanceBits - 1)) }

// orNone is the stance, in no control if the resource is not there.
func (s stance) orNone() stance {
	if s == nowhere {
		return 0
	}
	return s
}

// with is the stance with another state in the control numbered n.
func (s stance) with(n int, state State) stance {
	return s&^((1<<stanceBits-1)<<(stanceBits*n)) | stance(state)<<(stanceBits*n)
}

// renumbered is the stance whose nth control is numbered numbers[n].
func (s stance) renumbered(numbers []uint16) stance {
	if s == nowhere {
		return s
	}
	var to stance
	for n, number := range numbers {
		to |= stance(s.state(n)) << (stanceBits * number)
	}
	return to
}
