package api

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// FuzzMatch throws paths at the route table: whatever matches names a scope
// that lies in the path, and variables that are its segments.
func FuzzMatch(f *testing.F) {
	for _, path := range []string{"/", "/subscriptions", "//subscriptions//s/providers/Microsoft.Security/pricings/Arm/",
		"/subscriptions/s/resourceGroups/g/providers/A/b/c/providers/Microsoft.Security/assessments/x/subAssessments/y",
		"/subscriptions/{'top': None}/providers/Microsoft.PolicyInsights/policyStates/00000000-0000-0000-0000-000000000000/summarize",
		"/providers/Microsoft.Authorization/policyDefinitions", "/adfs/oauth2/token"} {
		f.Add("GET", path)
		f.Add("POST", path)
	}
	a := &API{routes: compile(table)}
	f.Fuzz(func(t *testing.T, method, path string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Method, r.URL = method, &url.URL{Path: path}
		req, err := a.match(r)
		if err != nil {
			return
		}
		again, err := arm.ParseID(req.scope.String())
		if err != nil || !again.Equal(req.scope) {
			t.Fatalf("scope %q of %q is not an id: %v", req.scope, path, err)
		}
		for name, value := range req.vars {
			if strings.Contains(value, "/") || !strings.Contains(path, value) && name != "view" {
				t.Fatalf("variable %s of %q is %q", name, path, value)
			}
		}
	})
}

// FuzzFilter: a filter is understood or refused, never guessed at.
func FuzzFilter(f *testing.F) {
	for _, filter := range []string{"", "atScope()", "policyType eq 'BuiltIn'", "category eq 'it''s' and atExactScope()", "name in (A,'B')", "complianceState eq 'NonCompliant' and isCompliant eq false"} {
		f.Add(filter)
	}
	f.Fuzz(func(t *testing.T, filter string) {
		r := &request{Request: httptest.NewRequest("GET", "/?$filter="+url.QueryEscape(filter), nil)}
		if keep, err := policyFilter(r); err == nil {
			keep(&object{Properties: map[string]any{"policyType": "BuiltIn", "metadata": "not an object"}})
		}
		if keep, err := nameFilter(filter); err == nil {
			keep("Arm")
		}
		q := &stateQuery{}
		if q.filter(filter) == nil {
			q.keep(&stateRow{})
		}
	})
}

func TestFilterTerms(t *testing.T) {
	for filter, want := range map[string]string{
		"":                             "",
		"  ":                           "",
		"a eq 'b'":                     "a eq 'b'",
		"a eq 'b and c' AND atScope()": "a eq 'b and c'|atScope()",
		"a and ":                       "a|",
		"it eq 'it''s and so' and b":   "it eq 'it''s and so'|b",
	} {
		if got := strings.Join(filterTerms(filter), "|"); got != want {
			t.Errorf("%q is split into %q, want %q", filter, got, want)
		}
	}
}
