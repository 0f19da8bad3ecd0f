package judge

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/plan"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// assignWide assigns the user's own definition again, elsewhere.
func (w *world) assignWide(id string, more map[string]any) {
	properties := map[string]any{"policyDefinitionId": TestSub + "/providers/Microsoft.Authorization/policyDefinitions/tls"}
	for k, v := range more {
		properties[k] = v
	}
	w.object("policyAssignment", id, properties)
}

// TestExemptInEveryAssignment gives one recommendation by assignments of the
// tenant, a management group, the subscription and a group, and exempts the
// resource in each.
func TestExemptInEveryAssignment(t *testing.T) {
	w := NewWorld(t)
	doc := w.Tls("SSL3")
	w.Put(doc, w.subscriptionUnder("mg"))
	own := w.Own()
	const mg, assignments = "/providers/Microsoft.Management/managementGroups/mg", "/providers/Microsoft.Authorization/policyAssignments/"
	w.assignWide(mg+assignments+"mg", map[string]any{"scope": mg})
	w.assignWide(assignments+"root", map[string]any{"scope": "/"})
	w.assignWide(TestSub+"/resourceGroups/rg"+assignments+"rg", nil)
	w.assignWide(TestSub+"/resourceGroups/other"+assignments+"other", nil)
	w.assignWide(TestSub+assignments+"vaults", map[string]any{"resourceSelectors": []any{map[string]any{"selectors": []any{map[string]any{"kind": "resourceType", "in": []string{"a/b"}}}}}})
	w.assignWide(TestSub+assignments+"not", map[string]any{"notScopes": []string{TestSub + "/resourceGroups/rg"}})

	given := w.Estate().AssignedBy(own, doc.ID)
	var ids []string
	for _, g := range given {
		ids = append(ids, g.AssignmentID)
		if g.Scope != doc.ID {
			t.Errorf("%s meets the resource at %q", g.AssignmentID, g.Scope)
		}
	}
	want := []string{mg + assignments + "mg", assignments + "root", TestSub + "/resourceGroups/rg" + assignments + "rg", TestSub + assignments + "tls"}
	slices.Sort(want)
	if diff := cmp.Diff(want, ids); diff != "" {
		t.Fatalf("assignments (-want +got):\n%s", diff)
	}
	for i, g := range given {
		w.WantAssessment(w.Estate().View(), doc.ID, own, record.Unhealthy, "")
		w.object("policyExemption", g.Scope+"/providers/Microsoft.Authorization/policyExemptions/x"+string(rune('a'+i)), map[string]any{
			"policyAssignmentId": g.AssignmentID, "exemptionCategory": "Waiver"})
	}
	w.WantAssessment(w.Estate().View(), doc.ID, own, record.Exempt, "")

	scopes := map[string]string{}
	for _, g := range w.Estate().AssignedBy(own, "") {
		scopes[g.AssignmentID] = g.Scope
	}
	for id, scope := range map[string]string{assignments + "root": "/", mg + assignments + "mg": mg, TestSub + assignments + "tls": TestSub} {
		if got, ok := scopes[id]; !ok || got != scope {
			t.Errorf("everywhere: %s meets at %q, %v; want %q", id, got, ok, scope)
		}
	}
	if got := w.Estate().AssignedBy(Rec(t, "storage-https"), doc.ID); len(got) != 1 || got[0].AssignmentID != builtInAssignment || len(got[0].References) != 1 {
		t.Errorf("the built-in recommendation is given by %+v", got)
	}
}

// TestExemptionAtTheRoot and at a management group reach the resource.
func TestExemptionAbove(t *testing.T) {
	for _, scope := range []string{"", "/providers/Microsoft.Management/managementGroups/mg", TestSub} {
		w := NewWorld(t)
		doc := w.Account("one", false, true)
		w.Put(doc, w.subscriptionUnder("mg"))
		v := w.object("policyExemption", scope+"/providers/Microsoft.Authorization/policyExemptions/x", map[string]any{
			"policyAssignmentId": TestSub + "/providers/Microsoft.Authorization/policyAssignments/" + plan.BuiltInAssignment, "exemptionCategory": "Waiver"})
		if got := w.state(v, doc.ID, "storage-https"); got != record.Exempt {
			t.Errorf("exemption at %q: %v, problems %v", scope, got, w.Estate().Problems())
		}
	}
}

// subscriptionUnder is the test subscription's document, under a management group.
func (w *world) subscriptionUnder(group string) wire.Document {
	return wire.Document{ID: TestSub, Type: "Microsoft.Resources/subscriptions", Source: "test", ObservedAt: w.Clock.Now(),
		Body: mustJSON(w.t, map[string]any{"properties": map[string]any{"managementGroupAncestorsChain": []any{map[string]any{"name": group}}}})}
}
