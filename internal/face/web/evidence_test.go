package web

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rampart-sec/rampart/internal/posture/planning"
)

func TestDecidingEvidence(t *testing.T) {
	typ := planning.EvidenceLine{ResourceID: "/r", Path: "type", Found: `"T"`, Wanted: "anything but T"}
	for _, c := range []struct {
		name        string
		found, want []planning.EvidenceLine
	}{
		{"typeGoesWithoutSaying", []planning.EvidenceLine{{ResourceID: "/r", Path: "a", Found: "1", Wanted: "2"}, typ}, []planning.EvidenceLine{{ResourceID: "/r", Path: "a", Found: "1", Wanted: "2"}}},
		{"oneValueSeveralWishes", []planning.EvidenceLine{{Path: "a", Found: `"fail"`, Wanted: `"pass"`}, {Path: "a", Found: `"fail"`, Wanted: `"notApplicable"`}},
			[]planning.EvidenceLine{{Path: "a", Found: `"fail"`, Wanted: `"pass" or "notApplicable"`}}},
		{"oneCheckTwice", []planning.EvidenceLine{{File: "f line 3", Found: "yes", Wanted: "no"}, {File: "f line 3", Found: "yes", Wanted: "no"}}, []planning.EvidenceLine{{File: "f line 3", Found: "yes", Wanted: "no"}}},
		{"twoResources", []planning.EvidenceLine{{ResourceID: "/a", Path: "p", Found: "1", Wanted: "2"}, {ResourceID: "/b", Path: "p", Found: "1", Wanted: "2"}},
			[]planning.EvidenceLine{{ResourceID: "/a", Path: "p", Found: "1", Wanted: "2"}, {ResourceID: "/b", Path: "p", Found: "1", Wanted: "2"}}},
		{"reasonWithoutTheResource", []planning.EvidenceLine{{ResourceID: "/r/vm", Missing: true, Note: "there is no report in /R/vm"}}, []planning.EvidenceLine{{ResourceID: "/r/vm", Missing: true, Note: "there is no report"}}},
		{"none", nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, deciding(c.found)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDiff(t *testing.T) {
	got := ""
	for _, l := range diff("{\n  a: 1\n  b: 2\n}", "{\n  a: 3\n  b: 2\n}") {
		got += l.Mark + l.Text + "\n"
	}
	if want := " {\n-  a: 1\n+  a: 3\n   b: 2\n }\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	for _, c := range []struct {
		before, after string
		lines         int
	}{{"", "", 0}, {"", "a\nb", 2}, {"a", "", 1}, {"same", "same", 1}, {"a\na", "a", 2}} {
		if n := len(diff(c.before, c.after)); n != c.lines {
			t.Errorf("%q to %q: %d lines, want %d", c.before, c.after, n, c.lines)
		}
	}
}
