package main

import (
	"strings"
	"testing"

	"github.com/rampart-sec/rampart/internal/face/client"
)

// TestDoctorSaysWhatIsWrong: each finding is told, and nothing foreign reaches the
// terminal as it is.
func TestDoctorSaysWhatIsWrong(t *testing.T) {
	d := diagnosis{"1", client.Sweep{Resources: 2, Assessments: 3, DifferencesTotal: 1,
		Differences: []client.Difference{{ResourceID: "/a\x1b[2J", Recommendation: "r", Kept: "healthy", Swept: "unhealthy"}},
		Problems:    []client.Problem{{ID: "/p", Reason: "no\nrule"}}, UnjudgedTotal: 1, Unjudged: []client.Problem{{ID: "/d", Reason: "not JSON"}}}}
	var b strings.Builder
	if err := d.write(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"wrong 1 policies", "wrong 2 resources", "/a\ufffd[2J r: healthy, should be unhealthy", "/p: no\ufffdrule", "wrong 1 documents cannot be judged", "/d: not JSON"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is missing in:\n%s", want, b.String())
		}
	}
	var fine strings.Builder
	if err := (&diagnosis{"1", client.Sweep{Resources: 2}}).write(&fine); err != nil || strings.Contains(fine.String(), "wrong") || strings.Count(fine.String(), "\n") != 4 {
		t.Errorf("nothing is wrong: %v\n%s", err, fine.String())
	}
}
