package web

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// Rows on one page. Grouping by control shows whole controls, so its pages are
// longer.
const (
	listRows    = 50
	groupedRows = 1000
)

// recommendationsPage is the list of what to do.
type recommendationsPage struct {
	*frame
	Rows     []index.RecommendationRow
	Groups   []controlGroup
	Grouped  bool
	Pager    pager
	States   []filterChip
	Severity []filterChip
	Tasks    []filterChip
	Controls []*content.Control
	Types    []index.TypeCount
	Filtered bool
	CSV      string
	Views    viewMenu
}

// controlGroup is one control with the recommendations that decide it.
type controlGroup struct {
	index.ControlScore
	Title string
	Rows  []index.RecommendationRow
}

// filterChip is one value of a filter that can be on or off.
type filterChip struct {
	Key, Value, Word string
	Mark             mark
	N                int // resources, on the page of one recommendation
	On               bool
	URL              string
}

// pager says which rows of how many are shown and where the next are.
type pager struct {
	From, To, Total int
	First, Next     string
}

// newPager describes a page of n rows; the position travels in the address, as
// the cursor does not tell it.
func (v *visit) newPager(n, total int, next string) pager {
	from, err := strconv.Atoi(v.Get("from"))
	if err != nil || from < 1 || from > total {
		from = 1
	}
	p := pager{From: from, To: min(from+n-1, total), Total: total}
	if v.Get("after") != "" {
		p.First = v.With()
	}
	if next != "" {
		p.Next = v.With("after", next, "from", strconv.Itoa(from+n))
	}
	return p
}

// at is the pager of a list that begins further down its page.
func (p pager) at(anchor string) pager {
	if p.First != "" {
		p.First += anchor
	}
	if p.Next != "" {
		p.Next += anchor
	}
	return p
}

func recommendations(v *visit) (page, error) {
	if err := v.allowScope(); err != nil {
		return page{}, err
	}
	q, err := v.recommendationQuery()
	if err != nil {
		return page{}, err
	}
	grouped := v.Get("view") == "control"
	q.Limit = listRows
	if grouped {
		q.Limit, q.Sort = groupedRows, cmp.Or(v.Get("sort"), "risk")
	}
	rows, err := v.view.Recommendations(q)
	if err != nil {
		return page{}, err
	}
	p := &recommendationsPage{
		frame: v.newFrame("Recommendations", "summary", "rows"),
		Rows:  rows.Rows, Grouped: grouped, Pager: v.newPager(len(rows.Rows), rows.Total, rows.Next),
		States: v.stateChips(), Severity: v.severityChips(), Tasks: v.taskChips(v.view.Tasks(v.scope)),
		Types:    v.types(),
		Filtered: v.Get("q") != "" || len(v.query["state"])+len(v.query["severity"])+len(v.query["task"]) > 0 || v.Get("control") != "" || v.Get("type") != "" || v.Get("standard") != "",
	}
	p.CSV = v.join("/recommendations.csv", v.query)
	p.Controls = v.server.opt.Library.Controls
	if grouped {
		p.Groups = groupByControl(rows.Rows, v.view.Controls(v.scope))
	}
	p.Views, err = v.viewMenu()
	return page{name: "recommendations", data: p}, err
}

// recommendationQuery reads the list's filter from the address. Without a state
// it leaves out what applies to nothing here.
func (v *visit) recommendationQuery() (index.RecommendationQuery, error) {
	q := index.RecommendationQuery{
		Scope: v.scope, Text: v.Get("q"), Type: v.Get("type"), Standard: v.Get("standard"), Control: v.query["control"],
		Sort: v.Get("sort"), Desc: v.Get("desc") != "", After: v.Get("after"),
	}
	q.Control = slices.DeleteFunc(slices.Clone(q.Control), func(s string) bool { return s == "" })
	var err error
	if q.State, err = v.states(); err != nil {
		return q, err
	}
	if q.Status, err = v.statuses(); err != nil {
		return q, err
	}
	if len(q.State) == 0 {
		q.State = []record.State{record.Unhealthy, record.Unknown, record.Healthy, record.Exempt}
	}
	q.Severity, err = v.severities()
	return q, err
}

// states reads the states that the address selects.
func (v *visit) states() ([]record.State, error) {
	var states []record.State
	for _, text := range v.query["state"] {
		if text == "" || text == "all" {
			continue
		}
		state, ok := parseState(text)
		if !ok {
			return nil, arm.Invalid("There is no state %q.", clip(text, 40))
		}
		states = append(states, state)
	}
	return states, nil
}

// severities reads the severities that the address selects.
func (v *visit) severities() ([]content.Severity, error) {
	var found []content.Severity
	for _, text := range v.query["severity"] {
		if text == "" {
			continue
		}
		if !slices.Contains(severities, content.Severity(text)) {
			return nil, arm.Invalid("There is no severity %q.", clip(text, 40))
		}
		found = append(found, content.Severity(text))
	}
	return found, nil
}

// stateChips offers each state.
func (v *visit) stateChips() []filterChip {
	var chips []filterChip
	for _, s := range allStates {
		chips = append(chips, filterChip{Key: "state", Value: s.String(), Word: stateMark(s).Word, Mark: stateMark(s),
			On: v.Has("state", s.String()), URL: v.Toggled("state", s.String())})
	}
	return chips
}

func (v *visit) severityChips() []filterChip {
	var chips []filterChip
	for _, s := range severities {
		chips = append(chips, filterChip{Key: "severity", Value: string(s), Word: severityMark(s).Word, Mark: severityMark(s),
			On: v.Has("severity", string(s)), URL: v.Toggled("severity", string(s))})
	}
	return chips
}

// groupByControl puts rows below their controls, the costliest control first;
// rows without a control come last.
func groupByControl(rows []index.RecommendationRow, controls []index.ControlScore) []controlGroup {
	groups := make([]controlGroup, 0, len(controls)+1)
	place := map[*content.Control]int{}
	for _, c := range controls {
		place[c.Control] = len(groups)
		groups = append(groups, controlGroup{ControlScore: c, Title: c.Control.Title})
	}
	groups = append(groups, controlGroup{Title: "Not in a control of the score"})
	for _, r := range rows {
		i, ok := place[r.Control]
		if !ok || r.Control == nil {
			i = len(groups) - 1
		}
		groups[i].Rows = append(groups[i].Rows, r)
	}
	groups = slices.DeleteFunc(groups, func(g controlGroup) bool { return len(g.Rows) == 0 })
	slices.SortStableFunc(groups, func(a, b controlGroup) int {
		return cmp.Compare(float64(b.Max)-b.Current, float64(a.Max)-a.Current)
	})
	return groups
}
