package posture

import "math"

// nearly reports whether two numbers differ by at most so much.
func nearly(a, b, within float64) bool { return math.Abs(a-b) <= within }

// allRows are the rows of a view by handle.
func allRows(v *View) map[uint32]*row {
	rows := map[uint32]*row{}
	v.rows.Each(func(h uint32, r *row) bool { rows[h] = r; return true })
	return rows
}
