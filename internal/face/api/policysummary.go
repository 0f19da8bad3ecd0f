package api

import (
	"maps"
	"slices"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/catalog"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/judge"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// maxSummed is how many non-compliant assessments a summary reads to count
// distinct resources per assignment; beyond it that count is left out, and the
// counts that the index answers stay.
const maxSummed = 100_000

type summaryOfScope struct {
	Context     string                `json:"@odata.context"`
	Results     summaryResults        `json:"results"`
	Assignments []summaryOfAssignment `json:"policyAssignments"`
}

type summaryOfAssignment struct {
	ID          string                `json:"policyAssignmentId"`
	SetID       string                `json:"policySetDefinitionId"`
	Results     summaryResults        `json:"results"`
	Definitions []summaryOfDefinition `json:"policyDefinitions"`
}

type summaryOfDefinition struct {
	ID        string         `json:"policyDefinitionId"`
	Reference string         `json:"policyDefinitionReferenceId"`
	Effect    string         `json:"effect"`
	Groups    []string       `json:"policyDefinitionGroupNames,omitempty"`
	Results   summaryResults `json:"results"`
}

type summaryResults struct {
	NonCompliantResources *int            `json:"nonCompliantResources,omitempty"`
	NonCompliantPolicies  int             `json:"nonCompliantPolicies"`
	ResourceDetails       []summaryDetail `json:"resourceDetails,omitempty"`
}

type summaryDetail struct {
	State string `json:"complianceState"`
	Count int    `json:"count"`
}

// summed collects one assignment.
type summed struct {
	summaryOfAssignment
	resources map[uint32]bool
}

// summarize counts the states in a scope by assignment and definition.
func (a *API) summarize(r *request) (response, error) {
	if err := r.refuse("$filter", "$from", "$to"); err != nil {
		return response{}, err
	}
	estate, view, err := a.estate(r)
	if err != nil {
		return response{}, err
	}
	q, err := a.stateQuery(r)
	if err != nil {
		return response{}, err
	}
	scope, err := arm.ParseID(q.Scope.ID)
	if err != nil {
		return response{}, arm.Invalid("%q is no scope.", clip(q.Scope.ID))
	}
	byAssignment := map[string]*summed{}
	counts := &stateCounts{estate: estate, view: view, scope: q.Scope, rows: map[string]map[string]*index.RecommendationRow{}, tallies: map[string]map[memberKey]*stateCount{}}
	for _, here := range estate.AssignedTo(scope) {
		probe := a.stateRow(r, &record.Assessment{Recommendation: &record.Recommendation{}}, &judge.PolicyState{AssignedMember: here.AssignedMember})
		if !q.keep(&probe) {
			continue
		}
		count, err := counts.of(&here)
		if err != nil {
			return response{}, err
		}
		if count != nil {
			addDefinition(byAssignment, &here, count)
		}
	}
	distinct, err := countResources(estate, view, q, byAssignment)
	if err != nil {
		return response{}, err
	}
	return ok(a.summaryBody(r, byAssignment, distinct))
}

// addDefinition adds a member's counts to its assignment.
func addDefinition(into map[string]*summed, here *judge.AssignedHere, count *stateCount) {
	key := arm.Fold(here.AssignmentID)
	if into[key] == nil {
		into[key] = &summed{summaryOfAssignment: summaryOfAssignment{ID: here.AssignmentID, SetID: here.InitiativeID}, resources: map[uint32]bool{}}
	}
	d := summaryOfDefinition{ID: here.DefinitionID, Reference: here.ReferenceID, Effect: here.Effect, Groups: here.Groups}
	d.Results.NonCompliantResources = &count.unhealthy
	d.Results.ResourceDetails = []summaryDetail{{"compliant", count.healthy}, {"noncompliant", count.unhealthy}, {"exempt", count.exempt}, {"unknown", count.unknown}}
	if count.unhealthy > 0 {
		d.Results.NonCompliantPolicies = 1
		into[key].Results.NonCompliantPolicies++
	}
	into[key].Definitions = append(into[key].Definitions, d)
}

// stateCount is how many resources have each state.
type stateCount struct{ healthy, unhealthy, unknown, exempt int }

func (c *stateCount) add(s record.State) {
	switch s {
	case record.Healthy:
		c.healthy++
	case record.Unhealthy:
		c.unhealthy++
	case record.Unknown:
		c.unknown++
	case record.Exempt:
		c.exempt++
	}
}

// memberKey names a member of an assignment.
type memberKey struct{ assignment, reference string }

// stateCounts counts the states of members: by the index where the assessments of
// a scope are one member's states, else one by one.
type stateCounts struct {
	estate  *judge.Estate
	view    *index.View
	scope   index.Scope
	rows    map[string]map[string]*index.RecommendationRow // by folded scope and recommendation
	tallies map[string]map[memberKey]*stateCount           // by recommendation
}

// of counts a member's states, nil if its recommendation has none in the scope.
func (c *stateCounts) of(here *judge.AssignedHere) (*stateCount, error) {
	recommendation := catalog.RecommendationID(here.DefinitionID)
	if here.Alone {
		rows, err := c.rowsAt(here.Scope)
		if row := rows[recommendation]; row != nil {
			return &stateCount{row.Healthy, row.Unhealthy, row.Unknown, row.Exempt}, err
		}
		return nil, err
	}
	tally := c.tallies[recommendation]
	if tally == nil {
		var err error
		if tally, err = c.tally(recommendation); err != nil {
			return nil, err
		}
		c.tallies[recommendation] = tally
	}
	if count := tally[memberKey{arm.Fold(here.AssignmentID), arm.Fold(here.ReferenceID)}]; count != nil {
		return count, nil
	}
	return &stateCount{}, nil
}

// rowsAt are the recommendations of a scope with their counts.
func (c *stateCounts) rowsAt(scope arm.ID) (map[string]*index.RecommendationRow, error) {
	if rows := c.rows[scope.Key()]; rows != nil {
		return rows, nil
	}
	rows := map[string]*index.RecommendationRow{}
	for query := (index.RecommendationQuery{Scope: index.Scope{ID: scope.String()}, Sort: "title", Limit: maxPage}); ; {
		page, err := c.view.Recommendations(query)
		if err != nil {
			return nil, err
		}
		for i := range page.Rows {
			rows[page.Rows[i].ID] = &page.Rows[i]
		}
		if query.After = page.Next; page.Next == "" {
			c.rows[scope.Key()] = rows
			return rows, nil
		}
	}
}

// tally counts the states of all members of a recommendation, assessment by
// assessment.
func (c *stateCounts) tally(recommendation string) (map[memberKey]*stateCount, error) {
	out := map[memberKey]*stateCount{}
	query := index.AssessmentQuery{Scope: c.scope, Recommendation: recommendation, Sort: listOrder, Limit: maxPage}
	for {
		page, err := c.view.Assessments(query)
		if err != nil {
			return nil, err
		}
		for _, states := range c.estate.States(page.Rows) {
			for i := range states {
				key := memberKey{arm.Fold(states[i].AssignmentID), arm.Fold(states[i].ReferenceID)}
				if out[key] == nil {
					out[key] = &stateCount{}
				}
				out[key].add(states[i].State)
			}
		}
		if query.After = page.Next; page.Next == "" {
			return out, nil
		}
	}
}

// countResources counts distinct non-compliant resources, in all and per
// assignment; the latter only while there are few enough to read.
func countResources(estate *judge.Estate, view *index.View, q *stateQuery, into map[string]*summed) (map[uint32]bool, error) {
	query := index.AssessmentQuery{Scope: q.Scope, State: []record.State{record.Unhealthy}, Sort: listOrder, Limit: maxPage}
	all := map[uint32]bool{}
	for {
		page, err := view.Assessments(query)
		if err != nil {
			return nil, err
		}
		if page.Total > maxSummed {
			return nil, nil
		}
		for i, states := range estate.States(page.Rows) {
			for k := range states {
				s := into[arm.Fold(states[k].AssignmentID)]
				if s != nil && states[k].State == record.Unhealthy {
					s.resources[page.Rows[i].Handle] = true
					all[page.Rows[i].Handle] = true
				}
			}
		}
		if page.Next == "" {
			return all, nil
		}
		query.After = page.Next
	}
}

func (a *API) summaryBody(r *request, byAssignment map[string]*summed, distinct map[uint32]bool) map[string]any {
	context := a.base(r.Request) + "/$metadata#summary"
	whole := summaryOfScope{Context: context + "/$entity", Assignments: []summaryOfAssignment{}}
	for _, key := range slices.Sorted(maps.Keys(byAssignment)) {
		s := byAssignment[key]
		if distinct != nil {
			n := len(s.resources)
			s.Results.NonCompliantResources = &n
		}
		whole.Results.NonCompliantPolicies += s.Results.NonCompliantPolicies
		whole.Assignments = append(whole.Assignments, s.summaryOfAssignment)
	}
	if distinct != nil {
		n := len(distinct)
		whole.Results.NonCompliantResources = &n
	}
	return map[string]any{"@odata.context": context, "@odata.count": 1, "value": []any{whole}}
}
