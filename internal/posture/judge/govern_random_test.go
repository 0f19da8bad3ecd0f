package judge

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rampart-sec/rampart/internal/base/access"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/governance"
	"github.com/rampart-sec/rampart/internal/posture/index"
)

// TestGovernanceEqualsFreshLoad makes random edits of rules, assignments,
// principals, tags and documents and lets time pass. The estate that followed
// them must know the same tasks as one that is loaded afresh, and its counts
// must be those of its rows.
func TestGovernanceEqualsFreshLoad(t *testing.T) {
	completed, byHand := 0, 0
	for seed := range uint64(24) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := NewWorld(t)
			w.bookTogether(seed%2 == 1)
			clerk := &clerk{editor{w: w, rnd: rand.New(rand.NewPCG(seed, 11)), docs: map[string]wire.Document{}}}
			for range 20 {
				for range 1 + clerk.rnd.IntN(6) {
					clerk.some()
				}
				v := w.Step()
				if diff := recounted(v); diff != nil {
					t.Fatalf("aggregates differ from rows:\n%s", diff)
				}
				w.Clock.Pass(time.Duration(clerk.rnd.IntN(10)) * time.Hour)
				if clerk.rnd.IntN(3) > 0 {
					continue
				}
				v = w.Step()
				running := dumpTasks(t, v)
				w.sweep()
				for _, l := range v.Workloads(index.Scope{}) {
					completed += l.Completed
					if l.ByHand {
						byHand += l.OnTime + l.Overdue
					}
				}
				w.restart()
				if diff := cmp.Diff(running, dumpTasks(t, w.Judge.Estate("").View())); diff != "" {
					t.Fatalf("a fresh load sees something else (-running +loaded):\n%s", diff)
				}
			}
		})
	}
	if completed == 0 || byHand == 0 {
		t.Errorf("%d completed, %d by hand: the edits test nothing", completed, byHand)
	}
}

// dumpTasks is everything that governance says of a view, in words.
func dumpTasks(t *testing.T, v *index.View) []string {
	t.Helper()
	out := Dump(v)
	for a := range v.EachAssessment() {
		out = append(out, fmt.Sprintf("%s %s: %v %+v gone %v completed %v", a.ResourceID, a.Recommendation.ID, a.Status, a.Assigned, a.Gone, a.Completed))
	}
	for _, scope := range []index.Scope{{}, {ID: "/subscriptions/00000000-1111-1111-1111-111111111111"}, {Tag: "owner", TagValue: "o1"}} {
		sum := index.TaskCounts{}
		for _, l := range v.Workloads(scope) {
			out = append(out, fmt.Sprintf("%v %+v", scope, l))
			sum.Unassigned += l.Unassigned
			sum.OnTime += l.OnTime
			sum.Overdue += l.Overdue
			sum.Completed += l.Completed
		}
		out = append(out, fmt.Sprintf("%v %+v", scope, v.Tasks(scope)))
		if sum != v.Tasks(scope) {
			t.Errorf("%v: the report sums to %+v, the recommendations to %+v", scope, sum, v.Tasks(scope))
		}
	}
	slices.Sort(out)
	return out
}

// clerk is an editor that mostly edits governance.
type clerk struct{ editor }

func (c *clerk) some() {
	switch c.rnd.IntN(16) {
	case 0, 7:
		c.rule()
	case 1, 8:
		c.retire()
	case 2:
		c.assign()
	case 3:
		c.promise()
	case 4:
		c.principal()
	case 5:
		c.container()
	case 6:
		c.editor.exempt()
	default:
		c.editor.put()
	}
}

func (c *clerk) owner() string { return fmt.Sprintf("o%d", c.rnd.IntN(3)) }

func (c *clerk) ruleID() string {
	scope := []string{c.sub(), c.sub() + "/resourceGroups/rg1", ""}[c.rnd.IntN(3)]
	return fmt.Sprintf("%s/providers/Microsoft.Security/governanceRules/g%d", scope, c.rnd.IntN(3))
}

func (c *clerk) rule() {
	source := map[string]any{"type": "ByTag", "value": []string{"owner", "team"}[c.rnd.IntN(2)]}
	if c.rnd.IntN(2) == 0 {
		source = map[string]any{"type": "Manually", "value": c.owner()}
	}
	properties := map[string]any{
		"displayName": "g", "rulePriority": c.rnd.IntN(3), "isGracePeriod": c.rnd.IntN(2) == 0, "isDisabled": c.rnd.IntN(5) == 0,
		"remediationTimeframe": fmt.Sprintf("%d.00:00:00", 1+c.rnd.IntN(14)), "ownerSource": source,
		"conditionSets": []any{map[string]any{"conditions": []any{map[string]any{"property": "$.Metadata.severity", "operator": "In", "value": `["high","medium"]`}}}},
	}
	if c.rnd.IntN(3) == 0 {
		properties["overrideAppliedOn"] = c.w.Clock.Now()
	}
	c.object(governance.RuleKind, c.ruleID(), properties)
}

// retire deletes a rule as the product does: what it had assigned stays.
func (c *clerk) retire() {
	id := c.ruleID()
	c.w.update(func(ctx context.Context, tx *store.Tx) error {
		o, err := tx.Object(ctx, "", governance.RuleKind, id)
		if arm.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		body, err := governance.Retire(o.Body, o.CreatedAt, tx.Now())
		if err != nil {
			return err
		}
		if err := tx.DeleteObject(ctx, "", governance.RuleKind, id, ""); err != nil || c.rnd.IntN(3) == 0 {
			return err
		}
		_, err = tx.PutObject(ctx, store.Object{Kind: governance.RetiredKind, ID: governance.RetiredID(id, tx.Now()), Body: body}, "")
		return err
	})
}

func (c *clerk) recordID() string {
	scope := []string{c.sub(), c.sub() + "/resourceGroups/rg1"}[c.rnd.IntN(2)]
	if c.rnd.IntN(2) == 0 {
		scope = fmt.Sprintf("%s/resourceGroups/rg%d/providers/%s/r%d", c.sub(), c.rnd.IntN(2), StorageType, c.rnd.IntN(12))
	}
	return governance.RecordID(scope, testRecommendations[c.rnd.IntN(3)].id(), fmt.Sprint(c.rnd.IntN(2)))
}

func (c *clerk) assign() {
	id := c.recordID()
	if c.rnd.IntN(4) == 0 {
		c.w.update(func(ctx context.Context, tx *store.Tx) error {
			if err := tx.DeleteObject(ctx, "", governance.AssignmentKind, id, ""); !arm.IsNotFound(err) {
				return err
			}
			return nil
		})
		return
	}
	c.object(governance.AssignmentKind, id, map[string]any{
		"owner": c.owner(), "remediationDueDate": c.w.Clock.Now().Add(time.Duration(1+c.rnd.IntN(300)) * time.Hour), "isGracePeriod": c.rnd.IntN(3) == 0,
		"assignedOn": c.w.Clock.Now(), "assignedBy": "boss",
	})
}

// promise is a record that assigns nothing.
func (c *clerk) promise() {
	c.object(governance.AssignmentKind, c.recordID(), map[string]any{
		"remediationEta": map[string]any{"eta": c.w.Clock.Now().Add(time.Hour), "justification": "parts"}, "etaSetOn": c.w.Clock.Now(), "etaSetBy": "o1",
	})
}

func (c *clerk) principal() {
	name := c.owner()
	if c.rnd.IntN(2) == 0 {
		c.w.update(func(ctx context.Context, tx *store.Tx) error {
			body := mustJSON(c.w.t, access.Departed{ID: "p" + name, Name: name})
			_, err := tx.PutObject(ctx, store.Object{Kind: access.DepartedKind, ID: name, Body: body}, "")
			return err
		})
		return
	}
	c.w.update(func(ctx context.Context, tx *store.Tx) error {
		if err := tx.DeleteObject(ctx, "", access.DepartedKind, name, ""); !arm.IsNotFound(err) {
			return err
		}
		return nil
	})
}

// container tags, or removes, a resource group or a subscription.
func (c *clerk) container() {
	id, typ := c.sub(), "Microsoft.Resources/subscriptions"
	if c.rnd.IntN(2) == 0 {
		id, typ = id+fmt.Sprintf("/resourceGroups/rg%d", c.rnd.IntN(2)), typ+"/resourceGroups"
	}
	tags := map[string]string{}
	if c.rnd.IntN(3) > 0 {
		tags["team"] = c.owner()
	}
	body := mustJSON(c.w.t, map[string]any{"id": id, "type": typ, "tags": tags})
	doc := wire.Document{ID: id, Type: typ, Source: "test", ObservedAt: c.w.Clock.Now(), Body: body}
	if res, err := c.w.Inv.Put(c.w.t.Context(), "", []wire.Document{doc}); err != nil || len(res.Rejected) > 0 {
		c.w.t.Fatal(err, res.Rejected)
	}
}
