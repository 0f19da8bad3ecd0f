package index

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// TestEachIsWhatPagesShow compares lists without an end with their pages: the
// same rows, each once.
func TestEachIsWhatPagesShow(t *testing.T) {
	v := randomView(t, 150)
	v.ranks = NewRanks(v)
	for _, q := range []AssessmentQuery{
		{}, {State: []record.State{record.Unhealthy}, Sort: "name"}, {State: []record.State{record.Unknown, record.Exempt}, Severity: []content.Severity{content.High}, Sort: "severity"},
		{Scope: Scope{ID: "/subscriptions/sub-1"}, Desc: true}, {Text: "r7"}, {Scope: Scope{Tag: "env", TagValue: "e1"}, Sort: "since", Desc: true},
	} {
		pages := pagesOf(t, 50, func(after string, limit int) (Page[record.Assessment], error) {
			q := q
			q.After, q.Limit = after, limit
			return v.Assessments(q)
		})
		each, err := v.EachMatch(q)
		if err != nil {
			t.Fatal(err)
		}
		name := func(a record.Assessment) string {
			return fmt.Sprint(a.ResourceID, " ", a.Recommendation.ID, " ", a.State)
		}
		if diff := cmp.Diff(sortedNames(pages, name), sortedNames(slices.Collect(each), name)); diff != "" {
			t.Errorf("%+v (-pages +each):\n%s", q, diff)
		}
	}
	for _, q := range []InventoryQuery{
		{}, {State: []record.State{record.Unhealthy}, Sort: "name", Desc: true}, {Type: "microsoft.compute/virtualmachines", Sort: "type"}, {Text: "r7", Sort: "seen"},
	} {
		pages := pagesOf(t, 50, func(after string, limit int) (Page[ResourceRow], error) {
			q := q
			q.After, q.Limit = after, limit
			return v.Inventory(q)
		})
		each, err := v.EachResource(q)
		if err != nil {
			t.Fatal(err)
		}
		name := func(r ResourceRow) string { return r.ID }
		if diff := cmp.Diff(sortedNames(pages, name), sortedNames(slices.Collect(each), name)); diff != "" {
			t.Errorf("%+v (-pages +each):\n%s", q, diff)
		}
	}
}

func sortedNames[T any](rows []T, name func(T) string) []string {
	names := make([]string, len(rows))
	for i, r := range rows {
		names[i] = name(r)
	}
	slices.Sort(names)
	return names
}
