package compliance_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/inventory"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/collect/simulate"
	"github.com/rampart-sec/rampart/internal/posture/catalog"
	"github.com/rampart-sec/rampart/internal/posture/compliance"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/judge"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// stage is a judged estate below a test, with a clock to be moved.
type stage struct {
	t       testing.TB
	db      *store.DB
	inv     *inventory.Inventory
	judge   *judge.Judge
	lib     *content.Library
	records *compliance.Records
	skew    atomic.Int64
}

func (s *stage) now() time.Time { return time.Now().Add(time.Duration(s.skew.Load())).UTC() }

func (s *stage) view() *index.View { return s.judge.Estate("").View() }

func newStage(t testing.TB, resources int) *stage {
	t.Helper()
	s := &stage{t: t}
	var err error
	s.lib, err = content.Load()
	s.must(err)
	s.db, err = store.Open(t.Context(), store.Options{URL: "sqlite:" + filepath.Join(t.TempDir(), "test.db"), Now: s.now})
	s.must(err)
	s.inv = inventory.New(inventory.Options{Store: s.db, Now: s.now})
	s.judge, err = judge.New(judge.Options{Store: s.db, Inventory: s.inv, Library: s.lib, Now: s.now, StaleAfter: 1000 * time.Hour})
	s.must(err)
	gen, err := simulate.New(simulate.Options{Resources: resources, Seed: 7, Library: s.lib, Source: "import", Now: s.now()})
	s.must(err)
	var docs []wire.Document
	for doc, ok := gen.Next(); ok; doc, ok = gen.Next() {
		docs = append(docs, doc)
	}
	_, err = s.inv.Put(t.Context(), "", docs)
	s.must(err)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- s.judge.Run(ctx) }()
	t.Cleanup(func() { stop(); <-ended; _ = s.db.Close() })
	<-s.judge.Ready()
	s.until("the estate is judged", func() bool { return s.view().Score(index.Scope{}).Max > 0 })
	s.records = compliance.NewRecords(compliance.Options{Store: s.db, Library: s.lib, Now: s.now})
	return s
}

func (s *stage) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) until(what string, done func() bool) {
	s.t.Helper()
	for range 3000 {
		if done() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.t.Fatalf("%s: not within 30 s", what)
}

func (s *stage) put(kind, id string, properties map[string]any) {
	s.t.Helper()
	body, err := json.Marshal(map[string]any{"id": id, "name": id[strings.LastIndexByte(id, '/')+1:], "properties": properties})
	s.must(err)
	s.must(s.db.Update(s.t.Context(), func(tx *store.Tx) error {
		_, err := tx.PutObject(s.t.Context(), store.Object{Kind: kind, ID: id, Body: body}, "")
		return err
	}))
}

// find is a standard by name, nil if there is none.
func (s *stage) find(name string) *compliance.Standard {
	s.t.Helper()
	std, err := s.records.Standard(s.t.Context(), "", s.view(), name)
	if isStatus(err, 404) {
		return nil
	}
	s.must(err)
	return std
}

func (s *stage) report(name string, scope index.Scope) compliance.Report {
	s.t.Helper()
	std := s.find(name)
	if std == nil {
		s.t.Fatalf("there is no standard %s", name)
	}
	attested, err := s.records.Attestations(s.t.Context(), "", scope)
	s.must(err)
	return compliance.Evaluate(s.view(), std, scope, attested, s.now())
}

func isStatus(err error, status int) bool {
	var e *arm.Error
	return errors.As(err, &e) && e.Status == status
}

// worst is the recommendation with the most unhealthy resources of a scope.
func (s *stage) worst(scope index.Scope) index.RecommendationRow {
	s.t.Helper()
	page, err := s.view().Recommendations(index.RecommendationQuery{Scope: scope, Sort: "unhealthy", Limit: 1})
	s.must(err)
	return page.Rows[0]
}

func house(recommendations ...string) *content.Standard {
	return &content.Standard{ID: "house-rules", Name: "house-rules", Title: "House rules", Version: "1", Controls: []content.StandardControl{
		{Number: "H-1", Domain: "Machines", Title: "What is worst", Recommendations: recommendations},
		{Number: "H-2", Title: "Read by a person", Manual: true},
	}}
}

func TestBuiltInAsBefore(t *testing.T) {
	s := newStage(t, 400)
	for _, std := range s.lib.Standards {
		r := s.report(std.ID, index.Scope{})
		for i, c := range r.Controls {
			want := map[string]bool{}
			for _, rec := range s.view().AllRecommendations() {
				for _, number := range rec.Content.Standards[std.ID] {
					if number == std.Controls[i].Number && !rec.Disabled {
						want[rec.ID] = true
					}
				}
			}
			for _, a := range c.Assessments {
				if !want[a.Recommendation.ID] {
					t.Errorf("%s %s: %s does not serve it", std.ID, c.Number, a.Recommendation.Title)
				}
				page, err := s.view().Recommendations(index.RecommendationQuery{Text: a.Recommendation.Title, Limit: 1000})
				s.must(err)
				for _, row := range page.Rows {
					if row.ID == a.Recommendation.ID && row.Counts != a.Counts {
						t.Errorf("%s %s: %+v, the list of recommendations has %+v", std.ID, c.Number, a.Counts, row.Counts)
					}
				}
			}
			if len(want) != len(c.Assessments) {
				t.Errorf("%s %s: %d assessments, want %d", std.ID, c.Number, len(c.Assessments), len(want))
			}
		}
	}
}

func TestOwnStandard(t *testing.T) {
	s := newStage(t, 400)
	worst, ctx := s.worst(index.Scope{}), t.Context()
	w := compliance.Write{By: "ana", IfMatch: compliance.Absent}
	s.must(s.records.PutStandard(ctx, w, s.view(), "", house(worst.ID)))
	r := s.report("house-rules", index.Scope{})
	if r.Failed != 1 || r.Unsupported != 1 || r.Controls[0].Assessments[0].Unhealthy != worst.Unhealthy {
		t.Fatalf("the report says %+v: %+v", r.Counts, r.Controls)
	}
	// An edit over the state that was read; a second one over the same state loses.
	edited := house(worst.ID)
	edited.Title = "House rules, revised"
	w.IfMatch = s.find("house-rules").ETag
	s.must(s.records.PutStandard(ctx, w, s.view(), "", edited))
	edited.Title = "Mine"
	if err := s.records.PutStandard(ctx, w, s.view(), "", edited); !isStatus(err, 412) {
		t.Errorf("the second edit: %v, want 412", err)
	}
	// Attested, recorded, removed: nothing stays.
	s.must(s.records.Attest(ctx, compliance.Write{By: "ana"}, "", compliance.Attestation{Standard: "house-rules", Control: "H-2", State: compliance.Passed, Comment: "read"},
		&compliance.File{Name: "minutes.txt", Data: []byte("we read it")}))
	if r := s.report("house-rules", index.Scope{}); r.Passed != 1 || r.Controls[1].Attestation.Evidence.Name != "minutes.txt" {
		t.Errorf("after the attestation: %+v", r.Counts)
	}
	s.must(compliance.NewRecorder(s.records, s.judge).Look(ctx))
	if past, err := s.records.AsOf(ctx, "", "house-rules", "", s.now()); err != nil || past == nil || past.State("H-2") != compliance.Passed {
		t.Errorf("recorded: %+v, %v", past, err)
	}
	s.must(s.records.DeleteStandard(ctx, compliance.Write{By: "ana"}, s.find("house-rules")))
	if s.find("house-rules") != nil {
		t.Error("it is still there")
	}
	s.must(s.db.View(ctx, func(tx *store.Tx) error {
		for _, kind := range []string{compliance.OwnKind, compliance.AttestationKind, "attestationEvidence"} {
			left, err := tx.Objects(ctx, store.ObjectQuery{Kind: kind})
			if err != nil || len(left) > 0 {
				t.Errorf("%s objects left: %d, %v", kind, len(left), err)
			}
		}
		left, err := tx.ComplianceHistory(ctx, store.ComplianceQuery{Standard: "house-rules"})
		if len(left) > 0 {
			t.Errorf("%d rows of history left", len(left))
		}
		return err
	}))
}

func TestOwnStandardIsRefused(t *testing.T) {
	s := newStage(t, 50)
	s.must(s.records.PutStandard(t.Context(), compliance.Write{By: "ana"}, s.view(), "", house()))
	tests := map[string]struct {
		scope  string
		edit   func(*content.Standard)
		status int
	}{
		"unknown recommendation": {"", func(x *content.Standard) {
			x.Controls[0].Recommendations = []string{"00000000-0000-0000-0000-000000000000"}
		}, 400},
		"number twice":     {"", func(x *content.Standard) { x.Controls[1].Number = "h-1" }, 400},
		"number as a path": {"", func(x *content.Standard) { x.Controls[0].Number = "../1" }, 400},
		"no title":         {"", func(x *content.Standard) { x.Title = " " }, 400},
		"too many controls": {"", func(x *content.Standard) {
			x.Controls = nil
			for i := range content.MaxControls + 1 {
				x.Controls = append(x.Controls, content.StandardControl{Number: fmt.Sprint(i), Title: "t"})
			}
		}, 400},
		"built-in name":       {"", func(x *content.Standard) { x.ID = "mcsb" }, 409},
		"built-in API name":   {"", func(x *content.Standard) { x.ID = "cis-azure-2.0.0" }, 409},
		"title of another":    {"", func(x *content.Standard) { x.ID = "other" }, 409},
		"name of initiatives": {"", func(x *content.Standard) { x.ID, x.Title = "initiative-0123", "x" }, 409},
		"unknown scope":       {"/subscriptions/00000000-1111-2222-3333-444444444444", func(x *content.Standard) { x.ID, x.Title = "other", "Other" }, 404},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			std := house()
			tt.edit(std)
			if err := s.records.PutStandard(t.Context(), compliance.Write{By: "ana"}, s.view(), tt.scope, std); !isStatus(err, tt.status) {
				t.Errorf("error %v, want status %d", err, tt.status)
			}
		})
	}
}

// TestInitiativeIsAStandard assigns an initiative at one subscription without
// one of its groups, and looks at it from everywhere.
func TestInitiativeIsAStandard(t *testing.T) {
	s := newStage(t, 2000)
	subs := s.view().SubscriptionIDs("")
	if len(subs) < 2 {
		t.Fatal("the estate has one subscription")
	}
	worst := s.worst(index.Scope{ID: subs[0]})
	page, err := s.view().Assessments(index.AssessmentQuery{Scope: index.Scope{ID: subs[0]}, Recommendation: worst.ID, State: []record.State{record.Unhealthy}})
	s.must(err)
	group := arm.MustParseID(page.Rows[0].ResourceID).ResourceGroupID()
	own := subs[0] + "/providers/Microsoft.Authorization/policyDefinitions/own"
	set := subs[0] + "/providers/Microsoft.Authorization/policySetDefinitions/ours"
	s.put("policyDefinition", own, map[string]any{"displayName": "Groups have an owner", "mode": "All", "policyType": "Custom", "policyRule": map[string]any{
		"if":   map[string]any{"allOf": []any{map[string]any{"field": "type", "equals": "Microsoft.Resources/subscriptions/resourceGroups"}, map[string]any{"field": "tags['nobody has it']", "exists": false}}},
		"then": map[string]any{"effect": "audit"}}})
	s.put("policySetDefinition", set, map[string]any{"displayName": "Our regulation", "policyType": "Custom",
		"metadata":               map[string]any{"category": "Regulatory Compliance", "version": "3.1"},
		"policyDefinitionGroups": []any{map[string]any{"name": "R_1", "displayName": "No known worst", "category": "Chapter 1"}, map[string]any{"name": "R_2", "displayName": "Owners"}, map[string]any{"name": "R_3"}},
		"policyDefinitions": []any{
			map[string]any{"policyDefinitionId": worst.DefinitionID, "policyDefinitionReferenceId": "a", "groupNames": []any{"R_1"}},
			map[string]any{"policyDefinitionId": own, "policyDefinitionReferenceId": "b", "groupNames": []any{"R_1", "R_2"}},
		}})
	if s.find("ours") != nil {
		t.Error("an initiative that is not assigned is no standard")
	}
	s.put("policyAssignment", subs[0]+"/providers/Microsoft.Authorization/policyAssignments/ours", map[string]any{"policyDefinitionId": set, "notScopes": []any{group}, "scope": subs[0]})
	s.until("the initiative is in force", func() bool {
		std := s.find("ours")
		return std != nil && s.view().Recommendation(catalog.RecommendationID(own)) != nil && s.report("ours", index.Scope{ID: subs[0]}).Controls[1].State == compliance.Failed
	})
	std := s.find("ours")
	if std.Title != "Our regulation" || std.Version != "3.1" || len(std.Controls) != 3 || std.Controls[0].Domain != "Chapter 1" {
		t.Errorf("the standard is %+v", std.Standard)
	}
	inGroup := s.view().Tally(index.Scope{ID: group}).Of(s.view().Recommendation(worst.ID))
	r := s.report("ours", index.Scope{ID: subs[0]})
	for _, a := range r.Controls[0].Assessments {
		if a.Recommendation.ID == worst.ID && a.Unhealthy != worst.Unhealthy-inGroup.Unhealthy {
			t.Errorf("%d unhealthy, want %d less %d in the excepted group", a.Unhealthy, worst.Unhealthy, inGroup.Unhealthy)
		}
	}
	if len(r.Controls[0].Assessments) != 2 || r.Controls[2].State != compliance.Unsupported {
		t.Errorf("controls %+v", r.Controls)
	}
	if estate := s.report("ours", index.Scope{}); estate.Controls[0].Assessments[0].Counts != r.Controls[0].Assessments[0].Counts {
		t.Error("over the whole estate only what is assigned counts")
	}
	for scope, want := range map[string]bool{subs[0]: true, subs[1]: false, group: false, "": true} {
		if got := std.Applies(s.view(), index.Scope{ID: scope}); got != want {
			t.Errorf("applies to %q: %v, want %v", scope, got, want)
		}
	}
}

func TestHistoryIsExactAndSurvives(t *testing.T) {
	s := newStage(t, 300)
	ctx := t.Context()
	s.must(s.records.PutStandard(ctx, compliance.Write{By: "ana"}, s.view(), "", house(s.worst(index.Scope{}).ID)))
	look := func() { s.must(compliance.NewRecorder(s.records, s.judge).Look(ctx)) } // a new one each time: a restart
	points := func() []compliance.Point {
		all, err := s.records.History(ctx, "", compliance.HistoryQuery{Standard: "house-rules", Control: "H-2"})
		s.must(err)
		return all
	}
	look()
	look()
	if got := points(); len(got) != 1 || got[0].Failed != 1 || got[0].Control != compliance.Unsupported {
		t.Fatalf("the first look writes one row, got %+v", got)
	}
	begin := s.now()
	s.skew.Add(int64(26 * time.Hour))
	s.must(s.records.Attest(ctx, compliance.Write{By: "ana"}, "", compliance.Attestation{Standard: "house-rules", Control: "H-2", State: compliance.Passed, Comment: "read", Expires: s.now().Add(48 * time.Hour)}, nil))
	look()
	s.skew.Add(int64(72 * time.Hour)) // the attestation runs out
	look()
	got := points()
	if len(got) != 3 || got[1].Passed != 1 || got[2].Passed != 0 || got[2].Control != compliance.Unsupported {
		t.Fatalf("attested, then run out: %+v", got)
	}
	r := s.report("house-rules", index.Scope{})
	if got[2].Counts != r.Counts {
		t.Errorf("the last point %+v, the report %+v", got[2].Counts, r.Counts)
	}
	for days, want := range map[int]compliance.State{0: compliance.Unsupported, 2: compliance.Passed, 4: compliance.Unsupported} {
		past, err := s.records.AsOf(ctx, "", "house-rules", "", begin.AddDate(0, 0, days).Add(3*time.Hour))
		if err != nil || past == nil || past.State("H-2") != want {
			t.Errorf("after %d days: %+v, %v, want %s", days, past, err, want)
		}
	}
	if past, err := s.records.AsOf(ctx, "", "house-rules", "", begin.AddDate(0, 0, -1)); err != nil || past != nil {
		t.Errorf("before anything was known: %+v, %v", past, err)
	}
}

func TestAttestTwice(t *testing.T) {
	s := newStage(t, 50)
	ctx, id := t.Context(), compliance.AttestationID("", "mcsb", "GS-1")
	a := compliance.Attestation{Standard: "mcsb", Control: "GS-1", State: compliance.Passed, Comment: "seen"}
	file := &compliance.File{Name: "a.txt", Data: []byte("proof")}
	s.must(s.records.Attest(ctx, compliance.Write{By: "ana", IfMatch: compliance.Absent}, "", a, file))
	if err := s.records.Attest(ctx, compliance.Write{By: "bob", IfMatch: compliance.Absent}, "", a, nil); !isStatus(err, 412) {
		t.Errorf("the second who saw none: %v, want 412", err)
	}
	e, data, err := s.records.Evidence(ctx, "", id)
	if err != nil || e.Name != "a.txt" || string(data) != "proof" {
		t.Errorf("evidence %+v %q, %v", e, data, err)
	}
	s.must(s.records.Attest(ctx, compliance.Write{By: "bob"}, "", a, nil))
	if _, _, err := s.records.Evidence(ctx, "", id); !isStatus(err, 404) {
		t.Errorf("evidence of the one before: %v, want 404", err)
	}
	s.must(s.records.AddEvidence(ctx, compliance.Write{By: "bob"}, id, *file))
	s.must(s.records.Withdraw(ctx, compliance.Write{By: "bob"}, id))
	if _, _, err := s.records.Evidence(ctx, "", id); !isStatus(err, 404) {
		t.Errorf("evidence of a withdrawn attestation: %v, want 404", err)
	}
}

// BenchmarkLook is what one look of the recorder costs when a view has changed
// and no standard says anything new. It does not depend on the number of
// resources.
func BenchmarkLook(b *testing.B) {
	s := newStage(b, 2000)
	r := compliance.NewRecorder(s.records, s.judge)
	s.must(r.Look(b.Context()))
	scopes := len(s.view().SubscriptionIDs("")) + 1
	b.ReportAllocs()
	for b.Loop() {
		s.skew.Add(int64(11 * time.Minute)) // an unchanged view is looked at again
		s.must(r.Look(b.Context()))
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*scopes), "µs/scope")
}
