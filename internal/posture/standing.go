package posture

import "math/bits"

// standing is how one row stands in one control, by its counted cells.
type standing struct {
	healthy, unhealthy, unknown, exempt uint16
}

// state is the row's state in the control: any unhealthy means unhealthy,
// otherwise any unknown puts it outside both counts.
func (s standing) state() State {
	switch {
	case s.unhealthy > 0:
		return Unhealthy
	case s.unknown > 0:
		return Unknown
	case s.healthy > 0:
		return Healthy
	case s.exempt > 0:
		return Exempt
	}
	return NotApplicable
}

// last says that fixing one assessment decides the control: it is the only
// unhealthy one. The row becomes healthy then, or unknown if others are.
func (s standing) last() bool { return s.unhealthy == 1 }

// controlSet has a bit for each of some controls, by number; there are at most
// maxControls.
type controlSet uint32

// each calls fn for every control, ascending.
func (s controlSet) each(fn func(i int)) {
	for ; s != 0; s &= s - 1 {
		fn(bits.TrailingZeros32(uint32(s)))
	}
}

// standings fills into, one entry per control, from a row's cells, and returns
// the controls that it stands in; a nil row stands nowhere.
func (sh *shape) standings(r *row, into []standing) (in controlSet) {
	clear(into)
	if r == nil {
		return 0
	}
	for _, c := range r.cells {
		control := sh.control(c.slot)
		if control == uncounted || c.flags&inGrace != 0 {
			continue
		}
		in |= 1 << control
		s := &into[control]
		switch c.state {
		case Healthy:
			s.healthy++
		case Unhealthy:
			s.unhealthy++
		case Unknown:
			s.unknown++
		case Exempt:
			s.exempt++
		}
	}
	return in
}
