package api

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/judge"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// stateQuery is what a query for policy states asks.
type stateQuery struct {
	index.AssessmentQuery
	tests []func(*stateRow) bool
	top   int // rows in all; 0 is all
	// shares is set when assessments may be of several states: the worst is no
	// measure of the others then.
	shares bool
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
	estate, _, err := a.estate(r)
	if err != nil {
		return nil, err
	}
	q := &stateQuery{shares: estate.Shares()}
	q.Scope, q.Sort = index.Scope{ID: r.scope.String()}, listOrder
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
	for _, term := range filterTerms(text) {
		if strings.EqualFold(term, "isCompliant eq false") || strings.EqualFold(term, "isCompliant eq true") {
			want := strings.HasSuffix(arm.Fold(term), "true")
			q.tests = append(q.tests, func(row *stateRow) bool { return row.IsCompliant == want })
			continue
		}
		m := filterTerm.FindStringSubmatch(term)
		if m == nil || stateFields[arm.Fold(m[1])] == nil {
			return invalidFilter(term)
		}
		field, value := stateFields[arm.Fold(m[1])], strings.ReplaceAll(m[2], "''", "'")
		q.tests = append(q.tests, func(row *stateRow) bool { return strings.EqualFold(field(row), value) })
		if strings.EqualFold(m[1], "complianceState") {
			q.State = q.statesNamed(value)
		}
	}
	return nil
}

// complianceNames are the states as policy insights names them.
var complianceNames = map[record.State]string{
	record.Healthy: "Compliant", record.Unhealthy: "NonCompliant", record.Unknown: "Unknown", record.Exempt: "Exempt",
	record.NotApplicable: "Compliant",
}

// statesNamed are the states of assessments behind which a policy state of a name
// may be: it itself, and where assessments are of several states the worse ones.
func (q *stateQuery) statesNamed(name string) []record.State {
	var states []record.State
	least := -1
	for state := record.NotApplicable; state <= record.Exempt; state++ {
		named := strings.EqualFold(complianceNames[state], name)
		if named && state != record.NotApplicable && (least < 0 || judge.StateRank[state] < least) {
			least = judge.StateRank[state]
		}
		if named {
			states = append(states, state)
		}
	}
	for state := record.NotApplicable; q.shares && least >= 0 && state <= record.Exempt; state++ {
		if judge.StateRank[state] > least && !slices.Contains(states, state) {
			states = append(states, state)
		}
	}
	return states
}
