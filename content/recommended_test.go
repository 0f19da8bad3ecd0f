package content

import (
	"encoding/json"
	"io/fs"
	"strings"
	"testing"

	"github.com/rampart-sec/rampart/content/baselines"
)

// TestRecommendedChecksHaveRecommendations holds baselines and the
// recommendation files of machines together, both ways.
func TestRecommendedChecksHaveRecommendations(t *testing.T) {
	all, err := baselines.Load()
	if err != nil {
		t.Fatal(err)
	}
	recommended := map[string]bool{}
	for _, b := range all {
		for _, c := range b.Checks {
			if c.Recommended {
				recommended[c.ID] = true
			}
		}
	}
	if len(recommended) > 15 {
		t.Errorf("%d checks are recommendations of their own; at most 15 may be", len(recommended))
	}
	files, err := fs.Glob(FS, "policies/machines/machine-*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		data, err := FS.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		r, err := ReadRecommendation(file, data)
		if err != nil {
			t.Fatal(err)
		}
		id, ok := checkOf(t, r)
		if !ok {
			continue
		}
		if !recommended[id] {
			t.Errorf("%s reads check %q, which no baseline marks as recommended", file, id)
		}
		delete(recommended, id)
	}
	for id := range recommended {
		t.Errorf("check %q is marked as recommended, but no recommendation reads it", id)
	}
}

// checkOf finds the check that a recommendation reads.
func checkOf(t *testing.T, r *Recommendation) (string, bool) {
	t.Helper()
	if r.Details == nil {
		return "", false
	}
	var details struct {
		ExistenceCondition struct{ Field string }
	}
	if err := json.Unmarshal(r.Details, &details); err != nil {
		t.Fatalf("%s: %v", r.File, err)
	}
	const prefix = "Microsoft.GuestConfiguration/guestConfigurationAssignments/checks."
	id, ok := strings.CutPrefix(details.ExistenceCondition.Field, prefix)
	id, state := strings.CutSuffix(id, ".state")
	return id, ok && state
}
