package exemption

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/base/access"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// Kind is the kind of store objects that hold exemptions.
const Kind = "policyExemption"

// Approvals is where people hand in exemptions and decide on them. Every write has
// its audit row in the same transaction.
type Approvals struct {
	Store *store.DB
	Now   func() time.Time
}

// Rules reads a tenant's rules.
func (d *Approvals) Rules(ctx context.Context, tenant string) (rules Rules, err error) {
	err = d.Store.View(ctx, func(tx *store.Tx) error {
		rules, err = ReadRules(ctx, tx, tenant)
		return err
	})
	return rules, err
}

// SetRules replaces a tenant's rules; the principal must be allowed to.
func (d *Approvals) SetRules(ctx context.Context, by access.Principal, tenant string, rules Rules) error {
	if err := by.Allow(ActionRules, "/"); err != nil {
		return err
	}
	detail, err := json.Marshal(rules)
	if err != nil {
		return fmt.Errorf("encode exemption rules: %w", err)
	}
	return d.Store.Update(ctx, func(tx *store.Tx) error {
		if err := PutRules(ctx, tx, tenant, rules); err != nil {
			return err
		}
		return tx.AppendAudit(ctx, store.AuditRow{Tenant: tenant, Actor: by.Name, Action: ActionRules, Target: "/", Outcome: "ok", Detail: detail})
	})
}

// body is an exemption's ARM JSON, to be changed in place.
type body map[string]any

func readBody(raw json.RawMessage) (body, error) {
	b := body{}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&b); err != nil {
		return nil, fmt.Errorf("decode exemption: %w", err)
	}
	return b, nil
}

func (b body) properties() map[string]any {
	p, _ := b["properties"].(map[string]any)
	if p == nil {
		p = map[string]any{}
		b["properties"] = p
	}
	return p
}

// Put hands in several exemptions, all or none. The principal must be allowed
// to write each; the assignments must exist.
func (d *Approvals) Put(ctx context.Context, by access.Principal, all []store.Object) error {
	for _, o := range all {
		if err := by.Allow(ActionWrite, scopeOf(o.ID)); err != nil {
			return err
		}
	}
	return d.Store.Update(ctx, func(tx *store.Tx) error {
		for _, o := range all {
			if err := d.put(ctx, tx, by, o); err != nil {
				return err
			}
		}
		return nil
	})
}

func (d *Approvals) put(ctx context.Context, tx *store.Tx, by access.Principal, o store.Object) error {
	after, err := readBody(o.Body)
	if err != nil {
		return err
	}
	x, err := policy.ParseExemption(o.Body)
	if err != nil {
		return err
	}
	if err := assignmentExists(ctx, tx, o.Tenant, x); err != nil {
		return err
	}
	rules, err := ReadRules(ctx, tx, o.Tenant)
	if err != nil {
		return err
	}
	w := Write{By: by, Scope: scopeOf(o.ID), Rules: rules, At: d.Now(), After: after.properties()}
	before, err := tx.Object(ctx, o.Tenant, Kind, o.ID)
	switch {
	case err == nil:
		b, err := readBody(before.Body)
		if err != nil {
			return err
		}
		w.Before = b.properties()
	case !arm.IsNotFound(err):
		return err
	}
	if err := w.Settle(); err != nil {
		return err
	}
	return write(ctx, tx, by, o, after, ActionWrite, "")
}

// Verb is what is decided on an exemption.
type Verb string

// The verbs. Renew takes the resources as they are now for the base of an
// exemption that ends on change.
const (
	Approve Verb = "approve"
	Reject  Verb = "reject"
	Renew   Verb = "renew"
)

// Action is what the principal's roles must allow for a verb, "" if there is no
// such verb.
func (v Verb) Action() string {
	switch v {
	case Approve:
		return ActionApprove
	case Reject:
		return ActionReject
	case Renew:
		return ActionWrite
	}
	return ""
}

// Decision is one decision on one exemption.
type Decision struct {
	Verb    Verb
	Tenant  string
	ID      string // ARM id of the exemption
	IfMatch string // its ETag as the principal saw it; "" decides in any case
}

// Decide carries out a decision and returns the exemption as it is then. What
// forbids it is an *arm.Error.
func (d *Approvals) Decide(ctx context.Context, by access.Principal, dec Decision) (*store.Object, error) {
	if dec.Verb.Action() == "" {
		return nil, arm.Invalid("There is no decision %q on an exemption.", string(dec.Verb))
	}
	if err := by.Allow(dec.Verb.Action(), scopeOf(dec.ID)); err != nil {
		return nil, err
	}
	var out *store.Object
	err := d.Store.Update(ctx, func(tx *store.Tx) error {
		o, err := tx.Object(ctx, dec.Tenant, Kind, dec.ID)
		if err != nil {
			return err
		}
		if dec.IfMatch != "" && dec.IfMatch != "*" && dec.IfMatch != o.ETag {
			return arm.Conflict(o.ID)
		}
		after, err := readBody(o.Body)
		if err != nil {
			return err
		}
		if err := d.apply(ctx, tx, by, dec, o, after.properties()); err != nil {
			return err
		}
		if err := write(ctx, tx, by, *o, after, string(dec.Verb), o.ETag); err != nil {
			return err
		}
		out, err = tx.Object(ctx, dec.Tenant, Kind, dec.ID)
		return err
	})
	return out, err
}

// apply changes the properties as a decision says.
func (d *Approvals) apply(ctx context.Context, tx *store.Tx, by access.Principal, dec Decision, o *store.Object, properties map[string]any) error {
	rules, err := ReadRules(ctx, tx, dec.Tenant)
	if err != nil {
		return err
	}
	x, err := policy.ParseExemption(o.Body)
	if err != nil {
		return err
	}
	own, record := block(properties), ReadRecord(properties)
	if dec.Verb == Renew {
		return d.renew(by, o, rules, x, properties)
	}
	switch {
	case record.State == policy.ExemptionApproved:
		return conflict("ExemptionAlreadyApproved", o.ID, "It was approved by %s already.", record.ApprovedBy)
	case record.State == policy.ExemptionRejected:
		return conflict("ExemptionRejected", o.ID, "It was rejected by %s; it has to be requested again.", record.RejectedBy)
	case !record.Waiting():
		return conflict("ExemptionNotRequested", o.ID, "Nobody has asked for its approval; it is in force.")
	}
	if dec.Verb == Reject {
		own["state"] = policy.ExemptionRejected
		own["rejectedBy"], own["rejectedAt"] = by.Name, d.Now().UTC().Format(time.RFC3339)
		return nil
	}
	if rules.FourEyes && record.RequestedByID == by.ID {
		return &arm.Error{Status: http.StatusForbidden, Code: "ApproverIsRequester", Target: o.ID,
			Message: "You asked for it yourself; somebody else has to approve it."}
	}
	if err := d.inForce(ctx, tx, dec.Tenant, x); err != nil {
		return err
	}
	approve(own, by, d.Now())
	// What it exempts is what the resources are now.
	own["basedAt"] = d.Now().UTC().Format(time.RFC3339Nano)
	return nil
}

// inForce refuses what would exempt nothing if it were approved.
func (d *Approvals) inForce(ctx context.Context, tx *store.Tx, tenant string, x *policy.Exemption) error {
	if x.Expired(d.Now()) {
		return arm.Invalid("It ended on %s; it would exempt nothing.", x.ExpiresOn.Format(time.DateOnly))
	}
	return assignmentExists(ctx, tx, tenant, x)
}

// renew begins the life of the same terms anew.
func (d *Approvals) renew(by access.Principal, o *store.Object, rules Rules, x *policy.Exemption, properties map[string]any) error {
	switch {
	case x.Waiting:
		return conflict("ExemptionNotInForce", o.ID, "It is not in force, so there is nothing to renew.")
	case x.Expired(d.Now()):
		return arm.Invalid("It ended on %s; give it another end to renew it.", x.ExpiresOn.Format(time.DateOnly))
	case !x.ReopenOnChange:
		return conflict("ExemptionDoesNotReopen", o.ID, "It does not end on change, so there is nothing to renew.")
	}
	own := block(properties)
	Write{By: by, Scope: scopeOf(o.ID), Rules: rules, At: d.Now()}.enter(own, false)
	return nil
}

// write stores an exemption with its audit row.
func write(ctx context.Context, tx *store.Tx, by access.Principal, o store.Object, after body, action, match string) error {
	var err error
	if o.Body, err = json.Marshal(after); err != nil {
		return fmt.Errorf("encode %s: %w", o.ID, err)
	}
	o.UpdatedBy = by.Name
	if _, err := tx.PutObject(ctx, o, match); err != nil {
		return err
	}
	if verb := Verb(action); verb.Action() != "" {
		action = strings.TrimSuffix(ActionWrite, "write") + string(verb) + "/action"
	}
	detail, err := json.Marshal(after.properties())
	if err != nil {
		return fmt.Errorf("encode audit row: %w", err)
	}
	return tx.AppendAudit(ctx, store.AuditRow{Tenant: o.Tenant, Actor: by.Name, Action: action, Target: o.ID, Outcome: "ok", Detail: detail})
}

func assignmentExists(ctx context.Context, tx *store.Tx, tenant string, x *policy.Exemption) error {
	_, err := tx.Object(ctx, tenant, "policyAssignment", x.AssignmentID)
	if arm.IsNotFound(err) {
		e := arm.Invalid("There is no assignment %s any more.", x.AssignmentID)
		e.Code, e.Target = "PolicyAssignmentNotFound", "properties.policyAssignmentId"
		return e
	}
	return err
}

func conflict(code, target, format string, args ...any) error {
	return &arm.Error{Status: http.StatusConflict, Code: code, Target: target, Message: fmt.Sprintf(format, args...)}
}

// scopeOf is the id of what an exemption exempts.
func scopeOf(id string) string {
	i := strings.LastIndex(arm.Fold(id), "/providers/microsoft.authorization/policyexemptions/")
	if i <= 0 {
		return "/"
	}
	return id[:i]
}
