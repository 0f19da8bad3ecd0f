package api_test

import (
	"strings"
	"testing"

	"github.com/rampart-sec/rampart/internal/face/api"
)

// TestTableIsConsistent holds the table to its conventions: verbs of actions
// follow from methods, no row is there twice, and nothing hides behind the
// catch-all.
func TestTableIsConsistent(t *testing.T) {
	seen := map[string]bool{}
	verbs := map[string]string{"GET": "read", "PUT": "write", "PATCH": "write", "DELETE": "delete"}
	rows := api.Endpoints()
	for i, r := range rows {
		key := r.Method + " " + strings.ToLower(r.Pattern)
		if seen[key] {
			t.Errorf("%s is there twice", key)
		}
		seen[key] = true
		if !strings.HasPrefix(r.Pattern, "/") && !strings.HasPrefix(r.Pattern, "{scope}") {
			t.Errorf("%s begins with neither / nor {scope}", key)
		}
		if r.Pattern == "{scope}" && i != len(rows)-1 {
			t.Error("the catch-all must be the last row")
		}
		if want := verbs[r.Method]; r.Action != "" && want != "" && !strings.HasSuffix(r.Action, "/"+want) {
			t.Errorf("%s needs %q, want a %s", key, r.Action, want)
		}
		if r.Method != "GET" && r.Action == "" && !r.Public && !strings.Contains(r.Pattern, "ResourceGraph") && !ownersMay(r.Pattern) && !asks(r.Pattern) {
			t.Errorf("%s changes something and needs no action", key)
		}
	}
}

// asks reports whether a POST is a question: it stores nothing, and its handler
// checks the scope that it names.
func asks(pattern string) bool { return pattern == "/rampart/v1/what-if" }

// ownersMay reports whether owners write there without a role: the handler finds
// out who is one.
func ownersMay(pattern string) bool { return strings.Contains(pattern, "/governanceAssignments/") }
