package sigma

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rampart-sec/rampart/internal/threat/event"
)

const explained = `title: x
logsource: {product: windows}
detection:
  selection:
    Image|endswith: '\cmd.exe'
    CommandLine|contains: [one, two]
  opt_a: {Missing: null}
  unused: {X: 1}
  filter: [{User: admin}, {Host: a}]
  condition: selection and 1 of opt_* and not filter
`

func TestExplain(t *testing.T) {
	set := Read("x.yml", []byte(explained))
	if len(set.Failed) > 0 {
		t.Fatal(set.Failed[0])
	}
	r := set.Rules[0]
	var rec event.Record
	rec.Reset(Compile(set.Rules).Schema())
	rec.Kind = event.NewKind("windows", nil, nil)
	rec.AddString("Image", `C:\cmd.exe`)
	rec.AddString("CommandLine", "a two b")
	rec.AddString("User", "Admin")
	got := r.Explain(&rec)
	got.Rule = nil
	want := &Explanation{
		Meant: true, Condition: "selection and 1 of (opt_a) and not filter",
		Selections: []Part{
			{Name: "selection", Holds: true, Join: "all", Parts: []Part{
				{Holds: true, Key: "Image|endswith", Line: 5, Found: []string{`C:\cmd.exe`}, Wanted: []string{`*\cmd.exe`}, Hit: `*\cmd.exe`},
				{Holds: true, Key: "CommandLine|contains", Line: 6, Found: []string{"a two b"}, Wanted: []string{"*one*", "*two*"}, Hit: "*two*"},
			}},
			{Name: "opt_a", Holds: true, Key: "Missing", Line: 7, Absent: true, Wanted: []string{"null"}, Hit: "null"},
			{Name: "filter", Holds: true, Join: "any", Parts: []Part{
				{Holds: true, Key: "User", Line: 9, Found: []string{"Admin"}, Wanted: []string{"admin"}, Hit: "admin"},
				{Key: "Host", Line: 9, Absent: true, Wanted: []string{"a"}},
			}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestPossible(t *testing.T) {
	r := Read("x.yml", []byte(explained)).Rules[0]
	if diff := cmp.Diff([]string{"CommandLine", "Host", "Image", "Missing", "User"}, r.ReadFields()); diff != "" {
		t.Error(diff)
	}
	for fields, want := range map[string]bool{"Image CommandLine": true, "Image": false, "": false} {
		if got := r.Possible(func(f string) bool { return strings.Contains(fields, f) }); got != want {
			t.Errorf("with %q: %v", fields, got)
		}
	}
}
