package api

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/judge"
	"github.com/rampart-sec/rampart/internal/posture/planning"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// stateRow is one policy state on the wire: flat, without properties.
type stateRow struct {
	Context             string            `json:"@odata.context"`
	Timestamp           time.Time         `json:"timestamp"`
	ResourceID          string            `json:"resourceId"`
	ResourceType        string            `json:"resourceType"`
	ResourceGroup       string            `json:"resourceGroup"`
	SubscriptionID      string            `json:"subscriptionId"`
	AssignmentID        string            `json:"policyAssignmentId"`
	AssignmentName      string            `json:"policyAssignmentName"`
	AssignmentScope     string            `json:"policyAssignmentScope"`
	DefinitionID        string            `json:"policyDefinitionId"`
	DefinitionName      string            `json:"policyDefinitionName"`
	DefinitionReference string            `json:"policyDefinitionReferenceId"`
	DefinitionAction    string            `json:"policyDefinitionAction"`
	DefinitionGroups    []string          `json:"policyDefinitionGroupNames,omitempty"`
	DefinitionCategory  string            `json:"policyDefinitionCategory"`
	SetID               string            `json:"policySetDefinitionId"`
	SetName             string            `json:"policySetDefinitionName"`
	ComplianceState     string            `json:"complianceState"`
	IsCompliant         bool              `json:"isCompliant"`
	Details             *stateExplanation `json:"policyEvaluationDetails,omitempty"`
}

// stateExplanation says which conditions decided.
type stateExplanation struct {
	Expressions []stateExpression `json:"evaluatedExpressions"`
}

type stateExpression struct {
	Result      string `json:"result"`
	Expression  string `json:"expression"`
	Path        string `json:"path"`
	Value       string `json:"expressionValue,omitempty"`
	TargetValue string `json:"targetValue,omitempty"`
	Operator    string `json:"operator"`
}

// odata is a page in the form that policy insights has.
type odata struct {
	Context  string     `json:"@odata.context"`
	Count    int        `json:"@odata.count"`
	NextLink string     `json:"@odata.nextLink,omitempty"`
	Value    []stateRow `json:"value"`
}

// policyStates answers the states of the resources in a scope, or of one
// assignment, definition or initiative: one row for each resource, assignment and
// reference id.
func (a *API) policyStates(r *request) (response, error) {
	q, err := a.stateQuery(r)
	if err != nil {
		return response{}, err
	}
	estate, view, err := a.estate(r)
	if err != nil {
		return response{}, err
	}
	page, err := view.Assessments(q.AssessmentQuery)
	if err != nil {
		return response{}, err
	}
	out := odata{Context: a.base(r.Request) + "/$metadata#latest", Value: []stateRow{}}
	for i, states := range estate.States(page.Rows) {
		for k := range states {
			row := a.stateRow(r, &page.Rows[i], &states[k])
			if !q.keep(&row) {
				continue
			}
			if r.expands("PolicyEvaluationDetails") {
				evidence, err := planning.ExplainState(r.Context(), estate, &page.Rows[i], &states[k].AssignedMember)
				if err != nil {
					return response{}, fmt.Errorf("explain %s: %w", row.ResourceID, err)
				}
				row.Details = explanation(evidence)
			}
			out.Value = append(out.Value, row)
		}
	}
	if q.top > 0 && len(out.Value) >= q.top {
		out.Value, page.Next = out.Value[:q.top], ""
	}
	out.Count, out.NextLink = len(out.Value), a.next(r, page.Next)
	return ok(out)
}

func (a *API) stateRow(r *request, x *record.Assessment, s *judge.PolicyState) stateRow {
	row := stateRow{
		Context:   a.base(r.Request) + "/$metadata#latest/$entity",
		Timestamp: x.ObservedAt.UTC(), ResourceID: x.ResourceID, ResourceType: x.ResourceType,
		AssignmentID: s.AssignmentID, AssignmentName: lastSegment(s.AssignmentID), AssignmentScope: scopeOf(s.AssignmentID),
		DefinitionID: s.DefinitionID, DefinitionName: lastSegment(s.DefinitionID),
		DefinitionReference: s.ReferenceID, DefinitionAction: s.Effect, DefinitionGroups: s.Groups, SetID: s.InitiativeID, SetName: lastSegment(s.InitiativeID),
		ComplianceState: complianceNames[s.State], IsCompliant: s.State != record.Unhealthy && s.State != record.Unknown,
	}
	if x.Recommendation.Content != nil {
		row.DefinitionCategory = "Security Center"
	}
	if id, err := arm.ParseID(x.ResourceID); err == nil {
		row.ResourceGroup, row.SubscriptionID = id.ResourceGroup(), id.Subscription()
	}
	return row
}

func lastSegment(id string) string { return id[strings.LastIndexByte(id, '/')+1:] }

// explanation words the conditions that decided.
func explanation(evidence *planning.Evidence) *stateExplanation {
	e := &stateExplanation{Expressions: []stateExpression{}}
	if evidence == nil {
		return e
	}
	for _, line := range evidence.Found {
		name := line.Alias
		if name == "" {
			name = line.Path
		}
		e.Expressions = append(e.Expressions, stateExpression{Result: "True", Expression: name, Path: line.Path,
			Value: line.Found, TargetValue: line.Wanted, Operator: line.Operator})
	}
	return e
}

// triggerEvaluation answers at once: every change is judged when it happens,
// so there is never anything to wait for.
func (a *API) triggerEvaluation(r *request) (response, error) {
	if _, _, err := a.estate(r); err != nil {
		return response{}, err
	}
	return response{status: http.StatusOK}, nil
}
