package exemption_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/base/access"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/exemption"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

const (
	sub        = "/subscriptions/11111111-1111-1111-1111-111111111111"
	assignment = sub + "/providers/Microsoft.Authorization/policyAssignments/a"
	id         = sub + "/providers/Microsoft.Authorization/policyExemptions/x"
)

// office is a approvals with three people: one who may only ask, two who may approve.
type office struct {
	t             *testing.T
	db            *store.DB
	approvals     *exemption.Approvals
	now           time.Time
	asker, a1, a2 access.Principal
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{t: t, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return o.now }
	var err error
	o.db, err = store.Open(t.Context(), store.Options{URL: "sqlite:" + filepath.Join(t.TempDir(), "x.db"), Now: clock})
	o.must(err)
	t.Cleanup(func() { _ = o.db.Close() })
	o.approvals = &exemption.Approvals{Store: o.db, Now: clock}
	acc := access.New(access.Options{Store: o.db, Now: clock})
	_, err = acc.Bootstrap(t.Context())
	o.must(err)
	o.asker, o.a1, o.a2 = o.person(acc, "asker", "Resource Policy Contributor"), o.person(acc, "a1", "Security Admin"), o.person(acc, "a2", "Owner")
	o.must(o.db.Update(t.Context(), func(tx *store.Tx) error {
		_, err := tx.PutObject(t.Context(), store.Object{Kind: "policyAssignment", ID: assignment, Body: json.RawMessage(`{}`)}, "")
		return err
	}))
	return o
}

func (o *office) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) person(acc *access.Access, name, role string) access.Principal {
	o.t.Helper()
	const password = "correct horse battery staple"
	user, _, err := acc.Create(o.t.Context(), access.Principal{}, access.NewPrincipal{Kind: access.KindUser, Name: name, Password: password})
	o.must(err)
	o.must(acc.Assign(o.t.Context(), access.Principal{}, store.RoleAssignment{Principal: user.ID, Role: role}))
	issued, err := acc.Token(o.t.Context(), access.Grant{Type: access.GrantPassword, Username: name, Password: password})
	o.must(err)
	return issued.Principal
}

func (o *office) put(by access.Principal, own map[string]any, more map[string]any) error {
	properties := map[string]any{"policyAssignmentId": assignment, "exemptionCategory": "Waiver"}
	if own != nil {
		properties["metadata"] = map[string]any{"rampart": own}
	}
	for k, v := range more {
		properties[k] = v
	}
	body, err := json.Marshal(map[string]any{"id": id, "properties": properties})
	o.must(err)
	return o.approvals.Put(o.t.Context(), by, []store.Object{{Kind: exemption.Kind, ID: id, Body: body}})
}

func (o *office) decide(by access.Principal, verb exemption.Verb) error {
	_, err := o.approvals.Decide(o.t.Context(), by, exemption.Decision{Verb: verb, ID: id})
	return err
}

// record is what is stored; ok is false if there is no exemption.
func (o *office) record() (r exemption.Record, ok bool) {
	o.t.Helper()
	err := o.db.View(o.t.Context(), func(tx *store.Tx) error {
		stored, err := tx.Object(o.t.Context(), "", exemption.Kind, id)
		if err != nil {
			return err
		}
		var body struct{ Properties map[string]any }
		r, ok = exemption.Record{}, true
		err = json.Unmarshal(stored.Body, &body)
		r = exemption.ReadRecord(body.Properties)
		return err
	})
	var known *arm.Error
	if err != nil && !(errors.As(err, &known) && known.Status == 404) {
		o.t.Fatal(err)
	}
	return r, ok
}

// TestNobodyApprovesWithoutTheRight makes random writes and decisions under
// random rules. Whatever is sent, an exemption is only ever approved in the name
// of somebody who may, by what that somebody just did, and with four eyes never
// in the name of who asked.
func TestNobodyApprovesWithoutTheRight(t *testing.T) {
	for seed := range uint64(20) {
		o := newOffice(t)
		rnd := rand.New(rand.NewPCG(seed, 3))
		people := []access.Principal{o.asker, o.a1, o.a2}
		rules := exemption.Rules{}
		for step := range 120 {
			o.now = o.now.Add(time.Minute)
			by := people[rnd.IntN(3)]
			before, existed := o.record()
			what := ""
			var err error
			switch rnd.IntN(5) {
			case 0:
				rules = exemption.Rules{ApprovalRequired: rnd.IntN(2) == 0, FourEyes: rnd.IntN(2) == 0}
				o.must(o.approvals.SetRules(t.Context(), o.a2, "", rules))
				continue
			case 1, 2:
				what = "put"
				err = o.put(by, forged(rnd, by), map[string]any{"exemptionCategory": []string{"Waiver", "Mitigated"}[rnd.IntN(2)]})
			default:
				verb := []exemption.Verb{exemption.Approve, exemption.Reject, exemption.Renew}[rnd.IntN(3)]
				what, err = string(verb), o.decide(by, verb)
			}
			after, _ := o.record()
			where := fmt.Sprintf("seed %d, step %d: %s by %s under %+v: %+v to %+v (%v)", seed, step, what, by.Name, rules, before, after, err)
			if err != nil && before != after {
				t.Fatalf("a refused step changed something\n%s", where)
			}
			if after.State == policy.ExemptionApproved && after.ApprovedAt != before.ApprovedAt {
				if by.Name == "asker" || after.ApprovedBy != by.Name || !after.ApprovedAt.Equal(o.now) {
					t.Fatalf("approved by the wrong one\n%s", where)
				}
				if rules.FourEyes && after.RequestedByID == by.ID {
					t.Fatalf("approved by who asked\n%s", where)
				}
			}
			if by.Name == "asker" && rules.ApprovalRequired && !existed && err == nil && after.State != policy.ExemptionRequested {
				t.Fatalf("in force without approval\n%s", where)
			}
			if by.Name == "asker" && after.State == "" && before.State != "" {
				t.Fatalf("approval was shaken off\n%s", where)
			}
			if err == nil && what == "put" && after.RequestedByID != before.RequestedByID && after.RequestedByID != by.ID && after.RequestedByID != "" {
				t.Fatalf("asked in another's name\n%s", where)
			}
		}
	}
}

// forged is a record that claims what only the server may say.
func forged(rnd *rand.Rand, by access.Principal) map[string]any {
	if rnd.IntN(4) == 0 {
		return nil
	}
	own := map[string]any{"reopenOnChange": rnd.IntN(2) == 0, "approvedBy": "the boss", "approvedAt": "2026-01-01T00:00:00Z",
		"requestedBy": "somebody", "requestedById": "somebody", "basedAt": "never"}
	if rnd.IntN(2) == 0 {
		own["state"] = []string{"requested", "approved", "rejected"}[rnd.IntN(3)]
	}
	return own
}

func TestApprovalNeedsWhatIsThere(t *testing.T) {
	o := newOffice(t)
	o.must(o.put(o.asker, map[string]any{"state": "requested", "reopenOnChange": true}, map[string]any{"expiresOn": o.now.Add(time.Hour)}))
	o.now = o.now.Add(2 * time.Hour)
	wantCode(t, o.decide(o.a1, exemption.Approve), "InvalidRequestContent") // it has ended meanwhile
	o.must(o.put(o.asker, map[string]any{"reopenOnChange": true}, nil))
	o.must(o.decide(o.a1, exemption.Approve))
	first, _ := o.record()
	o.now = o.now.Add(time.Hour)
	o.must(o.decide(o.a1, exemption.Renew))
	if again, _ := o.record(); again.BasedAt == first.BasedAt || again.State != policy.ExemptionApproved {
		t.Errorf("renewed: %+v", again)
	}
	o.must(o.decide(o.asker, exemption.Renew)) // who may not approve can only ask for it
	if again, _ := o.record(); again.State != policy.ExemptionRequested {
		t.Errorf("renewed by who may not approve: %+v", again)
	}
	o.must(o.db.Update(t.Context(), func(tx *store.Tx) error {
		return tx.DeleteObject(t.Context(), "", "policyAssignment", assignment, "")
	}))
	wantCode(t, o.decide(o.a1, exemption.Approve), "PolicyAssignmentNotFound")
	wantCode(t, o.put(o.a1, nil, nil), "PolicyAssignmentNotFound")
	wantCode(t, o.decide(access.Principal{}, exemption.Approve), "AuthorizationFailed")
	wantCode(t, o.approvals.SetRules(context.WithoutCancel(t.Context()), o.a1, "", exemption.Rules{}), "AuthorizationFailed")
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	var known *arm.Error
	if !errors.As(err, &known) || known.Code != code {
		t.Errorf("got %v, want %s", err, code)
	}
}
