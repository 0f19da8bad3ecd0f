package posture

import (
	"time"
)

// insertCell keeps cells sorted by slot.
func insertCell(cells []cell, c cell) []cell {
	i := 0
	for i < len(cells) && cells[i].slot < c.slot {
		i++
	}
	cells = append(cells, cell{})
	copy(cells[i+1:], cells[i:])
	cells[i] = c
	return cells
}

// timed gives a cell its times: those of before, as far as the state is the
// same.
func timed(c cell, was *row, at time.Time) cell {
	before, ok := was.cellOrNone(c.slot)
	c.take(before, ok, uint32(at.Unix()))
	return c
}

// timeAll is timed for all cells of a row, sorted by slot.
func timeAll(cells []cell, was *row, at time.Time) {
	before := was.cellsOrNone()
	now := uint32(at.Unix())
	for i := range cells {
		c := &cells[i]
		for len(before) > 0 && before[0].slot < c.slot {
			before = before[1:]
		}
		if len(before) > 0 && before[0].slot == c.slot {
			c.take(before[0], true, now)
		} else {
			c.take(cell{}, false, now)
		}
	}
}

// take gives a cell the times that follow from the cell before, if there was one.
func (c *cell) take(before cell, known bool, now uint32) {
	c.since, c.first = now, now
	if known {
		c.first = before.first
		if before.state == c.state {
			c.since = before.since
		}
	}
}
