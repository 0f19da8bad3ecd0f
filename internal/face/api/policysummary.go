package api

import (
	"maps"
	"slices"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/index"
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
	_, view, err := a.estate(r)
	if err != nil {
		return response{}, err
	}
	q, err := a.stateQuery(r)
	if err != nil {
		return response{}, err
	}
	byAssignment := map[string]*summed{}
	if err := a.countDefinitions(r, view, q, byAssignment); err != nil {
		return response{}, err
	}
	distinct, err := countResources(view, q, byAssignment)
	if err != nil {
		return response{}, err
	}
	return ok(a.summaryBody(r, byAssignment, distinct))
}

// countDefinitions adds up each definition's share from the index.
func (a *API) countDefinitions(r *request, view *index.View, q *stateQuery, into map[string]*summed) error {
	query := index.RecommendationQuery{Scope: q.Scope, Sort: "title", Limit: maxPage}
	for {
		page, err := view.Recommendations(query)
		if err != nil {
			return err
		}
		for i := range page.Rows {
			a.countDefinition(r, q, &page.Rows[i], into)
		}
		if page.Next == "" {
			return nil
		}
		query.After = page.Next
	}
}

func (a *API) countDefinition(r *request, q *stateQuery, row *index.RecommendationRow, into map[string]*summed) {
	probe := record.Assessment{Recommendation: row.Recommendation}
	for _, link := range q.links.byDefinition[arm.Fold(row.DefinitionID)] {
		wire := a.stateRow(r, &probe, link)
		if !q.keep(&wire) || !link.touches(q.Scope.ID) {
			continue
		}
		key := arm.Fold(link.assignment.ID)
		if into[key] == nil {
			into[key] = &summed{summaryOfAssignment: summaryOfAssignment{ID: link.assignment.ID, SetID: link.setID}, resources: map[uint32]bool{}}
		}
		d := summaryOfDefinition{ID: row.DefinitionID, Reference: link.reference, Effect: link.effect(&probe), Groups: link.groups}
		d.Results.NonCompliantResources = &row.Unhealthy
		d.Results.ResourceDetails = []summaryDetail{{"compliant", row.Healthy}, {"noncompliant", row.Unhealthy}, {"exempt", row.Exempt}, {"unknown", row.Unknown}}
		if row.Unhealthy > 0 {
			d.Results.NonCompliantPolicies = 1
			into[key].Results.NonCompliantPolicies++
		}
		into[key].Definitions = append(into[key].Definitions, d)
	}
}

// touches reports whether an assignment can say something of a scope.
func (link *assignmentLink) touches(scope string) bool {
	id, err := arm.ParseID(scope)
	return err == nil && (link.covers(id) || link.scope.Within(id))
}

// countResources counts distinct non-compliant resources, in all and per
// assignment; the latter only while there are few enough to read.
func countResources(view *index.View, q *stateQuery, into map[string]*summed) (map[uint32]bool, error) {
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
		for i := range page.Rows {
			for _, link := range q.links.of(&page.Rows[i]) {
				if s := into[arm.Fold(link.assignment.ID)]; s != nil {
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
