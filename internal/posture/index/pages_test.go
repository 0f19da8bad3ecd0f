package index

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// pagesOf reads all pages of a query and checks that they fit together.
func pagesOf[T any](t *testing.T, limit int, read func(after string, limit int) (Page[T], error)) []T {
	t.Helper()
	var all []T
	after := ""
	for n := 0; ; n++ {
		page, err := read(after, limit)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page.Rows...)
		if page.Next == "" {
			if page.Total != len(all) {
				t.Errorf("total %d, but %d rows in %d pages", page.Total, len(all), n+1)
			}
			return all
		}
		if len(page.Rows) != limit || n > 10_000 {
			t.Fatalf("page %d has %d rows and a next one", n, len(page.Rows))
		}
		after = page.Next
	}
}

// TestAssessmentPages compares every sort and several filters with a plain
// filter over the rows.
func TestAssessmentPages(t *testing.T) {
	v := randomView(t, 150)
	v.ranks = NewRanks(v)
	for _, q := range []AssessmentQuery{
		{}, {State: []record.State{record.Unhealthy}}, {State: []record.State{record.Unknown, record.Exempt}, Severity: []content.Severity{content.High}},
		{Scope: Scope{ID: "/subscriptions/sub-1"}, Type: "microsoft.compute/VIRTUALMACHINES"},
		{Recommendation: v.schema.Slots[3].ID}, {Control: []string{"ports"}, Scope: Scope{Tag: "env", TagValue: "e1"}},
		{Text: "r7"}, {Text: "03 r1"},
	} {
		for _, sort := range []string{"", "risk", "severity", "name", "since"} {
			for _, desc := range []bool{false, true} {
				q.Sort, q.Desc = sort, desc
				t.Run(strings.ReplaceAll(fmt.Sprint(q), "/", "_"), func(t *testing.T) { checkAssessments(t, v, q) })
			}
		}
	}
}

func checkAssessments(t *testing.T, v *View, q AssessmentQuery) {
	rows := pagesOf(t, 7, func(after string, limit int) (Page[record.Assessment], error) {
		q.After, q.Limit = after, limit
		return v.Assessments(q)
	})
	var got, want []string
	for _, a := range rows {
		got = append(got, a.ResourceID+" "+a.Recommendation.ID+" "+a.State.String())
	}
	for _, r := range allRows(v) {
		for _, c := range r.Statuses {
			if wantAssessment(v, q, r, c) {
				want = append(want, r.ID+" "+v.RecommendationID(c.Slot)+" "+c.State.String())
			}
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Fatalf("got %d rows, want %d", len(got), len(want))
	}
	order := func(a, b record.Assessment) int {
		c := map[string]int{
			"": cmp.Compare(b.Risk, a.Risk), "risk": cmp.Compare(b.Risk, a.Risk),
			"severity": cmp.Compare(record.SeverityRank(b.Recommendation.Severity), record.SeverityRank(a.Recommendation.Severity)),
			"name":     cmp.Compare(strings.ToLower(a.ResourceName), strings.ToLower(b.ResourceName)),
			"since":    b.Since.Compare(a.Since),
		}[q.Sort]
		if q.Desc {
			return -c
		}
		return c
	}
	if !slices.IsSortedFunc(rows, order) {
		t.Error("rows are not in order")
	}
}

func wantAssessment(v *View, q AssessmentQuery, r *record.Row, c record.Status) bool {
	rec := v.schema.Slots[c.Slot]
	in := map[bool]bool{true: true}
	for _, ok := range []bool{
		len(q.State) == 0 || slices.Contains(q.State, c.State),
		len(q.Severity) == 0 || slices.Contains(q.Severity, rec.Severity),
		q.Scope.ID == "" || r.Within(q.Scope.ID),
		q.Type == "" || strings.EqualFold(v.names.Types.Name(r.Type), q.Type),
		q.Recommendation == "" || q.Recommendation == rec.ID,
		len(q.Control) == 0 || slices.Contains(q.Control, rec.Control.ID),
		q.Scope.Tag == "" || r.TagMap()[q.Scope.Tag] == q.Scope.TagValue,
		record.HasAll(rec.Title+"\n"+r.ID, strings.Fields(q.Text)),
	} {
		in[ok] = true
	}
	return !in[false]
}

// TestInventoryPages does the same for resources.
func TestInventoryPages(t *testing.T) {
	v := randomView(t, 150)
	for _, ranked := range []bool{false, true} {
		if ranked {
			v.ranks = NewRanks(v)
		}
		for _, q := range []InventoryQuery{
			{}, {Type: "microsoft.keyvault/vaults"}, {State: []record.State{record.Unhealthy}}, {Text: "rg-1 r1"},
			{Recommendation: v.schema.Slots[2].ID, State: []record.State{record.Healthy}}, {Scope: Scope{ID: "/subscriptions/sub-2/resourcegroups/RG-1"}},
		} {
			for _, sort := range []string{"", "unhealthy", "name", "type", "seen"} {
				for _, desc := range []bool{false, true} {
					q.Sort, q.Desc = sort, desc
					t.Run(strings.ReplaceAll(fmt.Sprint(ranked, q), "/", "_"), func(t *testing.T) { checkInventory(t, v, q) })
				}
			}
		}
	}
}

func checkInventory(t *testing.T, v *View, q InventoryQuery) {
	rows := pagesOf(t, 7, func(after string, limit int) (Page[ResourceRow], error) {
		q.After, q.Limit = after, limit
		return v.Inventory(q)
	})
	seen := map[string]bool{}
	for _, r := range rows {
		seen[r.ID] = true
	}
	want := 0
	for _, r := range allRows(v) {
		if wantResource(v, q, r) {
			want++
			if !seen[r.ID] {
				t.Errorf("%s is missing", r.ID)
			}
		}
	}
	if len(seen) != want || len(rows) != want {
		t.Errorf("%d rows, %d distinct, want %d", len(rows), len(seen), want)
	}
	order := func(a, b ResourceRow) int {
		c := map[string]int{
			"": cmp.Compare(b.Unhealthy, a.Unhealthy), "unhealthy": cmp.Compare(b.Unhealthy, a.Unhealthy),
			"name": cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)),
			"type": cmp.Compare(strings.ToLower(a.Type), strings.ToLower(b.Type)),
			"seen": b.ObservedAt.Compare(a.ObservedAt),
		}[q.Sort]
		if q.Desc {
			return -c
		}
		return c
	}
	if !slices.IsSortedFunc(rows, order) {
		t.Error("rows are not in order")
	}
}

func wantResource(v *View, q InventoryQuery, r *record.Row) bool {
	has := len(q.State) == 0 && q.Recommendation == ""
	for _, c := range r.Statuses {
		has = has || (q.Recommendation == "" || v.RecommendationID(c.Slot) == q.Recommendation) && (len(q.State) == 0 || slices.Contains(q.State, c.State))
	}
	return has && (q.Scope.ID == "" || r.Within(q.Scope.ID)) && record.HasAll(r.ID, strings.Fields(q.Text)) &&
		(q.Type == "" || strings.EqualFold(v.names.Types.Name(r.Type), q.Type))
}

func TestRecommendationPages(t *testing.T) {
	v := randomView(t, 300)
	for _, sort := range []string{"", "risk", "severity", "title", "gain", "unhealthy", "control"} {
		for _, desc := range []bool{false, true} {
			q := RecommendationQuery{Sort: sort, Desc: desc, Scope: Scope{ID: "/subscriptions/sub-1"}}
			rows := pagesOf(t, 5, func(after string, limit int) (Page[RecommendationRow], error) {
				q.After, q.Limit = after, limit
				return v.Recommendations(q)
			})
			seen := map[string]bool{}
			for _, r := range rows {
				seen[r.ID] = true
			}
			if len(seen) != 12 {
				t.Errorf("sort %q: %d distinct rows, want 12", sort, len(seen))
			}
		}
	}
}

// TestFilteredRecommendations compares filtered pages over a scope that is
// summed by sets with the unfiltered page.
func TestFilteredRecommendations(t *testing.T) {
	v := randomView(t, 3*fewRows+4000)
	scope := Scope{Tag: "env", TagValue: "e1"}
	if n := v.Resolve(scope).set().GetCardinality(); n <= fewRows {
		t.Fatalf("the scope has %d rows, too few to be summed by sets", n)
	}
	all, err := v.Recommendations(RecommendationQuery{Scope: scope})
	if err != nil {
		t.Fatal(err)
	}
	high, err := v.Recommendations(RecommendationQuery{Scope: scope, Severity: []content.Severity{content.High}, State: []record.State{record.Unhealthy}})
	if err != nil || len(high.Rows) != 4 {
		t.Fatalf("%d rows of high severity, %v; want 4", len(high.Rows), err)
	}
	for _, r := range high.Rows {
		i := slices.IndexFunc(all.Rows, func(o RecommendationRow) bool { return o.ID == r.ID })
		if all.Rows[i] != r || r.Unhealthy == 0 {
			t.Errorf("filtered %+v, unfiltered %+v", r, all.Rows[i])
		}
	}
}

func TestPagesRefuse(t *testing.T) {
	v := randomView(t, 20)
	page, err := v.Assessments(AssessmentQuery{Limit: 3})
	if err != nil || page.Next == "" {
		t.Fatal(page.Next, err)
	}
	for name, err := range map[string]error{
		"sort":            second(v.Assessments(AssessmentQuery{Sort: "colour"})),
		"cursor":          second(v.Assessments(AssessmentQuery{After: "%%%"})),
		"otherSortCursor": second(v.Assessments(AssessmentQuery{Sort: "name", After: page.Next})),
		"inventorySort":   second(v.Inventory(InventoryQuery{Sort: "x"})),
		"inventoryCursor": second(v.Inventory(InventoryQuery{After: page.Next})),
		"recommendations": second(v.Recommendations(RecommendationQuery{After: page.Next})),
		"longCursor":      second(v.Inventory(InventoryQuery{After: strings.Repeat("a", 1<<16)})),
	} {
		if !isInvalid(err) {
			t.Errorf("%s: error %v, want an *arm.Error that says invalid", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func FuzzCursor(f *testing.F) {
	v := randomView(f, 50)
	page, _ := v.Assessments(AssessmentQuery{Limit: 3})
	f.Add(page.Next)
	f.Add(cursor{List: "assessments", Sort: "risk", Key: 1 << 40, Handle: 1 << 31, Rec: "x"}.encode())
	f.Fuzz(func(t *testing.T, after string) {
		for _, sort := range []string{"risk", "name", "since"} {
			if _, err := v.Assessments(AssessmentQuery{Sort: sort, After: after}); err != nil && !isInvalid(err) {
				t.Error(err)
			}
		}
		for _, sort := range []string{"unhealthy", "name", "type", "seen"} {
			if _, err := v.Inventory(InventoryQuery{Sort: sort, After: after}); err != nil && !isInvalid(err) {
				t.Error(err)
			}
		}
	})
}

// TestGainIsMarginal fixes each recommendation everywhere on a copy and
// compares the score's rise with the gain that was announced.
func TestGainIsMarginal(t *testing.T) {
	v := randomView(t, 200)
	for _, scope := range []Scope{{}, {ID: "/subscriptions/sub-1"}, {Tag: "env", TagValue: "e0"}} {
		page, err := v.Recommendations(RecommendationQuery{Scope: scope})
		if err != nil {
			t.Fatal(err)
		}
		before := v.Score(scope).Percent
		bits := v.Resolve(scope).set()
		for _, r := range page.Rows {
			b := v.Edit(v.schema)
			slot, _ := v.schema.Slot(r.ID)
			for h, old := range allRows(v) {
				if bits == nil || bits.Contains(h) {
					b.Put(fixedRow(old, slot))
				}
			}
			after := b.Commit(v.at).Score(scope).Percent
			if !nearly(after-before, r.Gain, 1e-6) {
				t.Errorf("scope %v, %s: announced %.6f, is %.6f", scope, r.Title, r.Gain, after-before)
			}
		}
	}
}

// fixedRow is a row with one counted assessment made healthy.
func fixedRow(r *record.Row, slot uint16) *record.Row {
	fresh := *r
	fresh.Statuses = slices.Clone(r.Statuses)
	for i := range fresh.Statuses {
		if c := &fresh.Statuses[i]; c.Slot == slot && c.State == record.Unhealthy && c.Flags&record.InGrace == 0 {
			c.State = record.Healthy
		}
	}
	return &fresh
}

func isInvalid(err error) bool {
	var e *arm.Error
	return errors.As(err, &e) && e.Status == 400
}
