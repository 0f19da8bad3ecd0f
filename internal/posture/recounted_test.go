package posture

import "math"

// near reports whether two numbers differ by at most so much.
func near(a, b, within float64) bool { return math.Abs(a-b) <= within }

// recounted says where a view's aggregates differ from its rows.
func recounted(v *View) (found []Difference) {
	v.verify(func(d Difference) { found = append(found, d) })
	return found
}
