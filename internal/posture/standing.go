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

// stood is how a row stands in all controls.
type stood struct {
	at     []standing
	in     controlSet // where it has something
	stance stance
	// known and unknown are in how many scored controls it is so.
	known, unknown int
}

// read takes a row's standings.
func (s *stood) read(sh *shape, r *row) {
	s.in = sh.standings(r, s.at)
	s.stance, s.known, s.unknown = 0, 0, 0
	s.in.each(func(i int) {
		state := s.at[i].state()
		s.stance = s.stance.with(i, state)
		switch {
		case sh.controls[i].Max == 0:
		case state == Unknown:
			s.unknown++
		case state == Healthy || state == Unhealthy:
			s.known++
		}
	})
}

// scored counts the scored controls in which a row is known, or unknown.
func (sh *shape) scored(st []standing) (known, unknown int) {
	for i, s := range st {
		if sh.controls[i].Max == 0 {
			continue
		}
		switch s.state() {
		case Healthy, Unhealthy:
			known++
		case Unknown:
			unknown++
		}
	}
	return known, unknown
}

// softens reports whether fixing an unhealthy cell would leave its control
// unknown.
func (sh *shape) softens(c cell, st []standing) bool {
	control := sh.control(c.slot)
	return control != uncounted && c.flags&inGrace == 0 && sh.controls[control].Max > 0 &&
		st[control].last() && st[control].unknown > 0
}
