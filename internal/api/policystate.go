package api

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/arm"
	"github.com/rampart-sec/rampart/internal/posture"
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
// assignment, definition or initiative: one row for each assessment and each
// assignment that it comes from.
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
	for i := range page.Rows {
		for _, link := range q.links.of(&page.Rows[i]) {
			row := a.stateRow(r, &page.Rows[i], link)
			if q.keep(&row) {
				out.Value = append(out.Value, row)
			}
		}
		if r.expands("PolicyEvaluationDetails") {
			if err := explain(r, estate, &page.Rows[i], out.Value); err != nil {
				return response{}, err
			}
		}
	}
	if q.top > 0 && len(out.Value) >= q.top {
		out.Value, page.Next = out.Value[:q.top], ""
	}
	out.Count, out.NextLink = len(out.Value), a.next(r, page.Next)
	return ok(out)
}

// stateQuery is what a query for policy states asks.
type stateQuery struct {
	posture.AssessmentQuery
	links *assignmentLinks
	tests []func(*stateRow) bool
	top   int // rows in all; 0 is all
}

func (q *stateQuery) keep(row *stateRow) bool {
	for _, test := range q.tests {
		if !test(row) {
			return false
		}
	}
	return true
}

func (a *API) stateQuery(r *request) (*stateQuery, error) {
	// What is known is the latest state; "default" asks for every one in a
	// window, of which that is the only one kept.
	if name := r.vars["view"]; !strings.EqualFold(name, "latest") && !strings.EqualFold(name, "default") {
		return nil, arm.NotFound("policyStates/" + name)
	}
	if err := r.refuse("$apply", "$orderby", "$select"); err != nil {
		return nil, err
	}
	links, err := a.assignmentLinks(r)
	if err != nil {
		return nil, err
	}
	q := &stateQuery{links: links}
	q.Scope, q.Sort = posture.Scope{ID: r.scope.String()}, "name"
	if narrow := narrowing(r.scope); narrow != nil {
		q.Scope.ID = scopeOf(r.scope.String())
		q.tests = append(q.tests, narrow)
	}
	if q.Limit, err = r.limit(); err != nil {
		return nil, err
	}
	if text := r.option("$top"); text != "" {
		q.top, _ = strconv.Atoi(text) // limit has checked it
		q.Limit = maxPage
	}
	if q.After, err = r.cursor(); err != nil {
		return nil, err
	}
	if err := q.window(r); err != nil {
		return nil, err
	}
	return q, q.filter(r.option("$filter"))
}

// narrowing is the test that a scope which is itself a policy object asks for,
// nil for any other.
func narrowing(scope arm.ID) func(*stateRow) bool {
	id := scope.String()
	switch arm.Fold(scope.Type()) {
	case arm.Fold(typeAssignment):
		return func(row *stateRow) bool { return strings.EqualFold(row.AssignmentID, id) }
	case arm.Fold(typeDefinition):
		// A built-in definition is asked for below a subscription by its name.
		return func(row *stateRow) bool { return strings.EqualFold(row.DefinitionName, scope.Name()) }
	case arm.Fold(typeSet):
		return func(row *stateRow) bool { return strings.EqualFold(row.SetName, scope.Name()) }
	}
	return nil
}

// window reads $from and $to.
func (q *stateQuery) window(r *request) error {
	for name, after := range map[string]bool{"$from": true, "$to": false} {
		text := r.option(name)
		if text == "" {
			continue
		}
		at, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return &arm.Error{Status: http.StatusBadRequest, Code: "InvalidQueryOption", Target: name,
				Message: fmt.Sprintf("%s: %q is not a time like 2026-01-31T00:00:00Z.", name, clip(text))}
		}
		q.tests = append(q.tests, func(row *stateRow) bool {
			if after {
				return !row.Timestamp.Before(at)
			}
			return !row.Timestamp.After(at)
		})
	}
	return nil
}

// stateFields are the columns that $filter may compare.
var stateFields = map[string]func(*stateRow) string{
	"compliancestate":             func(s *stateRow) string { return s.ComplianceState },
	"resourceid":                  func(s *stateRow) string { return s.ResourceID },
	"resourcetype":                func(s *stateRow) string { return s.ResourceType },
	"resourcegroup":               func(s *stateRow) string { return s.ResourceGroup },
	"subscriptionid":              func(s *stateRow) string { return s.SubscriptionID },
	"policyassignmentid":          func(s *stateRow) string { return s.AssignmentID },
	"policyassignmentname":        func(s *stateRow) string { return s.AssignmentName },
	"policydefinitionid":          func(s *stateRow) string { return s.DefinitionID },
	"policydefinitionname":        func(s *stateRow) string { return s.DefinitionName },
	"policydefinitionreferenceid": func(s *stateRow) string { return s.DefinitionReference },
	"policydefinitionaction":      func(s *stateRow) string { return s.DefinitionAction },
	"policysetdefinitionid":       func(s *stateRow) string { return s.SetID },
	"policysetdefinitionname":     func(s *stateRow) string { return s.SetName },
}

// filter reads comparisons joined by and. A compliance state also narrows what
// is read in the first place.
func (q *stateQuery) filter(text string) error {
	for term := range strings.SplitSeq(text, " and ") {
		term = strings.TrimSpace(term)
		if strings.EqualFold(term, "isCompliant eq false") || strings.EqualFold(term, "isCompliant eq true") {
			want := strings.HasSuffix(arm.Fold(term), "true")
			q.tests = append(q.tests, func(row *stateRow) bool { return row.IsCompliant == want })
			continue
		}
		if term == "" {
			continue
		}
		m := filterTerm.FindStringSubmatch(term)
		if m == nil || stateFields[arm.Fold(m[1])] == nil {
			return invalidFilter(term)
		}
		field, value := stateFields[arm.Fold(m[1])], strings.ReplaceAll(m[2], "''", "'")
		q.tests = append(q.tests, func(row *stateRow) bool { return strings.EqualFold(field(row), value) })
		if strings.EqualFold(m[1], "complianceState") {
			q.State = statesNamed(value)
		}
	}
	return nil
}

// complianceNames are the states as policy insights names them.
var complianceNames = map[posture.State]string{
	posture.Healthy: "Compliant", posture.Unhealthy: "NonCompliant", posture.Unknown: "Unknown", posture.Exempt: "Exempt",
	posture.NotApplicable: "Compliant",
}

func statesNamed(name string) []posture.State {
	var states []posture.State
	for state := posture.NotApplicable; state <= posture.Exempt; state++ {
		if strings.EqualFold(complianceNames[state], name) {
			states = append(states, state)
		}
	}
	return states
}

func (a *API) stateRow(r *request, x *posture.Assessment, link assignmentLink) stateRow {
	row := stateRow{
		Context:   a.base(r.Request) + "/$metadata#latest/$entity",
		Timestamp: x.ObservedAt.UTC(), ResourceID: x.ResourceID, ResourceType: x.ResourceType,
		AssignmentID: link.assignment.ID, AssignmentName: link.assignment.Name, AssignmentScope: scopeOf(link.assignment.ID),
		DefinitionID: x.Recommendation.DefinitionID, DefinitionName: lastSegment(x.Recommendation.DefinitionID),
		DefinitionReference: link.reference, DefinitionAction: link.effect(x), SetID: link.setID, SetName: lastSegment(link.setID),
		ComplianceState: complianceNames[x.State], IsCompliant: x.State != posture.Unhealthy && x.State != posture.Unknown,
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

// explain adds the evidence to the rows of one assessment, the last ones.
func explain(r *request, estate *posture.Estate, x *posture.Assessment, rows []stateRow) error {
	var details *stateExplanation
	for i := len(rows) - 1; i >= 0 && rows[i].ResourceID == x.ResourceID && rows[i].DefinitionID == x.Recommendation.DefinitionID; i-- {
		if details == nil {
			evidence, err := estate.Evidence(r.Context(), x.ResourceID, x.Recommendation.ID)
			if err != nil {
				return fmt.Errorf("explain %s: %w", x.ResourceID, err)
			}
			details = explanation(evidence)
		}
		rows[i].Details = details
	}
	return nil
}

func explanation(evidence *posture.Evidence) *stateExplanation {
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
