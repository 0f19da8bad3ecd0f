package judge

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/catalog"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// TestFindingsEqualSweep makes random edits of reports, rules and exemptions and
// lets time pass. The estate that followed them must equal what the rules say by
// their definition, one that is loaded afresh, and the oracle's.
func TestFindingsEqualSweep(t *testing.T) {
	for seed := range uint64(16) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := NewWorldOf(t, FindingsLibrary(t))
			w.bookTogether(seed%2 == 1)
			ed := &findingsEditor{w: w, rnd: rand.New(rand.NewPCG(seed, 11)), machines: map[string]bool{}, checks: map[string]Checks{}, holes: map[string][]string{}, rules: map[string]modelRule{}}
			for range 12 {
				for range 1 + ed.rnd.IntN(5) {
					ed.some()
				}
				v := w.Step()
				if diff := recounted(v); diff != nil {
					t.Fatalf("aggregates differ from rows:\n%s", diff)
				}
				w.sweep()
				if diff := cmp.Diff(ed.model(), ed.observed(v)); diff != "" {
					t.Fatalf("verdicts differ from the rules' definition (-want +got):\n%s", diff)
				}
				w.Clock.Pass(time.Duration(ed.rnd.IntN(120)) * time.Minute)
			}
			running := append(Dump(w.Step()), dumpFindings(w)...)
			for _, slow := range []bool{false, true} {
				w.slow = slow
				w.restart()
				if diff := cmp.Diff(running, append(Dump(w.Judge.Estate("").View()), dumpFindings(w)...)); diff != "" {
					t.Errorf("a restart (oracle: %v) sees something else (-running +restarted):\n%s", slow, diff)
				}
			}
		})
	}
}

// dumpFindings is reasons and findings of a view in words.
func dumpFindings(w *world) []string {
	v := w.Estate().View()
	all := w.Estate().names.Findings.List()
	var out []string
	v.Rows.Each(func(_ uint32, r *record.Row) bool {
		for _, c := range r.Statuses {
			if c.State != record.Healthy { // the oracle says in other words what is unknown
				continue
			}
			out = append(out, fmt.Sprintf("%s %s because %q", r.ID, v.RecommendationID(c.Slot), v.Names().Reasons.Name(c.Reason)))
		}
		for _, n := range r.FindingsOrNone().Open {
			out = append(out, r.ID+" has "+all[n].ID)
		}
		for _, n := range r.FindingsOrNone().Disabled {
			out = append(out, r.ID+" has disabled "+all[n].ID)
		}
		return true
	})
	slices.Sort(out)
	return out
}

// modelRule is a rule as the model applies it.
type modelRule struct {
	scope      string
	ids, cves  []string
	severities []string
	rec        string
	ends       time.Time
}

// findingsEditor makes random edits straight in the store, and remembers them.
type findingsEditor struct {
	w        *world
	rnd      *rand.Rand
	machines map[string]bool
	checks   map[string]Checks   // by machine's name
	holes    map[string][]string // likewise
	rules    map[string]modelRule
	moved    bool // the subscription is under the management group
	own      bool // the user's own policy is assigned
}

const testManagementGroup = "/providers/Microsoft.Management/managementGroups/top"

func (ed *findingsEditor) some() {
	name := fmt.Sprintf("m%d", ed.rnd.IntN(4))
	machine := ed.w.Machine(name)
	switch ed.rnd.IntN(13) {
	case 12:
		ed.policy()
	case 0, 1, 2:
		ed.checks[name] = Checks{}
		for i := range ed.rnd.IntN(4) {
			ed.checks[name][fmt.Sprintf("c%d", i)] = pick(ed.rnd, "pass", "fail", "fail", "unknown", "notApplicable") + " " + pick(ed.rnd, "high", "medium", "low")
		}
		ed.put(ed.w.Baseline(machine, ed.checks[name]))
	case 3, 4:
		ed.holes[name] = nil
		for i := range ed.rnd.IntN(4) {
			ed.holes[name] = append(ed.holes[name], fmt.Sprintf("CVE-%d %s", i, pick(ed.rnd, "high", "low")))
		}
		ed.put(ed.w.holes(machine, ed.holes[name]...))
	case 5, 6:
		ed.machines[name] = true
		ed.put(machine)
	case 7:
		ed.remove(machine, name)
	case 8:
		ed.move()
	case 9:
		ed.enable()
	default:
		ed.disable(name)
	}
}

func pick(rnd *rand.Rand, of ...string) string { return of[rnd.IntN(len(of))] }

func (ed *findingsEditor) put(doc wire.Document) {
	ed.w.Clock.Pass(time.Second) // an older one of two would be dropped
	doc.ObservedAt = ed.w.Clock.Now()
	if res, err := ed.w.Inv.Put(ed.w.t.Context(), "", []wire.Document{doc}); err != nil || len(res.Rejected) > 0 {
		ed.w.t.Fatal(err, res.Rejected)
	}
}

// remove takes out a machine, or one of its reports.
func (ed *findingsEditor) remove(machine wire.Document, name string) {
	switch ed.rnd.IntN(3) {
	case 0:
		if !ed.machines[name] {
			return
		}
		delete(ed.machines, name) // with everything below it
		delete(ed.checks, name)
		delete(ed.holes, name)
		ed.delete(machine.ID)
	case 1:
		if ed.checks[name] == nil {
			return
		}
		delete(ed.checks, name)
		ed.delete(machine.ID + baselineChild)
	default:
		if _, there := ed.holes[name]; !there {
			return
		}
		delete(ed.holes, name)
		ed.delete(machine.ID + "/providers/" + holesType + "/default")
	}
}

func (ed *findingsEditor) delete(id string) {
	ed.w.Clock.Pass(time.Second)
	if err := ed.w.Inv.Delete(ed.w.t.Context(), "", id, ""); err != nil && !arm.IsNotFound(err) {
		ed.w.t.Fatal(err)
	}
	ed.w.Step() // what comes back before that keeps its first times until a restart
}

// move puts the subscription under a management group, or takes it out.
func (ed *findingsEditor) move() {
	ed.moved = !ed.moved
	properties := map[string]any{}
	if ed.moved {
		properties["managementGroupAncestorsChain"] = []any{map[string]any{"name": "top"}}
	}
	ed.put(wire.Document{ID: TestSub, Type: "Microsoft.Resources/subscriptions", Source: "test",
		Body: mustJSON(ed.w.t, map[string]any{"id": TestSub, "type": "Microsoft.Resources/subscriptions", "properties": properties})})
}

// ownDefinition is a policy of the user's own: no fixable hole of low severity. It
// reads of reports what nothing else does.
const ownDefinition = TestSub + "/providers/Microsoft.Authorization/policyDefinitions/low"

// policy assigns the user's own policy.
func (ed *findingsEditor) policy() {
	const assignment = TestSub + "/providers/Microsoft.Authorization/policyAssignments/low"
	ed.own = true
	ed.w.object("policyDefinition", ownDefinition, map[string]any{"displayName": "low", "mode": "All", "policyRule": map[string]any{
		"if": map[string]any{"field": "type", "equals": machineType},
		"then": map[string]any{"effect": "auditIfNotExists", "details": map[string]any{"type": holesType,
			"existenceCondition": map[string]any{"field": holesType + "/fixable.low", "equals": 0}}},
	}})
	ed.w.object("policyAssignment", assignment, map[string]any{"policyDefinitionId": ownDefinition})
}

func (ed *findingsEditor) disable(name string) {
	r := modelRule{scope: pick(ed.rnd, TestSub, testGroup, testManagementGroup, ed.w.Machine(name).ID, "")}
	conditions, properties := map[string]any{}, map[string]any{}
	if ed.rnd.IntN(2) == 0 {
		r.ids = []string{"c0", "c1"}[:1+ed.rnd.IntN(2)]
		conditions["findingIds"] = r.ids
	} else if ed.rnd.IntN(2) == 0 {
		r.cves = []string{"CVE-0", "CVE-2"}
		conditions["cves"] = r.cves
	}
	if len(conditions) == 0 || ed.rnd.IntN(3) == 0 {
		r.severities = []string{pick(ed.rnd, "high", "medium", "low")}
		conditions["severities"] = r.severities
	}
	if ed.rnd.IntN(3) == 0 {
		r.rec = pick(ed.rnd, HardenedID, holesID)
		properties["recommendationId"] = r.rec
	}
	if ed.rnd.IntN(2) == 0 {
		r.ends = ed.w.Clock.Now().Add(time.Duration(ed.rnd.IntN(300)-30) * time.Minute).Truncate(time.Second)
		properties["expiresOn"] = r.ends.Format(time.RFC3339)
	}
	properties["conditions"] = conditions
	key := fmt.Sprintf("r%d", ed.rnd.IntN(3))
	ed.rules[ruleID(r.scope, key)] = r
	ed.w.Disable(r.scope, key, properties)
}

func (ed *findingsEditor) enable() {
	ids := slices.Sorted(maps.Keys(ed.rules))
	if len(ids) == 0 {
		return
	}
	id := ids[ed.rnd.IntN(len(ids))]
	scope := ed.rules[id].scope
	delete(ed.rules, id)
	ed.w.Enable(scope, id[strings.LastIndexByte(id, '/')+1:])
}

// off says by definition whether a rule disables a finding of a machine.
func (ed *findingsEditor) off(name, id, cve, severity, rec string) bool {
	machine := ed.w.Machine(name).ID
	for _, r := range ed.rules {
		within := r.scope == testManagementGroup && ed.moved || r.scope == "" || r.scope != testManagementGroup && (machine == r.scope || strings.HasPrefix(machine, r.scope+"/"))
		if !within || !r.ends.IsZero() && !ed.w.Clock.Now().Before(r.ends) {
			continue
		}
		if (r.ids == nil || slices.Contains(r.ids, id)) && (r.cves == nil || slices.Contains(r.cves, cve)) &&
			(r.severities == nil || slices.Contains(r.severities, severity)) && (r.rec == "" || r.rec == rec) {
			return true
		}
	}
	return false
}

// model is the state that each machine must have, by definition.
func (ed *findingsEditor) model() map[string]string {
	want := map[string]string{}
	for name := range ed.machines {
		if of := ed.checks[name]; of != nil {
			state := "healthy"
			for id, text := range of {
				is, severity, _ := strings.Cut(text, " ")
				switch {
				case severity == "low" || is == "fail" && ed.off(name, id, "", severity, HardenedID):
				case is == "fail":
					state = "unhealthy"
				case is == "unknown" && state == "healthy":
					state = "unknown"
				}
			}
			want[name+" hardened"] = state
		}
		if found, there := ed.holes[name]; there {
			state := map[string]string{"high": "healthy", "low": "healthy"}
			for _, text := range found {
				cve, severity, _ := strings.Cut(text, " ")
				if !ed.off(name, cve, cve, severity, holesID) {
					state[severity] = "unhealthy"
				}
			}
			want[name+" holes"] = state["high"]
			if ed.own {
				want[name+" own"] = state["low"]
			}
		}
	}
	return want
}

// observed is the same as the index has it.
func (ed *findingsEditor) observed(v *index.View) map[string]string {
	got := map[string]string{}
	for name := range ed.machines {
		id := ed.w.Machine(name).ID
		if ed.checks[name] != nil {
			a, _ := v.Assessment(id, HardenedID)
			got[name+" hardened"] = a.State.String()
		}
		if _, there := ed.holes[name]; there {
			a, _ := v.Assessment(id, holesID)
			got[name+" holes"] = a.State.String()
			if ed.own {
				a, _ := v.Assessment(id, catalog.RecommendationID(ownDefinition))
				got[name+" own"] = a.State.String()
			}
		}
	}
	return got
}
