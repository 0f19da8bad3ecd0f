package ownership_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/base/access"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/face/api/apitest"
	"github.com/rampart-sec/rampart/internal/posture/governance"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/ownership"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// fixture is Owners over a real estate with people in it.
type fixture struct {
	*ownership.Owners
	t     *testing.T
	s     *apitest.Server
	admin access.Principal // may do everything
	ana   access.Principal // reads
	open  string           // a recommendation that the storage account fails
	good  string           // one that it meets
}

func newFixture(t *testing.T) *fixture {
	s := apitest.New(t)
	s.Estate()
	f := &fixture{Owners: ownership.New(s.DB, s.Judge, s.Now), t: t, s: s}
	f.admin = f.principal(s.Token)
	client, secret := f.person("ana@example.org")
	f.ana = f.principal(s.SignIn(client, secret))
	page, err := s.Judge.Estate("").View().Assessments(index.AssessmentQuery{Scope: index.Scope{ID: s.Storage()}})
	f.must(err)
	for i := range page.Rows {
		switch row := &page.Rows[i]; row.State {
		case record.Unhealthy:
			f.open = row.Recommendation.ID
		case record.Healthy:
			f.good = row.Recommendation.ID
		}
	}
	if f.open == "" || f.good == "" {
		t.Fatal("the estate has not one of each")
	}
	return f
}

func (f *fixture) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// principal is who a token belongs to.
func (f *fixture) principal(token string) access.Principal {
	f.t.Helper()
	r, err := http.NewRequest(http.MethodGet, f.s.URL, nil)
	f.must(err)
	r.Header.Set("Authorization", "Bearer "+token)
	p, err := f.s.Access.Authenticate(f.t.Context(), r)
	f.must(err)
	return p
}

// person is a new reader of the first subscription.
func (f *fixture) person(name string) (client, secret string) {
	made, secret, err := f.s.Access.Create(f.t.Context(), f.admin, access.NewPrincipal{Kind: access.KindService, Name: name})
	f.must(err)
	f.must(f.s.Access.Assign(f.t.Context(), f.admin, store.RoleAssignment{ID: "r-" + name, Principal: made.ID, Role: "Reader", Scope: f.s.Sub()}))
	return made.ID, secret
}

func (f *fixture) place() ownership.Place {
	return ownership.Place{Scope: f.s.Storage(), Recommendation: f.open, Key: "by-hand"}
}

// wish gives the open task to Ana for a week.
func (f *fixture) wish() ownership.Wish {
	return ownership.Wish{Place: f.place(), Owner: "ana@example.org", Due: f.s.Now().Add(7 * 24 * time.Hour)}
}

// seen waits until the estate tells who owns the open task.
func (f *fixture) seen(owner string) {
	f.t.Helper()
	apitest.Eventually(f.t, "the owner is "+owner, func() bool {
		a, _ := f.s.Judge.Estate("").View().Assessment(f.s.Storage(), f.open)
		return a.Assigned.Owner == owner
	})
}

// audits counts the rows of the audit trail.
func (f *fixture) audits() int {
	f.t.Helper()
	n := 0
	f.must(f.s.DB.View(f.t.Context(), func(tx *store.Tx) error {
		rows, err := tx.AuditRows(f.t.Context(), store.AuditQuery{Limit: 1000})
		n = len(rows)
		return err
	}))
	return n
}

func wantCode(t *testing.T, err error, status int, code string) {
	t.Helper()
	var e *arm.Error
	if !errors.As(err, &e) || e.Status != status || e.Code != code {
		t.Errorf("error %v, want %d %s", err, status, code)
	}
}

func TestPutRefuses(t *testing.T) {
	f := newFixture(t)
	first, created, err := f.Put(t.Context(), f.admin, f.wish())
	if err != nil || !created || first.Owner != "ana@example.org" || first.ETag == "" {
		t.Fatalf("%+v, %v, %v", first, created, err)
	}
	f.seen("ana@example.org")
	audits := f.audits()
	const invalid = "InvalidRequestContent"
	tests := map[string]struct {
		by     *access.Principal
		change func(*ownership.Wish)
		status int
		code   string
	}{
		"no_key":          {change: func(w *ownership.Wish) { w.Key = "" }, status: 400, code: invalid},
		"slash_in_key":    {change: func(w *ownership.Wish) { w.Key = "a/b" }, status: 400, code: invalid},
		"long_key":        {change: func(w *ownership.Wish) { w.Key = strings.Repeat("x", 261) }, status: 400, code: invalid},
		"no_such_advice":  {change: func(w *ownership.Wish) { w.Recommendation = "none" }, status: 404, code: "ResourceNotFound"},
		"no_such_place":   {change: func(w *ownership.Wish) { w.Scope = f.s.Sub() + "/resourceGroups/none" }, status: 404, code: "ResourceNotFound"},
		"not_assessed":    {change: func(w *ownership.Wish) { w.Scope = f.s.Vault() }, status: 404, code: "ResourceNotFound"},
		"healthy":         {change: func(w *ownership.Wish) { w.Recommendation = f.good }, status: 409, code: "NothingToAssign"},
		"no_owner":        {change: func(w *ownership.Wish) { w.Owner = " " }, status: 400, code: invalid},
		"control_owner":   {change: func(w *ownership.Wish) { w.Owner = "a\nb" }, status: 400, code: invalid},
		"past_due":        {change: func(w *ownership.Wish) { w.Due = f.s.Now().Add(-time.Hour) }, status: 400, code: invalid},
		"far_due":         {change: func(w *ownership.Wish) { w.Due = f.s.Now().AddDate(11, 0, 0) }, status: 400, code: invalid},
		"past_promise":    {change: func(w *ownership.Wish) { w.ETA, w.Justification = f.s.Now().Add(-time.Hour), "x" }, status: 400, code: invalid},
		"bare_promise":    {change: func(w *ownership.Wish) { w.ETA = f.s.Now().Add(time.Hour) }, status: 400, code: invalid},
		"other_etag":      {change: func(w *ownership.Wish) { w.ETag = "other" }, status: 412, code: "PreconditionFailed"},
		"exists":          {change: func(w *ownership.Wish) { w.None = true }, status: 412, code: "PreconditionFailed"},
		"reader_assigns":  {by: &f.ana, change: func(w *ownership.Wish) { w.Owner = "bo@example.org" }, status: 403, code: "AuthorizationFailed"},
		"owner_postpones": {by: &f.ana, change: func(w *ownership.Wish) { w.Due = w.Due.Add(24 * time.Hour) }, status: 403, code: "AuthorizationFailed"},
		"nobody":          {by: &access.Principal{}, status: 403, code: "AuthorizationFailed"},
		"other_tenant":    {change: func(w *ownership.Wish) { w.Tenant = "none" }, status: 503, code: "ServerNotReady"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := f.wish()
			w.Due = first.Due
			by := f.admin
			if tt.by != nil {
				by = *tt.by
			}
			if tt.change != nil {
				tt.change(&w)
			}
			_, _, err := f.Put(t.Context(), by, w)
			wantCode(t, err, tt.status, tt.code)
		})
	}
	after, err := f.Get(t.Context(), f.place())
	if err != nil || after.ETag != first.ETag || f.audits() != audits {
		t.Errorf("what was refused left something: %+v, %v, %d audit rows more", after, err, f.audits()-audits)
	}
}

// TestPromise: who owns a task may say when, and take it back, with no other right.
func TestPromise(t *testing.T) {
	f := newFixture(t)
	first, _, err := f.Put(t.Context(), f.admin, f.wish())
	f.must(err)
	f.seen("ana@example.org")
	w := f.wish()
	w.Due, w.ETA, w.Justification = first.Due, first.Due.Add(48*time.Hour), " the vendor ships then "
	promised, created, err := f.Put(t.Context(), f.ana, w)
	if err != nil || created || promised.Justification != "the vendor ships then" || promised.PromisedBy != "ana@example.org" ||
		!promised.ETA.Equal(w.ETA) || promised.By != f.admin.Name || promised.Owner != first.Owner {
		t.Fatalf("%+v, %v, %v", promised, created, err)
	}
	client, secret := f.person("bo@example.org")
	bo := f.principal(f.s.SignIn(client, secret))
	w.Justification = "no, later"
	_, _, err = f.Put(t.Context(), bo, w)
	wantCode(t, err, 403, "AuthorizationFailed")
	w.Notify = json.RawMessage(`{"isManagerEmailNotificationDisabled":true}`)
	_, _, err = f.Put(t.Context(), f.ana, w) // more than the promise
	wantCode(t, err, 403, "AuthorizationFailed")
	w = f.wish()
	w.Due = first.Due
	back, _, err := f.Put(t.Context(), f.ana, w)
	if err != nil || !back.ETA.IsZero() || back.Justification != "" || !back.Due.Equal(first.Due) {
		t.Errorf("taken back: %+v, %v", back, err)
	}
}

// TestPutReplacesAndRemoves: one assignment a scope, whatever its key; taking it
// away twice is no error, and one from elsewhere is not this place's to remove.
func TestPutReplacesAndRemoves(t *testing.T) {
	f := newFixture(t)
	_, _, err := f.Put(t.Context(), f.admin, f.wish())
	f.must(err)
	w := f.wish()
	w.Key, w.Owner = "other", "bo@example.org"
	second, created, err := f.Put(t.Context(), f.admin, w)
	if err != nil || !created || second.Owner != "bo@example.org" {
		t.Fatalf("%+v, %v, %v", second, created, err)
	}
	if _, err := f.Get(t.Context(), f.place()); !arm.IsNotFound(err) {
		t.Errorf("the first is still there: %v", err)
	}
	f.seen("bo@example.org")
	upper := w.Place
	upper.Key, upper.Scope = "OTHER", strings.ToUpper(upper.Scope)
	if got, err := f.Get(t.Context(), upper); err != nil || got.ETag != second.ETag || got.UpdatedBy != f.admin.Name {
		t.Errorf("in another case: %+v, %v", got, err)
	}
	wantCode(t, f.Remove(t.Context(), f.ana, w.Place, ownership.Match{}), 403, "AuthorizationFailed")
	wantCode(t, f.Remove(t.Context(), f.admin, w.Place, ownership.Match{ETag: "stale"}), 412, "PreconditionFailed")
	for range 2 {
		f.must(f.Remove(t.Context(), f.admin, w.Place, ownership.Match{}))
	}
	f.seen("")
	// Of the subscription, it reaches the account and is not the account's.
	w.Scope, w.Key = f.s.Sub(), "wide"
	_, _, err = f.Put(t.Context(), f.admin, w)
	f.must(err)
	f.seen("bo@example.org")
	below := w.Place
	below.Scope = f.s.Storage()
	if got, err := f.Get(t.Context(), below); err != nil || got.Owner != "bo@example.org" {
		t.Errorf("from above: %+v, %v", got, err)
	}
	wantCode(t, f.Remove(t.Context(), f.admin, below, ownership.Match{}), 409, "AssignedElsewhere")
}

func ruleProperties(owner string, priority int) map[string]any {
	return map[string]any{"displayName": "All in a week", "rulePriority": priority, "remediationTimeframe": "7.00:00:00",
		"ownerSource": map[string]any{"type": "Manually", "value": owner},
		"conditionSets": []any{map[string]any{"conditions": []any{map[string]any{"property": "$.Metadata.severity", "operator": "In",
			"value": `["Low","Medium","High","Critical"]`}}}}}
}

func TestRules(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	id := f.s.Sub() + "/providers/Microsoft.Security/governanceRules/all"
	put := func(by access.Principal, id string, properties map[string]any, match string) error {
		return f.PutRule(ctx, by, "", id, properties, match)
	}
	f.must(put(f.admin, id, ruleProperties("rule@example.org", 100), ""))
	f.seen("rule@example.org")
	audits := f.audits()
	broken := ruleProperties("rule@example.org", 100)
	delete(broken, "conditionSets")
	wantCode(t, put(f.ana, id, ruleProperties("x@example.org", 100), ""), 403, "AuthorizationFailed")
	wantCode(t, put(f.admin, id+"2", ruleProperties("x@example.org", 100), ""), 409, "GovernanceRuleConflict")
	wantCode(t, put(f.admin, id, ruleProperties("x@example.org", 100), "stale"), 412, "PreconditionFailed")
	if err := put(f.admin, id, broken, ""); !isStatus(err, 400) {
		t.Errorf("a rule that selects nothing: %v", err)
	}
	wantCode(t, f.Override(ctx, f.ana, "", id), 403, "AuthorizationFailed")
	wantCode(t, f.DeleteRule(ctx, f.ana, "", id), 403, "AuthorizationFailed")
	wantCode(t, f.Override(ctx, f.admin, "", id+"3"), 404, "ResourceNotFound")
	wantCode(t, f.DeleteRule(ctx, f.admin, "", id+"3"), 404, "ResourceNotFound")
	if n := f.audits(); n != audits {
		t.Errorf("what was refused left %d audit rows", n-audits)
	}

	// A person's word wins over the rule until the rule is told to override.
	_, _, err := f.Put(ctx, f.admin, f.wish())
	f.must(err)
	f.seen("ana@example.org")
	f.must(f.Override(ctx, f.admin, "", id))
	f.seen("rule@example.org")
	wantCode(t, f.Remove(ctx, f.admin, ownership.Place{Scope: f.s.Storage(), Recommendation: f.open, Key: "all"}, ownership.Match{}), 409, "AssignedElsewhere")

	// Deleted, it assigns nothing new and keeps what it had.
	f.must(f.DeleteRule(ctx, f.admin, "", id))
	f.must(f.s.DB.View(ctx, func(tx *store.Tx) error {
		kept, err := tx.Objects(ctx, store.ObjectQuery{Kind: governance.RetiredKind})
		if err == nil && len(kept) != 1 {
			err = fmt.Errorf("%d deleted rules are kept", len(kept))
		}
		return err
	}))
	f.seen("rule@example.org")
}

// TestRulesAreBounded: a tenant has so many rules and no more, and of deleted
// ones the oldest goes.
func TestRulesAreBounded(t *testing.T) {
	f := newFixture(t)
	const most = 500
	ctx := t.Context()
	at := func(kind, id string) store.Object {
		return store.Object{Kind: kind, ID: id, Body: json.RawMessage(`{"properties":{}}`)}
	}
	id := func(i int) string {
		return fmt.Sprintf("%s/providers/Microsoft.Security/governanceRules/r%d", f.s.Sub(), i)
	}
	f.must(f.s.DB.Update(ctx, func(tx *store.Tx) error {
		return fill(ctx, tx, most-1, func(i int) store.Object { return at(governance.RuleKind, id(i)) })
	}))
	f.must(f.PutRule(ctx, f.admin, "", id(most), ruleProperties("last@example.org", 1), ""))
	if err := f.PutRule(ctx, f.admin, "", id(most+1), ruleProperties("x@example.org", 2), ""); !isStatus(err, 400) || !strings.Contains(err.Error(), "500") {
		t.Errorf("one more: %v", err)
	}
	f.must(f.PutRule(ctx, f.admin, "", id(most), ruleProperties("still@example.org", 1), "")) // one that is there

	f.must(f.s.DB.Update(ctx, func(tx *store.Tx) error {
		return fill(ctx, tx, most, func(i int) store.Object { return at(governance.RetiredKind, fmt.Sprintf("/retired/r%d", i)) })
	}))
	f.s.Advance(time.Hour)
	f.must(f.DeleteRule(ctx, f.admin, "", id(most)))
	f.must(f.s.DB.View(ctx, func(tx *store.Tx) error {
		kept, err := tx.Objects(ctx, store.ObjectQuery{Kind: governance.RetiredKind})
		if err != nil {
			return err
		}
		mine := 0
		for i := range kept {
			if strings.Contains(string(kept[i].Body), "still@example.org") {
				mine++
			}
		}
		if len(kept) != most || mine != 1 {
			t.Errorf("%d deleted rules are kept, %d of them the last", len(kept), mine)
		}
		return nil
	}))
}

func fill(ctx context.Context, tx *store.Tx, n int, object func(int) store.Object) error {
	for i := range n {
		if _, err := tx.PutObject(ctx, object(i), ""); err != nil {
			return err
		}
	}
	return nil
}

func isStatus(err error, status int) bool {
	var e *arm.Error
	return errors.As(err, &e) && e.Status == status
}

func TestIsOwner(t *testing.T) {
	ana := access.Principal{ID: "6f9619ff-8b86-d011-b42d-00cf4fc964ff", Name: "ana@example.org"}
	for owner, want := range map[string]bool{"ana@example.org": true, "ANA@example.org": true, "6F9619FF-8b86-d011-b42d-00cf4fc964ff": true, "bo@example.org": false, "": false} {
		if got := ownership.IsOwner(ana, governance.Assignment{Owner: owner}); got != want {
			t.Errorf("%q: %v", owner, got)
		}
	}
	if ownership.IsOwner(access.Principal{}, governance.Assignment{}) {
		t.Error("nobody owns what nobody has")
	}
}
