package ownership

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/rampart-sec/rampart/internal/base/access"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/governance"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// maxRules bounds the rules of a tenant, maxRetired what is kept of deleted
// ones: each is asked about every task. The oldest deleted one goes first.
const (
	maxRules   = 500
	maxRetired = 500
)

// CheckRule refuses a rule that cannot be read, or that another of its scope and
// priority leaves undecided, in the transaction of its write.
func (o *Owners) CheckRule(ctx context.Context, tx *store.Tx, tenant, id string, body []byte) error {
	rule, err := governance.ParseRule(id, body)
	if err != nil {
		return err
	}
	all, err := tx.Objects(ctx, store.ObjectQuery{Tenant: tenant, Kind: governance.RuleKind})
	if err != nil {
		return err
	}
	known := slices.ContainsFunc(all, func(o store.Object) bool { return arm.Fold(o.ID) == arm.Fold(id) })
	if len(all) >= maxRules && !known {
		return arm.Invalid("There are %d governance rules; that is the most there can be.", len(all))
	}
	view, err := o.view(tenant)
	if err != nil {
		return err
	}
	for i := range all {
		other, err := governance.ParseRule(all[i].ID, all[i].Body)
		if err != nil || arm.Fold(all[i].ID) == arm.Fold(id) {
			continue
		}
		if clash := clash(view, rule, other); clash != nil {
			return &arm.Error{Status: http.StatusConflict, Code: "GovernanceRuleConflict", Target: all[i].ID,
				Message: fmt.Sprintf("The rule %q has the priority %d in this scope too, and both select %q; give one of them another priority.", other.Name, other.Priority, clash.Title)}
		}
	}
	return nil
}

// clash is a recommendation for which it is not said which of two rules wins.
func clash(view *index.View, a, b *governance.Rule) *record.Recommendation {
	for _, r := range view.AllRecommendations() {
		if a.Clashes(b, r.ID, r.Severity) {
			return r
		}
	}
	return nil
}

// PutRule writes a rule with some properties. match is an ETag, or "" to write
// in any case.
func (o *Owners) PutRule(ctx context.Context, by access.Principal, tenant, id string, properties map[string]any, match string) error {
	name := id[len(scopeOfRule(id))+len(rulesSegment):]
	body, err := json.Marshal(map[string]any{"id": id, "name": name, "type": "Microsoft.Security/governanceRules", "properties": properties})
	if err != nil {
		return fmt.Errorf("encode %s: %w", id, err)
	}
	if err := by.Allow(WriteRules, scopeOfRule(id)); err != nil {
		return err
	}
	return o.store.Update(ctx, func(tx *store.Tx) error {
		if err := o.CheckRule(ctx, tx, tenant, id, body); err != nil {
			return err
		}
		if _, err := tx.PutObject(ctx, store.Object{Tenant: tenant, Kind: governance.RuleKind, ID: id, Body: body, UpdatedBy: by.Name}, match); err != nil {
			return err
		}
		return tx.AppendAudit(ctx, store.AuditRow{Tenant: tenant, Actor: by.Name, Action: WriteRules, Target: id, Outcome: "ok", Detail: body})
	})
}

const rulesSegment = "/providers/Microsoft.Security/governanceRules/"

// scopeOfRule is what a rule's id hangs on; "" is the tenant.
func scopeOfRule(id string) string {
	parsed, err := arm.ParseID(id)
	if err != nil {
		return ""
	}
	return parsed.ScopeID()
}

// Override tells a rule to replace what was assigned before now in what it
// selects, by people and by other rules. Otherwise a rule fills what nobody has.
func (o *Owners) Override(ctx context.Context, by access.Principal, tenant, id string) error {
	return o.store.Update(ctx, func(tx *store.Tx) error {
		rule, err := tx.Object(ctx, tenant, governance.RuleKind, id)
		if err != nil {
			return err
		}
		if err := by.Allow(WriteRules, scopeOfRule(rule.ID)); err != nil {
			return err
		}
		match := rule.ETag
		if rule.Body, err = governance.Override(rule.Body, o.now()); err != nil {
			return err
		}
		rule.UpdatedBy = by.Name
		if _, err := tx.PutObject(ctx, *rule, match); err != nil {
			return err
		}
		return tx.AppendAudit(ctx, store.AuditRow{Tenant: tenant, Actor: by.Name, Action: WriteRules, Target: id, Outcome: "override"})
	})
}

// DeleteRule deletes a rule. What it had assigned stays.
func (o *Owners) DeleteRule(ctx context.Context, by access.Principal, tenant, id string) error {
	if err := by.Allow(DeleteRules, scopeOfRule(id)); err != nil {
		return err
	}
	return o.store.Update(ctx, func(tx *store.Tx) error {
		if err := o.Retire(ctx, tx, tenant, id); err != nil {
			return err
		}
		if err := tx.DeleteObject(ctx, tenant, governance.RuleKind, id, ""); err != nil {
			return err
		}
		return tx.AppendAudit(ctx, store.AuditRow{Tenant: tenant, Actor: by.Name, Action: DeleteRules, Target: id, Outcome: "ok"})
	})
}

// Retire keeps what a rule had assigned, in the transaction that deletes it.
func (o *Owners) Retire(ctx context.Context, tx *store.Tx, tenant, id string) error {
	rule, err := tx.Object(ctx, tenant, governance.RuleKind, id)
	if err != nil {
		return err
	}
	parsed, err := governance.ParseRule(rule.ID, rule.Body)
	if err != nil || parsed.Disabled {
		return nil // it assigned nothing
	}
	at := o.now()
	body, err := governance.Retire(rule.Body, rule.CreatedAt, at)
	if err != nil {
		return err
	}
	kept := store.Object{Tenant: tenant, Kind: governance.RetiredKind, ID: governance.RetiredID(rule.ID, at), Body: body, UpdatedBy: rule.UpdatedBy}
	if _, err := tx.PutObject(ctx, kept, ""); err != nil {
		return err
	}
	return o.forgetOldest(ctx, tx, tenant)
}

func (o *Owners) forgetOldest(ctx context.Context, tx *store.Tx, tenant string) error {
	all, err := tx.Objects(ctx, store.ObjectQuery{Tenant: tenant, Kind: governance.RetiredKind})
	if err != nil || len(all) <= maxRetired {
		return err
	}
	oldest := &all[0]
	for i := range all {
		if all[i].CreatedAt.Before(oldest.CreatedAt) {
			oldest = &all[i]
		}
	}
	return tx.DeleteObject(ctx, tenant, governance.RetiredKind, oldest.ID, "")
}
