package posture

// standing is how one row stands in one control, by its counted cells.
type standing struct {
	healthy, unhealthy, unknown, exempt int
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

// standings fills into, one entry per control, from a row's cells; a nil row
// stands nowhere.
func (sh *shape) standings(r *row, into []standing) {
	clear(into)
	if r == nil {
		return
	}
	for _, c := range r.cells {
		control := sh.control(c.slot)
		if control == uncounted || c.flags&inGrace != 0 {
			continue
		}
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
}
