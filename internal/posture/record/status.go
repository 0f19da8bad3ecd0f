package record

import "time"

// InsertStatus keeps statuses sorted by slot.
func InsertStatus(cells []Status, c Status) []Status {
	i := 0
	for i < len(cells) && cells[i].Slot < c.Slot {
		i++
	}
	cells = append(cells, Status{})
	copy(cells[i+1:], cells[i:])
	cells[i] = c
	return cells
}

// Timed gives a status its times: those of before, as far as the state is the
// same.
func Timed(c Status, was *Row, at time.Time) Status {
	before, ok := was.statusOrNone(c.Slot)
	c.take(before, ok, uint32(at.Unix()))
	return c
}

// SetTimes is timed for all statuses of a row, sorted by slot.
func SetTimes(cells []Status, was *Row, at time.Time) {
	before := was.StatusesOrNone()
	now := uint32(at.Unix())
	for i := range cells {
		c := &cells[i]
		for len(before) > 0 && before[0].Slot < c.Slot {
			before = before[1:]
		}
		if len(before) > 0 && before[0].Slot == c.Slot {
			c.take(before[0], true, now)
		} else {
			c.take(Status{}, false, now)
		}
	}
}

// take gives a status the times that follow from the status before, if there was one.
func (c *Status) take(before Status, known bool, now uint32) {
	c.Since, c.First = now, now
	if known {
		c.First = before.First
		if before.State == c.State {
			c.Since = before.Since
		}
	}
}
