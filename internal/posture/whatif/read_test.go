package whatif

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

const account = "/subscriptions/6f9619ff-8b86-d011-b42d-00cf4fc964ff/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/"

func row(name string) string { return `{"id":"` + account + name + `","properties":{}}` }

var there = Place{Subscription: "6f9619ff-8b86-d011-b42d-00cf4fc964ff", ResourceGroup: "rg"}

const wrapper = `{"$schema":"https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#","contentVersion":"1.0.0.0",`

func TestRead(t *testing.T) {
	for name, c := range map[string]struct {
		text     string
		changes  int
		rejected []int // lines
		problem  string
	}{
		"lines":    {row("a") + "\n" + row("b") + "\n", 2, nil, ""},
		"array":    {"[\n" + row("a") + ",\n" + row("b") + "\n]", 2, nil, ""},
		"list":     {`{"value":[` + row("a") + `]}`, 1, nil, ""},
		"one":      {row("a"), 1, nil, ""},
		"mark":     {"\xef\xbb\xbf" + row("a"), 1, nil, ""},
		"template": {wrapper + `"resources":[{"type":"Microsoft.Storage/storageAccounts","apiVersion":"2023-01-01","name":"a","properties":{}}]}`, 1, nil, ""},
		"badLine":  {row("a") + "\n{\"id\":\n" + row("b"), 2, []int{2}, ""},
		"twice":    {row("a") + "\n" + row("A"), 1, []int{2}, ""},
		"deletion": {row("a") + "\n" + `{"id":"` + account + `b","deleted":true}`, 1, []int{2}, ""},
		"empty":    {" \n", 0, nil, ""},
		"words":    {"hello", 0, nil, "line 1"},
		"cutOff":   {"[" + row("a"), 0, nil, "cut off"},
		"nothing":  {"[]", 0, nil, "no resource"},
		"plan":     {`{"format_version":"1.2","planned_values":{}}`, 0, nil, "rampart scan template"},
		"tooMany":  {strings.Repeat(row("a")+"\n", 10_001), 0, nil, "10001 resources"},
	} {
		t.Run(name, func(t *testing.T) {
			var s Supposed
			err := s.Read(t.Context(), []byte(c.text), there, time.Now())
			var known *arm.Error
			if c.problem != "" {
				if !errors.As(err, &known) || !strings.Contains(known.Message, c.problem) {
					t.Errorf("error %v, want one with %q", err, c.problem)
				}
				return
			}
			if err != nil || len(s.Changes) != c.changes || len(s.Rejected) != len(c.rejected) || s.RejectedTotal != len(c.rejected) {
				t.Fatalf("%d changes, rejected %v, %v; want %d and %v", len(s.Changes), s.Rejected, err, c.changes, c.rejected)
			}
			for i, r := range s.Rejected {
				if r.Line != c.rejected[i] || r.Reason == "" {
					t.Errorf("rejected %+v, want line %d", r, c.rejected[i])
				}
			}
		})
	}
	var s Supposed
	if err := s.Read(t.Context(), []byte(wrapper+`"resources":[]}`), Place{}, time.Now()); err == nil || !strings.Contains(err.Error(), "deployed") {
		t.Errorf("a template for nowhere: %v", err)
	}
}

// FuzzRead: whatever is pasted gives changes with ids and bodies, or an error for
// people, never anything else.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{row("a"), "[" + row("a") + "]", wrapper + `"resources":[]}`, `{"format_version":"1"}`, "{", "hello\n" + row("b")} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var s Supposed
		err := s.Read(t.Context(), text, there, time.Now())
		var known *arm.Error
		if err != nil && !errors.As(err, &known) {
			t.Fatalf("%v is no error for people", err)
		}
		for _, c := range s.Changes {
			if c.ResourceID == "" || len(c.Body) == 0 {
				t.Fatalf("a change of nothing: %+v", c)
			}
		}
		if s.RejectedTotal < len(s.Rejected) {
			t.Fatalf("%d of %d rejections", len(s.Rejected), s.RejectedTotal)
		}
	})
}
