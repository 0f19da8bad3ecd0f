package judge

import (
	"math"

	"github.com/rampart-sec/rampart/internal/posture/index"
)

// Near reports whether two numbers differ by at most so much.
func Near(a, b, within float64) bool { return math.Abs(a-b) <= within }

// recounted says where a view's aggregates differ from its rows.
func recounted(v *index.View) (found []index.Difference) {
	v.Verify(func(d index.Difference) { found = append(found, d) })
	return found
}
