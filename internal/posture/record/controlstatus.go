package record

import "math/bits"

// ControlStatus is how one row stands in one control, by its counted statuses.
type ControlStatus struct {
	Healthy, Unhealthy, Unknown, exempt uint16
}

// State is the row's state in the control: any unhealthy means unhealthy,
// otherwise any unknown puts it outside both counts.
func (s ControlStatus) State() State {
	switch {
	case s.Unhealthy > 0:
		return Unhealthy
	case s.Unknown > 0:
		return Unknown
	case s.Healthy > 0:
		return Healthy
	case s.exempt > 0:
		return Exempt
	}
	return NotApplicable
}

// LastUnhealthy says that fixing one assessment decides the control: it is the only
// unhealthy one. The row becomes healthy then, or unknown if others are.
func (s ControlStatus) LastUnhealthy() bool { return s.Unhealthy == 1 }

// controlSet has a bit for each of some controls, by number; there are at most
// maxControls.
type controlSet uint32

// Each calls fn for every control, ascending.
func (s controlSet) Each(fn func(i int)) {
	for ; s != 0; s &= s - 1 {
		fn(bits.TrailingZeros32(uint32(s)))
	}
}

// ControlStatuses fills into, one entry per control, from a row's statuses, and returns
// the controls that it stands in; a nil row stands nowhere.
func (sh *Schema) ControlStatuses(r *Row, into []ControlStatus) (in controlSet) {
	clear(into)
	if r == nil {
		return 0
	}
	for _, c := range r.Statuses {
		control := sh.Control(c.Slot)
		if control == NotCounted || c.Flags&InGrace != 0 {
			continue
		}
		in |= 1 << control
		s := &into[control]
		switch c.State {
		case Healthy:
			s.Healthy++
		case Unhealthy:
			s.Unhealthy++
		case Unknown:
			s.Unknown++
		case Exempt:
			s.exempt++
		}
	}
	return in
}

// RowControls is how a row stands in all controls.
type RowControls struct {
	Statuses []ControlStatus
	In       controlSet // where it has something
	States   ControlStates
	// Known and unknown are in how many scored controls it is so.
	Known, Unknown int
}

// Read takes a row's control statuses.
func (s *RowControls) Read(sh *Schema, r *Row) {
	s.In = sh.ControlStatuses(r, s.Statuses)
	s.States, s.Known, s.Unknown = 0, 0, 0
	s.In.Each(func(i int) {
		state := s.Statuses[i].State()
		s.States = s.States.With(i, state)
		switch {
		case sh.Controls[i].Max == 0:
		case state == Unknown:
			s.Unknown++
		case state == Healthy || state == Unhealthy:
			s.Known++
		}
	})
}

// Scored counts the scored controls in which a row is known, or unknown.
func (sh *Schema) Scored(st []ControlStatus) (known, unknown int) {
	for i, s := range st {
		if sh.Controls[i].Max == 0 {
			continue
		}
		switch s.State() {
		case Healthy, Unhealthy:
			known++
		case Unknown:
			unknown++
		}
	}
	return known, unknown
}

// Softens reports whether fixing an unhealthy status would leave its control
// unknown.
func (sh *Schema) Softens(c Status, st []ControlStatus) bool {
	control := sh.Control(c.Slot)
	return control != NotCounted && c.Flags&InGrace == 0 && sh.Controls[control].Max > 0 &&
		st[control].LastUnhealthy() && st[control].Unknown > 0
}
