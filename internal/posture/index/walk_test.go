package index

import (
	"fmt"
	"slices"
	"testing"

	"github.com/rampart-sec/rampart/internal/posture/record"
)

// TestPagesWalkNames asks for pages as of a large estate, where rows are looked
// through in the order of names, some of them come since names were sorted.
func TestPagesWalkNames(t *testing.T) {
	defer func(n int) { manyNamed = n }(manyNamed)
	manyNamed = 0
	t.Run("assessments", TestAssessmentPages)
	t.Run("inventory", TestInventoryPages)
	v := randomView(t, 150)
	for _, late := range []int{1, 40, 150} {
		k := NewRanks(v)
		k.order = slices.DeleteFunc(k.order, func(h uint32) bool { return int(h)%150 < late })
		clear(k.of)
		for i, h := range k.order {
			k.of[h] = uint32(i + 1)
		}
		v.ranks = k
		for _, q := range []AssessmentQuery{{Sort: "name"}, {Sort: "name", Desc: true}, {Sort: "name", State: []record.State{record.Unhealthy}, Scope: Scope{Tag: "env", TagValue: "e1"}}} {
			t.Run(fmt.Sprint(late, q.Desc, len(q.State)), func(t *testing.T) { checkAssessments(t, v, q) })
		}
	}
}
