package judge

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/plan"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// TestJudgeEqualsSweep makes random edits of resources, policies, exemptions
// and rules and lets time pass; the estate that followed them must equal one
// that is loaded afresh, by the engine and by the oracle.
func TestJudgeEqualsSweep(t *testing.T) {
	for seed := range uint64(24) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := NewWorld(t)
			w.bookTogether(seed%2 == 1)
			edits := &editor{w: w, rnd: rand.New(rand.NewPCG(seed, 5)), docs: map[string]wire.Document{}}
			for range 12 {
				for range 1 + edits.rnd.IntN(6) {
					edits.some()
				}
				v := w.Step()
				if diff := recounted(v); diff != nil {
					t.Fatalf("aggregates differ from rows:\n%s", diff)
				}
				w.sweep()
				checkStates(t, w, v)
				w.Clock.Pass(time.Duration(edits.rnd.IntN(300)) * time.Minute)
			}
			running := Dump(w.Step())
			remembered := w.Estate().bases.String()
			w.restart()
			if diff := cmp.Diff(remembered, w.Estate().bases.String()); diff != "" {
				t.Errorf("a restart remembers something else of exemptions (-running +restarted):\n%s", diff)
			}
			if diff := cmp.Diff(running, Dump(w.Judge.Estate("").View())); diff != "" {
				t.Errorf("a restart sees something else (-running +restarted):\n%s", diff)
			}
			w.slow = true
			w.restart()
			if diff := cmp.Diff(running, Dump(w.Judge.Estate("").View())); diff != "" {
				t.Errorf("the oracle sees something else (-engine +oracle):\n%s", diff)
			}
		})
	}
}

func rowsOf(v *index.View) map[uint32]*record.Row {
	rows := map[uint32]*record.Row{}
	v.Rows.Each(func(h uint32, r *record.Row) bool { rows[h] = r; return true })
	return rows
}

// Dump is all assessments and scores of a view in words.
func Dump(v *index.View) []string {
	out := []string{fmt.Sprintf("estate %.6f", v.Score(index.Scope{}).Percent)}
	v.Rows.Each(func(_ uint32, r *record.Row) bool {
		for _, c := range r.Statuses {
			out = append(out, fmt.Sprintf("%s %s %v since %d first %d flags %d stale %v", r.ID, v.RecommendationID(c.Slot), c.State, c.Since, c.First, c.Flags, r.Stale))
		}
		return true
	})
	for _, s := range v.Subscriptions() {
		out = append(out, fmt.Sprintf("%s %.6f", s.ID, s.Score.Percent))
	}
	slices.Sort(out)
	return out
}

// editor makes random edits straight in the store.
type editor struct {
	w    *world
	rnd  *rand.Rand
	docs map[string]wire.Document
	few  bool // the same few resources again and again
}

func (ed *editor) some() {
	switch ed.rnd.IntN(12) {
	case 0:
		ed.remove()
	case 1:
		ed.exempt()
	case 2:
		ed.policy()
	case 3:
		ed.parameters()
	case 4:
		ed.govern()
	default:
		ed.put()
	}
}

func (ed *editor) put() {
	ed.w.Clock.Pass(time.Second) // what is put at the instant of its deletion is older
	sub := fmt.Sprintf("/subscriptions/%08d-1111-1111-1111-111111111111", ed.rnd.IntN(2))
	name := fmt.Sprintf("r%d", ed.rnd.IntN(6))
	if ed.few {
		name = "r0"
	}
	typ := []string{StorageType, StorageType, "Microsoft.KeyVault/vaults", "Microsoft.HybridCompute/machines"}[ed.rnd.IntN(4)]
	tls := []string{"TLS1_0", "TLS1_2", "SSL3"}[ed.rnd.IntN(3)]
	id := fmt.Sprintf("%s/resourceGroups/rg%d/providers/%s/%s", sub, ed.rnd.IntN(2), typ, name)
	body := fmt.Sprintf(`{"id":%q,"type":%q,"name":%q,"location":"l%d","tags":{"owner":"o%d"},"properties":{"supportsHttpsTrafficOnly":%v,"minimumTlsVersion":%q,"allowBlobPublicAccess":%v,"enablePurgeProtection":%v,"status":"Connected"}}`,
		id, typ, name, ed.rnd.IntN(2), ed.rnd.IntN(2), []string{"true", "false", `"off"`}[ed.rnd.IntN(3)], tls, ed.rnd.IntN(2) == 0, ed.rnd.IntN(2) == 0)
	doc := wire.Document{ID: id, Type: typ, Source: "test", ObservedAt: ed.w.Clock.Now(), Body: []byte(body)}
	if ed.rnd.IntN(5) == 0 {
		doc.Unavailable = []string{"properties.minimumTlsVersion no permission"}
	}
	ed.docs[id] = doc
	if res, err := ed.w.Inv.Put(ed.w.t.Context(), "", []wire.Document{doc}); err != nil || len(res.Rejected) > 0 {
		ed.w.t.Fatal(err, res.Rejected)
	}
}

func (ed *editor) remove() {
	ids := slices.Sorted(maps.Keys(ed.docs))
	if len(ids) == 0 {
		return
	}
	id := ids[ed.rnd.IntN(len(ids))]
	delete(ed.docs, id)
	if err := ed.w.Inv.Delete(ed.w.t.Context(), "", id, ""); err != nil && !arm.IsNotFound(err) {
		ed.w.t.Fatal(err)
	}
}

func (ed *editor) sub() string {
	return fmt.Sprintf("/subscriptions/%08d-1111-1111-1111-111111111111", ed.rnd.IntN(2))
}

func (ed *editor) exempt() {
	properties := map[string]any{
		"policyAssignmentId": ed.sub() + "/providers/Microsoft.Authorization/policyAssignments/" + plan.BuiltInAssignment,
		"exemptionCategory":  "Waiver",
	}
	if ed.rnd.IntN(2) == 0 {
		properties["policyDefinitionReferenceIds"] = []string{testRecommendations[ed.rnd.IntN(3)].id()}
	}
	if ed.rnd.IntN(2) == 0 {
		properties["expiresOn"] = ed.w.Clock.Now().Add(time.Duration(ed.rnd.IntN(2000)-500) * time.Minute)
	}
	if ed.rnd.IntN(2) == 0 {
		properties["metadata"] = map[string]any{"rampart": map[string]any{
			"reopenOnChange": true, "basedAt": fmt.Sprint(ed.rnd.IntN(2)), "state": []string{"", "", "requested"}[ed.rnd.IntN(3)]}}
	}
	if ed.rnd.IntN(4) == 0 {
		properties["resourceSelectors"] = []any{map[string]any{"name": "s", "selectors": []any{map[string]any{"kind": "resourceLocation", "in": []string{"l0"}}}}}
	}
	scope := ed.sub() + []string{"", "/resourceGroups/rg1"}[ed.rnd.IntN(2)]
	ed.object("policyExemption", scope+"/providers/Microsoft.Authorization/policyExemptions/x", properties)
}

func (ed *editor) policy() {
	const id = TestSub + "/providers/Microsoft.Authorization/policyDefinitions/own"
	rule := map[string]any{"field": "location", "equals": "[parameters('at')]"}
	ed.object("policyDefinition", id, map[string]any{
		"displayName": "Not here", "mode": "All", "metadata": map[string]any{"severity": []string{"Low", "High"}[ed.rnd.IntN(2)]},
		"parameters": map[string]any{"at": map[string]any{"type": "String", "defaultValue": fmt.Sprintf("l%d", ed.rnd.IntN(2))}},
		"policyRule": map[string]any{"if": rule, "then": map[string]any{"effect": "audit"}},
	})
	assignment := ed.sub() + []string{"", "", "/resourceGroups/rg0"}[ed.rnd.IntN(3)] + "/providers/Microsoft.Authorization/policyAssignments/own" + []string{"", "2"}[ed.rnd.IntN(2)]
	if ed.rnd.IntN(3) > 0 {
		properties := map[string]any{"policyDefinitionId": id}
		if ed.rnd.IntN(2) == 0 {
			properties["parameters"] = map[string]any{"at": map[string]any{"value": fmt.Sprintf("l%d", ed.rnd.IntN(2))}}
		}
		if ed.rnd.IntN(3) == 0 {
			properties["notScopes"] = []string{ed.sub() + "/resourceGroups/rg1"}
		}
		ed.object("policyAssignment", assignment, properties)
		return
	}
	ed.w.update(func(ctx context.Context, tx *store.Tx) error {
		err := tx.DeleteObject(ctx, "", "policyAssignment", assignment, "")
		if arm.IsNotFound(err) {
			return nil
		}
		return err
	})
}

func (ed *editor) parameters() {
	name := testRecommendations[ed.rnd.IntN(3)].name
	effect := []string{"Audit", "Disabled"}[ed.rnd.IntN(2)]
	ed.object("policyAssignment", ed.sub()+"/providers/Microsoft.Authorization/policyAssignments/"+plan.BuiltInAssignment, map[string]any{
		"policyDefinitionId": plan.BuiltInInitiative,
		"parameters":         map[string]any{name + "-effect": map[string]any{"value": effect}},
	})
}

func (ed *editor) govern() {
	ed.object("governanceRule", ed.sub()+"/providers/Microsoft.Security/governanceRules/g", map[string]any{
		"displayName": "g", "rulePriority": 1, "isGracePeriod": ed.rnd.IntN(2) == 0, "remediationTimeframe": "7.00:00:00",
		"ownerSource":   map[string]any{"type": "ByTag", "value": "owner"},
		"conditionSets": []any{map[string]any{"conditions": []any{map[string]any{"property": "$.Metadata.severity", "operator": "In", "value": `["high","medium"]`}}}},
	})
}

func (ed *editor) object(kind, id string, properties any) {
	ed.w.update(func(ctx context.Context, tx *store.Tx) error {
		body := mustJSON(ed.w.t, map[string]any{"id": id, "name": id[len(id)-1:], "properties": properties})
		_, err := tx.PutObject(ctx, store.Object{Kind: kind, ID: id, Body: body}, "")
		return err
	})
}
