package judge

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/finding"
)

// TestTurnEqualsSweep edits a few policies at random, several at a time: the same
// definition assigned at several scopes, assignments that are deleted and made again,
// exemptions that end meanwhile, resources that change or grow old in the same
// batch. After each the estate must be as a sweep finds it.
func TestTurnEqualsSweep(t *testing.T) {
	for seed := range uint64(40) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := NewWorldOf(t, FindingsLibrary(t))
			w.bookTogether(true)
			ed := &policyEditor{editor{w: w, rnd: rand.New(rand.NewPCG(seed, 21)), docs: map[string]wire.Document{}}}
			for range 8 {
				ed.put()
			}
			for range 20 {
				ed.definition()
				for range ed.rnd.IntN(5) {
					ed.some()
				}
				v := w.Step()
				if diff := recounted(v); diff != nil {
					t.Fatalf("aggregates differ from rows:\n%s", diff)
				}
				w.sweep()
				w.Clock.Pass(time.Duration(ed.rnd.IntN(5)) * []time.Duration{time.Second, time.Minute, time.Hour, 9 * time.Hour}[ed.rnd.IntN(4)])
			}
			if len(w.Estate().Problems()) > 0 {
				t.Error(w.Estate().Problems())
			}
		})
	}
}

// policyEditor makes random edits of own policies beside those of an editor.
type policyEditor struct{ editor }

const rootAuthorization = "/providers/Microsoft.Authorization/"

func (ed *policyEditor) some() {
	switch ed.rnd.IntN(9) {
	case 6:
		ed.object(finding.Kind, ruleID(ed.sub(), "r"), map[string]any{
			"displayName": "r", "reason": "because", "expiresOn": ed.w.Clock.Now().Add(time.Duration(1+ed.rnd.IntN(600)) * time.Second),
			"conditions": map[string]any{"cves": []string{"CVE-1"}}})
	case 0, 1:
		ed.assignment()
	case 2:
		ed.waiver()
	case 3:
		ed.definition()
	case 4:
		ed.put()
	default:
		ed.scan()
	}
}

func (ed *policyEditor) definition() {
	condition := []map[string]any{
		{"field": "type", "exists": ed.rnd.IntN(2) == 0},
		{"field": "location", "equals": fmt.Sprintf("l%d", ed.rnd.IntN(2))},
		{"field": "Microsoft.Storage/storageAccounts/minimumTlsVersion", "equals": "TLS1_2"},
		{"allOf": []any{map[string]any{"field": "type", "equals": StorageType}, map[string]any{"field": "tags['owner']", "equals": "o1"}}},
	}[max(0, ed.rnd.IntN(6)-2)]
	ed.object("policyDefinition", fmt.Sprintf("%spolicyDefinitions/d%d", rootAuthorization, ed.rnd.IntN(2)), map[string]any{
		"mode": "All", "policyRule": map[string]any{"if": condition, "then": map[string]any{"effect": "audit"}},
	})
}

// assignment assigns one of two definitions, or takes that back.
func (ed *policyEditor) assignment() {
	n, scope := ed.rnd.IntN(2), []string{"/", ed.sub(), ed.sub() + "/resourceGroups/rg1"}[ed.rnd.IntN(3)]
	id := fmt.Sprintf("%s%spolicyAssignments/a%d", strings.TrimSuffix(scope, "/"), rootAuthorization, ed.rnd.IntN(2))
	if ed.rnd.IntN(3) == 0 {
		ed.w.update(func(ctx context.Context, tx *store.Tx) error {
			if err := tx.DeleteObject(ctx, "", "policyAssignment", id, ""); !arm.IsNotFound(err) {
				return err
			}
			return nil
		})
		return
	}
	definition := fmt.Sprintf("%spolicyDefinitions/d%d", rootAuthorization, n)
	ed.w.update(func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Object(ctx, "", "policyDefinition", definition)
		if arm.IsNotFound(err) {
			return nil
		}
		if err == nil {
			body := mustJSON(ed.w.t, map[string]any{"id": id, "name": id[len(id)-2:], "properties": map[string]any{"policyDefinitionId": definition, "scope": scope}})
			_, err = tx.PutObject(ctx, store.Object{Kind: "policyAssignment", ID: id, Body: body}, "")
		}
		return err
	})
}

// waiver exempts from the assignments at the root, for a while.
func (ed *policyEditor) waiver() {
	ed.object("policyExemption", fmt.Sprintf("%s%spolicyExemptions/x", ed.sub(), rootAuthorization), map[string]any{
		"policyAssignmentId": fmt.Sprintf("%spolicyAssignments/a%d", rootAuthorization, ed.rnd.IntN(2)), "exemptionCategory": "Waiver",
		"expiresOn": ed.w.Clock.Now().Add(time.Duration(ed.rnd.IntN(600)) * time.Second),
	})
}

// scan delivers a report about a machine.
func (ed *policyEditor) scan() {
	ed.w.Clock.Pass(time.Second)
	m := ed.w.Machine(fmt.Sprintf("m%d", ed.rnd.IntN(2)))
	docs := []wire.Document{ed.w.holes(m, []string{"CVE-2 low", "CVE-3 low", "CVE-1 high"}[:ed.rnd.IntN(4)]...)}
	if ed.rnd.IntN(3) == 0 {
		docs = []wire.Document{m}
	}
	if res, err := ed.w.Inv.Put(ed.w.t.Context(), "", docs); err != nil || len(res.Rejected) > 0 {
		ed.w.t.Fatal(err, res.Rejected)
	}
}
