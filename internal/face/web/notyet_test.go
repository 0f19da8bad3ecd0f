package web

import (
	"strings"
	"testing"
)

// TestNotYetIsShown: the page of a recommendation whose data nothing delivers
// says so; others don't.
func TestNotYetIsShown(t *testing.T) {
	s := newStage(t, 40)
	const owners, keys = "6240402e-f77c-46fa-9060-a7ce53997754", "044985bb-afe1-42cd-8a36-9d5d42424537"
	page := s.get("/recommendation?id=" + owners)
	for _, want := range []string{"No data yet", "Not yet: nothing in Rampart delivers", "Microsoft.Security/identityReports"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if page := s.get("/recommendation?id=" + keys); strings.Contains(page, "yet") {
		t.Error("a recommendation that is judged says that it is not yet")
	}
}
