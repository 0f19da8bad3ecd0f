package posture

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/plan"
)

// assignWide assigns the user's own definition again, elsewhere.
func (w *world) assignWide(id string, more map[string]any) {
	properties := map[string]any{"policyDefinitionId": testSub + "/providers/Microsoft.Authorization/policyDefinitions/tls"}
	for k, v := range more {
		properties[k] = v
	}
	w.object("policyAssignment", id, properties)
}

// TestExemptInEveryAssignment gives one recommendation by assignments of the
// tenant, a management group, the subscription and a group, and exempts the
// resource in each.
func TestExemptInEveryAssignment(t *testing.T) {
	w := newWorld(t)
	doc := w.tls("SSL3")
	w.put(doc, w.subscriptionUnder("mg"))
	own := w.own()
	const mg, assignments = "/providers/Microsoft.Management/managementGroups/mg", "/providers/Microsoft.Authorization/policyAssignments/"
	w.assignWide(mg+assignments+"mg", map[string]any{"scope": mg})
	w.assignWide(assignments+"root", map[string]any{"scope": "/"})
	w.assignWide(testSub+"/resourceGroups/rg"+assignments+"rg", nil)
	w.assignWide(testSub+"/resourceGroups/other"+assignments+"other", nil)
	w.assignWide(testSub+assignments+"vaults", map[string]any{"resourceSelectors": []any{map[string]any{"selectors": []any{map[string]any{"kind": "resourceType", "in": []string{"a/b"}}}}}})
	w.assignWide(testSub+assignments+"not", map[string]any{"notScopes": []string{testSub + "/resourceGroups/rg"}})

	given := w.estate().GivenBy(own, doc.ID)
	var ids []string
	for _, g := range given {
		ids = append(ids, g.AssignmentID)
		if g.Scope != doc.ID {
			t.Errorf("%s meets the resource at %q", g.AssignmentID, g.Scope)
		}
	}
	want := []string{mg + assignments + "mg", assignments + "root", testSub + "/resourceGroups/rg" + assignments + "rg", testSub + assignments + "tls"}
	slices.Sort(want)
	if diff := cmp.Diff(want, ids); diff != "" {
		t.Fatalf("assignments (-want +got):\n%s", diff)
	}
	for i, g := range given {
		w.wantAssessment(w.estate().View(), doc.ID, own, Unhealthy, "")
		w.object("policyExemption", g.Scope+"/providers/Microsoft.Authorization/policyExemptions/x"+string(rune('a'+i)), map[string]any{
			"policyAssignmentId": g.AssignmentID, "exemptionCategory": "Waiver"})
	}
	w.wantAssessment(w.estate().View(), doc.ID, own, Exempt, "")

	scopes := map[string]string{}
	for _, g := range w.estate().GivenBy(own, "") {
		scopes[g.AssignmentID] = g.Scope
	}
	for id, scope := range map[string]string{assignments + "root": "/", mg + assignments + "mg": mg, testSub + assignments + "tls": testSub} {
		if got, ok := scopes[id]; !ok || got != scope {
			t.Errorf("everywhere: %s meets at %q, %v; want %q", id, got, ok, scope)
		}
	}
	if got := w.estate().GivenBy(rec(t, "storage-https"), doc.ID); len(got) != 1 || got[0].AssignmentID != builtInAssignment || len(got[0].References) != 1 {
		t.Errorf("the built-in recommendation is given by %+v", got)
	}
}

// TestExemptionAtTheRoot and at a management group reach the resource.
func TestExemptionAbove(t *testing.T) {
	for _, scope := range []string{"", "/providers/Microsoft.Management/managementGroups/mg", testSub} {
		w := newWorld(t)
		doc := w.account("one", false, true)
		w.put(doc, w.subscriptionUnder("mg"))
		v := w.object("policyExemption", scope+"/providers/Microsoft.Authorization/policyExemptions/x", map[string]any{
			"policyAssignmentId": testSub + "/providers/Microsoft.Authorization/policyAssignments/" + plan.BuiltInAssignment, "exemptionCategory": "Waiver"})
		if got := w.state(v, doc.ID, "storage-https"); got != Exempt {
			t.Errorf("exemption at %q: %v, problems %v", scope, got, w.estate().Problems())
		}
	}
}

// subscriptionUnder is the test subscription's document, under a management group.
func (w *world) subscriptionUnder(group string) wire.Document {
	return wire.Document{ID: testSub, Type: "Microsoft.Resources/subscriptions", Source: "test", ObservedAt: w.clock.now(),
		Body: mustJSON(w.t, map[string]any{"properties": map[string]any{"managementGroupAncestorsChain": []any{map[string]any{"name": group}}}})}
}
