package index

import (
	"math"

	"github.com/rampart-sec/rampart/internal/posture/record"
)

// nearly reports whether two numbers differ by at most so much.
func nearly(a, b, within float64) bool { return math.Abs(a-b) <= within }

// allRows are the rows of a view by handle.
func allRows(v *View) map[uint32]*record.Row {
	rows := map[uint32]*record.Row{}
	v.Rows.Each(func(h uint32, r *record.Row) bool { rows[h] = r; return true })
	return rows
}
