package web

import (
	"maps"
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// inventoryPage is the list of resources.
type inventoryPage struct {
	*frame
	Rows     []index.ResourceRow
	Pager    pager
	States   []filterChip
	Types    []index.TypeCount
	Tags     []string
	About    *record.Recommendation // the recommendation filtered by
	Filtered bool
	CSV      string
	Views    viewMenu
}

func inventory(v *visit) (page, error) {
	if err := v.allowScope(); err != nil {
		return page{}, err
	}
	q, err := v.inventoryQuery()
	if err != nil {
		return page{}, err
	}
	q.Limit = listRows
	rows, err := v.view.Inventory(q)
	if err != nil {
		return page{}, err
	}
	p := &inventoryPage{
		frame: v.newFrame("Inventory", "summary", "rows"),
		Rows:  rows.Rows, Pager: v.newPager(len(rows.Rows), rows.Total, rows.Next),
		States: v.stateChips(), Types: v.types(), Tags: v.tagNames(),
		CSV:      v.join("/inventory.csv", v.query),
		Filtered: q.Text != "" || q.Type != "" || len(q.State) > 0 || q.Recommendation != "" || q.Finding != "" || q.Scope.Tag != "",
	}
	if q.Recommendation != "" {
		p.About = v.view.Recommendation(q.Recommendation)
	}
	p.Views, err = v.viewMenu()
	return page{name: "inventory", data: p}, err
}

// inventoryQuery reads the list's filter from the address.
func (v *visit) inventoryQuery() (index.InventoryQuery, error) {
	q := index.InventoryQuery{Scope: v.scope, Type: v.Get("type"), Text: v.Get("q"), Recommendation: v.Get("recommendation"), Finding: v.Get("finding"), Disabled: v.Get("disabled") != "",
		Sort: v.Get("sort"), Desc: v.Get("desc") != "", After: v.Get("after")}
	var err error
	q.State, err = v.states()
	return q, err
}

// tagList writes tags in one line, by name.
func tagList(tags map[string]string) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		parts = append(parts, name+"="+tags[name])
	}
	return strings.Join(parts, "; ")
}

// searchPage lists what a few words find.
type searchPage struct {
	*frame
	Text            string
	Recommendations []index.RecommendationRow
	Resources       []index.ResourceRow
	MoreAdvice      int
	MoreResources   int
}

// searchRows is how many hits of each kind the search page lists.
const searchRows = 15

// search looks for words in recommendations and resources; a whole resource id
// leads to its resource.
func search(v *visit) (page, error) {
	if err := v.allowScope(); err != nil {
		return page{}, err
	}
	p := &searchPage{frame: v.newFrame("Search"), Text: strings.TrimSpace(v.Get("q"))}
	if p.Text == "" {
		return page{name: "search", data: p}, nil
	}
	if row, ok := v.view.Resource(p.Text); ok && v.may(actionRead, row.ID) {
		p.Resources = []index.ResourceRow{row}
		return page{name: "search", data: p}, nil
	}
	advice, err := v.view.Recommendations(index.RecommendationQuery{Scope: v.scope, Text: p.Text, Limit: searchRows})
	if err != nil {
		return page{}, err
	}
	found, err := v.view.Inventory(index.InventoryQuery{Scope: v.scope, Text: p.Text, Limit: searchRows})
	if err != nil {
		return page{}, err
	}
	p.Recommendations, p.MoreAdvice = advice.Rows, advice.Total-len(advice.Rows)
	p.Resources, p.MoreResources = found.Rows, found.Total-len(found.Rows)
	return page{name: "search", data: p}, nil
}
