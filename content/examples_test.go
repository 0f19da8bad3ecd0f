package content_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/arm"
	"github.com/rampart-sec/rampart/internal/policy"
	"github.com/rampart-sec/rampart/internal/wire"
)

// exampleNow is the evaluation instant of every example.
var exampleNow = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// wanted maps policy states to the words that examples use.
var wanted = map[policy.State]string{
	policy.NotApplicable: "notApplicable",
	policy.Compliant:     "healthy",
	policy.NonCompliant:  "unhealthy",
	policy.Unknown:       "unknown",
	policy.Error:         "error",
}

func load(t testing.TB) *content.Library {
	t.Helper()
	library, err := content.Load()
	if err != nil {
		t.Fatal(err)
	}
	return library
}

// bind compiles a definition with the parameter values of an example, if any.
func bind(t testing.TB, definition, parameters json.RawMessage) *policy.Bound {
	t.Helper()
	d, err := policy.ParseDefinition(definition)
	if err != nil {
		t.Fatal(err)
	}
	given := make(map[string]policy.Value)
	if parameters != nil {
		var raw map[string]json.RawMessage
		if err := json.Unmarshal(parameters, &raw); err != nil {
			t.Fatal(err)
		}
		for name, text := range raw {
			if given[name], err = policy.ParseValue(text); err != nil {
				t.Fatal(err)
			}
		}
	}
	b, err := policy.Bind(d, given, policy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func resource(t testing.TB, body json.RawMessage, unavailable []string) *policy.Resource {
	t.Helper()
	var head struct{ ID, Type string }
	if err := json.Unmarshal(body, &head); err != nil {
		t.Fatal(err)
	}
	r, err := policy.NewResource(wire.Document{ID: head.ID, Type: head.Type, Body: body, Unavailable: unavailable, ObservedAt: exampleNow})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// judge evaluates one resource among related ones.
func judge(t testing.TB, b *policy.Bound, body json.RawMessage, related []json.RawMessage, unavailable []string) policy.Verdict {
	t.Helper()
	own := resource(t, body, unavailable)
	estate := policy.Resources{own}
	for _, r := range related {
		estate = append(estate, resource(t, r, nil))
	}
	e := &policy.Evaluator{Aliases: policy.NewAliases(), Estate: estate, Now: exampleNow}
	return e.Evaluate(b, own, policy.Environment{})
}

func bodyOf(t testing.TB, r *content.Recommendation, i int) json.RawMessage {
	t.Helper()
	body, err := r.Body(i)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func TestExamplesGetTheirStates(t *testing.T) {
	for _, r := range load(t).Recommendations {
		t.Run(r.Name, func(t *testing.T) {
			for i, e := range r.Examples {
				b := bind(t, r.Definition(), e.Parameters)
				v := judge(t, b, bodyOf(t, r, i), e.Related, e.Unavailable)
				if got := wanted[v.State]; got != e.Want {
					t.Errorf("%s: %s, want %s (%s)", e.Name, got, e.Want, v.Reason)
				}
			}
		})
	}
}

// TestFixesHeal applies each quick fix to each unhealthy example of its
// recommendation: a fix is proven before it is offered.
func TestFixesHeal(t *testing.T) {
	for _, r := range load(t).Recommendations {
		if !r.HasFix() {
			continue
		}
		t.Run(r.Name, func(t *testing.T) {
			for i, e := range r.Examples {
				if e.Want != "unhealthy" {
					continue
				}
				b := bind(t, r.Definition(), e.Parameters)
				body, related := fix(t, r, bodyOf(t, r, i), e.Related)
				if v := judge(t, b, body, related, nil); v.State == policy.NonCompliant || v.State == policy.Error {
					t.Errorf("%s is still %s after the fix: %s", e.Name, wanted[v.State], v.Reason)
				}
			}
		})
	}
}

// fix returns the body with the patch applied, and the related resources with
// the created one in the place of its namesake and the expected reports.
func fix(t testing.TB, r *content.Recommendation, body json.RawMessage, related []json.RawMessage) (json.RawMessage, []json.RawMessage) {
	t.Helper()
	replace := replacer(t, body)
	if r.Remediation.Patch != nil {
		var err error
		if body, err = content.ApplyPatch(body, json.RawMessage(replace.Replace(string(r.Remediation.Patch)))); err != nil {
			t.Fatal(err)
		}
	}
	if r.Remediation.Expect != nil {
		related = slices.Clone(related)
		for i := range related {
			report, err := content.ApplyPatch(related[i], r.Remediation.Expect)
			if err != nil {
				t.Fatal(err)
			}
			related[i] = report
		}
	}
	if r.Remediation.Create == nil {
		return body, related
	}
	created := json.RawMessage(replace.Replace(string(r.Remediation.Create)))
	same := func(other json.RawMessage) bool { return strings.EqualFold(idOf(t, other), idOf(t, created)) }
	return body, append(slices.DeleteFunc(slices.Clone(related), same), created)
}

func idOf(t testing.TB, body json.RawMessage) string {
	t.Helper()
	var head struct{ ID string }
	if err := json.Unmarshal(body, &head); err != nil {
		t.Fatal(err)
	}
	return head.ID
}

// replacer fills the placeholders that fixes may use.
func replacer(t testing.TB, body json.RawMessage) *strings.Replacer {
	t.Helper()
	id, err := arm.ParseID(idOf(t, body))
	if err != nil {
		t.Fatal(err)
	}
	parent, _ := id.Parent()
	return strings.NewReplacer("{id}", id.String(), "{name}", id.Name(), "{resourceGroup}", id.ResourceGroup(),
		"{subscription}", id.Subscription(), "{parent}", parent.Name())
}

func TestInitiativeParses(t *testing.T) {
	library := load(t)
	initiative, err := policy.ParseInitiative(library.Initiative())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(initiative.Members), len(library.Recommendations); got != want {
		t.Errorf("%d members, want %d", got, want)
	}
	for _, m := range initiative.Members {
		if _, err := initiative.MemberValues(m, nil); err != nil {
			t.Errorf("%s: %v", m.ID, err)
		}
	}
}
