package governance

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/arm"
)

const (
	sub = "/subscriptions/s1"
	vm  = sub + "/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm1"
	key = "0a075868-4c26-42ef-914c-5bc007359560"
)

var since = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// body builds a rule's properties; overrides replace single members.
func body(overrides ...string) string {
	parts := map[string]string{
		"displayName": `"High in a week"`, "rulePriority": "100", "remediationTimeframe": `"7.00:00:00"`, "isGracePeriod": "true",
		"ownerSource":   `{"type":"ByTag","value":"owner"}`,
		"conditionSets": `[{"conditions":[{"property":"$.Metadata.severity","value":"[\"High\",\"Critical\"]","operator":"In"}]}]`,
	}
	for i := 0; i < len(overrides); i += 2 {
		parts[overrides[i]] = overrides[i+1]
	}
	var members []string
	for k, v := range parts {
		members = append(members, fmt.Sprintf("%q:%s", k, v))
	}
	return `{"properties":{` + strings.Join(members, ",") + `}}`
}

func rule(t *testing.T, scope, name string, overrides ...string) *Rule {
	t.Helper()
	r, err := ParseRule(scope+"/providers/Microsoft.Security/governanceRules/"+name, []byte(body(overrides...)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func subject(severity content.Severity) Subject {
	return Subject{Resource: arm.MustParseID(vm), Above: []arm.ID{arm.MustParseID("/providers/Microsoft.Management/managementGroups/M")},
		Recommendation: strings.ToUpper(key), Severity: severity, Since: since,
		Tag: func(name string) string { return map[string]string{"owner": "ana@example.org"}[name] }}
}

func TestAssign(t *testing.T) {
	byKey := `[{"conditions":[{"property":"$.AssessmentKey","value":"[\"` + key + `\"]","operator":"In"}]}]`
	tests := map[string]struct {
		rules    []*Rule
		severity content.Severity
		want     string // rule's name, "" none
	}{
		"by severity":           {[]*Rule{rule(t, sub, "a")}, content.High, "High in a week"},
		"another severity":      {[]*Rule{rule(t, sub, "a")}, content.Low, ""},
		"by key, any case":      {[]*Rule{rule(t, sub, "a", "conditionSets", byKey)}, content.Low, "High in a week"},
		"another subscription":  {[]*Rule{rule(t, "/subscriptions/s2", "a")}, content.High, ""},
		"excluded group":        {[]*Rule{rule(t, sub, "a", "excludedScopes", `["`+sub+`/resourceGroups/RG"]`)}, content.High, ""},
		"disabled":              {[]*Rule{rule(t, sub, "a", "isDisabled", "true")}, content.High, ""},
		"lowest priority wins":  {[]*Rule{rule(t, sub, "a"), rule(t, sub, "b", "rulePriority", "5", "displayName", `"first"`)}, content.High, "first"},
		"management group wins": {[]*Rule{rule(t, sub, "a", "rulePriority", "1"), rule(t, "/providers/Microsoft.Management/managementGroups/m", "b", "displayName", `"wide"`)}, content.High, "wide"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, ok := NewBoard(tt.rules, nil, nil).Assign(subject(tt.severity))
			if got.Rule != tt.want || ok != (tt.want != "") {
				t.Errorf("rule %q, want %q", got.Rule, tt.want)
			}
		})
	}
}

func TestAssignmentDates(t *testing.T) {
	a, _ := NewBoard([]*Rule{rule(t, sub, "a")}, nil, nil).Assign(subject(content.High))
	if a.Owner != "ana@example.org" || !a.Due.Equal(since.AddDate(0, 0, 7)) {
		t.Errorf("assignment %+v", a)
	}
	before, at := a.Due.Add(-time.Nanosecond), a.Due
	if !a.OutOfScore(before) || a.Overdue(before) || a.OutOfScore(at) || !a.Overdue(at) {
		t.Error("the grace period ends at the due date, when the assessment is overdue")
	}
}

func TestParseRuleRefuses(t *testing.T) {
	tests := map[string][]string{
		"no name":         {"displayName", `""`},
		"priority":        {"rulePriority", "-1"},
		"timeframe":       {"remediationTimeframe", `"soon"`},
		"owner type":      {"ownerSource", `{"type":"Someone","value":"x"}`},
		"owner value":     {"ownerSource", `{"type":"ByTag","value":""}`},
		"no conditions":   {"conditionSets", `[]`},
		"property":        {"conditionSets", `[{"conditions":[{"property":"$.Color","value":"[]","operator":"In"}]}]`},
		"operator":        {"conditionSets", `[{"conditions":[{"property":"$.AssessmentKey","value":"[]","operator":"Like"}]}]`},
		"value":           {"conditionSets", `[{"conditions":[{"property":"$.AssessmentKey","value":"x","operator":"In"}]}]`},
		"excluded scopes": {"excludedScopes", `["nowhere"]`},
	}
	for name, overrides := range tests {
		t.Run(name, func(t *testing.T) {
			var client *arm.Error
			if _, err := ParseRule(sub+"/providers/Microsoft.Security/governanceRules/r", []byte(body(overrides...))); !errors.As(err, &client) {
				t.Errorf("error %v, want one that a client may be shown", err)
			}
		})
	}
}

func FuzzParseRule(f *testing.F) {
	f.Add([]byte(body()))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := ParseRule(sub+"/providers/Microsoft.Security/governanceRules/r", data)
		if err != nil {
			return
		}
		a, ok := NewBoard([]*Rule{r}, nil, nil).Assign(subject(content.High))
		if ok && !a.Due.After(since) {
			t.Errorf("due %v before it began", a.Due)
		}
	})
}
