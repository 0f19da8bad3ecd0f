package posture

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/plan"
)

const builtInAssignment = testSub + "/providers/Microsoft.Authorization/policyAssignments/" + plan.BuiltInAssignment

// own assigns a policy of the user's own: accounts must have TLS 1.2.
func (w *world) own() (recommendation string) {
	const id = testSub + "/providers/Microsoft.Authorization/policyDefinitions/tls"
	w.object("policyDefinition", id, map[string]any{"displayName": "TLS", "mode": "All", "policyRule": map[string]any{
		"if": map[string]any{"allOf": []any{map[string]any{"field": "type", "equals": storageType},
			map[string]any{"field": "Microsoft.Storage/storageAccounts/minimumTlsVersion", "notEquals": "TLS1_2"}}},
		"then": map[string]any{"effect": "audit"},
	}})
	w.object("policyAssignment", testSub+"/providers/Microsoft.Authorization/policyAssignments/tls", map[string]any{"policyDefinitionId": id})
	return RecommendationID(id)
}

func (w *world) waiveOwn(basedAt string) *View {
	return w.object("policyExemption", testSub+"/providers/Microsoft.Authorization/policyExemptions/tls", map[string]any{
		"policyAssignmentId": testSub + "/providers/Microsoft.Authorization/policyAssignments/tls", "exemptionCategory": "Waiver",
		"displayName": "old client", "metadata": map[string]any{"rampart": map[string]any{"reopenOnChange": true, "basedAt": basedAt}},
	})
}

func (w *world) tls(version string) wire.Document {
	return w.doc(storageType, "one", map[string]any{"minimumTlsVersion": version, "supportsHttpsTrafficOnly": true})
}

func (w *world) wantAssessment(v *View, resource, recommendation string, state State, reason string) {
	w.t.Helper()
	a, _ := v.Assessment(resource, recommendation)
	if a.State != state || !strings.Contains(a.Reason, reason) {
		w.t.Errorf("assessment is %v %q, want %v with %q", a.State, a.Reason, state, reason)
	}
}

func TestExemptionReopensOnChange(t *testing.T) {
	w := newWorld(t)
	doc := w.tls("SSL3")
	w.put(doc)
	own := w.own()
	v := w.waiveOwn("1")
	w.wantAssessment(v, doc.ID, own, Exempt, "old client")

	w.clock.pass(time.Minute)
	other := w.tls("SSL3")
	other.Body = []byte(strings.Replace(string(other.Body), `"env":"test"`, `"env":"prod"`, 1))
	w.wantAssessment(w.put(other), doc.ID, own, Exempt, "") // the rule does not read tags

	w.clock.pass(time.Minute)
	v = w.put(w.tls("TLS1_1"))
	const said = "exemption old client re-opened: properties.minimumTlsVersion was SSL3, is TLS1_1"
	w.wantAssessment(v, doc.ID, own, Unhealthy, said)
	if n := w.estate().Reopened()[strings.ToLower(testSub+"/providers/Microsoft.Authorization/policyExemptions/tls")]; n != 1 {
		t.Errorf("re-opened for %d resources, want 1", n)
	}
	want := []flip{{v.names.handle(doc.ID), w.estate().slots.of(own), Exempt, Unhealthy, ResourceChanged}}
	if got := w.flipsOf(v.seq); !slices.Equal(got, want) {
		t.Errorf("stored flips are %+v, want %+v", got, want)
	}

	if got := causeWords(ResourceChanged, Exempt, Unhealthy); got != "resource changed under its exemption" {
		t.Errorf("the cause is %q", got)
	}

	w.restart()
	w.wantAssessment(w.estate().View(), doc.ID, own, Unhealthy, said)
	w.clock.pass(time.Minute)
	w.wantAssessment(w.put(w.tls("SSL3")), doc.ID, own, Exempt, "old client") // what was waived
	w.wantAssessment(w.put(w.tls("TLS1_1")), doc.ID, own, Unhealthy, "was SSL3, is TLS1_1")
	w.wantAssessment(w.put(w.tls("TLS1_2")), doc.ID, own, Exempt, "")
	if n := len(w.estate().Reopened()); n != 0 {
		t.Error("an exemption counts as re-opened for a healthy resource")
	}
	w.wantAssessment(w.put(w.tls("TLS1_1")), doc.ID, own, Unhealthy, "is TLS1_1")

	w.wantAssessment(w.waiveOwn("2"), doc.ID, own, Exempt, "old client") // renewed
	w.wantAssessment(w.put(w.tls("SSL3")), doc.ID, own, Unhealthy, "was TLS1_1, is SSL3")
	if err := w.inv.Delete(t.Context(), "", doc.ID, ""); err != nil {
		t.Fatal(err)
	}
	w.step()
	if bases := w.estate().bases; !bases.Empty() {
		t.Errorf("%s is remembered, of no resource", bases)
	}
}

// TestExemptionCoversFromTheFirstUnhealthyVerdict lets a resource become
// unhealthy under its exemption: the values then are the base.
func TestExemptionCoversFromTheFirstUnhealthyVerdict(t *testing.T) {
	w := newWorld(t)
	doc := w.tls("TLS1_2")
	w.put(doc)
	own := w.own()
	w.waiveOwn("1")
	w.wantAssessment(w.put(w.tls("SSL3")), doc.ID, own, Exempt, "")
	w.wantAssessment(w.put(w.tls("TLS1_1")), doc.ID, own, Unhealthy, "was SSL3, is TLS1_1")
}

// TestExemptionIsReopenedWhileNobodyLooks changes the document between a stop
// and a start, so that the old values are gone.
func TestExemptionIsReopenedWhileNobodyLooks(t *testing.T) {
	w := newWorld(t)
	w.put(w.tls("SSL3"))
	own := w.own()
	w.waiveOwn("1")
	doc := w.tls("TLS1_1")
	if _, err := w.inv.Put(t.Context(), "", []wire.Document{doc}); err != nil {
		t.Fatal(err)
	}
	w.restart()
	w.wantAssessment(w.estate().View(), doc.ID, own, Unhealthy, "re-opened: properties.minimumTlsVersion is now TLS1_1")
}

// TestUnknownIsNoChange withholds the value and gives it again.
func TestUnknownIsNoChange(t *testing.T) {
	w := newWorld(t)
	doc := w.tls("SSL3")
	w.put(doc)
	own := w.own()
	w.waiveOwn("1")
	hidden := doc
	hidden.Unavailable = []string{"properties.minimumTlsVersion no permission"}
	w.wantAssessment(w.put(hidden), doc.ID, own, Exempt, "")
	w.wantAssessment(w.put(doc), doc.ID, own, Exempt, "")
	w.wantAssessment(w.put(w.tls("TLS1_1")), doc.ID, own, Unhealthy, "")
}

// TestAnotherExemptionHolds has two exemptions over one verdict: any that holds
// excuses it.
func TestAnotherExemptionHolds(t *testing.T) {
	w := newWorld(t)
	doc := w.tls("SSL3")
	w.put(doc)
	own := w.own()
	w.waiveOwn("1")
	w.put(w.tls("TLS1_1"))
	v := w.object("policyExemption", doc.ID+"/providers/Microsoft.Authorization/policyExemptions/second", map[string]any{
		"policyAssignmentId": testSub + "/providers/Microsoft.Authorization/policyAssignments/tls", "exemptionCategory": "Mitigated", "displayName": "second"})
	w.wantAssessment(v, doc.ID, own, Exempt, "second (mitigated)")
}

// TestRequestedExemptionExemptsNothing until it is approved.
func TestRequestedExemptionExemptsNothing(t *testing.T) {
	w := newWorld(t)
	doc := w.account("one", false, true)
	w.put(doc)
	for _, c := range []struct {
		state string
		want  State
	}{{"requested", Unhealthy}, {"approved", Exempt}, {"rejected", Unhealthy}, {"surprise", Unhealthy}, {"", Exempt}} {
		v := w.object("policyExemption", doc.ID+"/providers/Microsoft.Authorization/policyExemptions/x", map[string]any{
			"policyAssignmentId": builtInAssignment, "exemptionCategory": "Waiver",
			"metadata": map[string]any{"rampart": map[string]any{"state": c.state}}})
		if got := w.state(v, doc.ID, "storage-https"); got != c.want {
			t.Errorf("state %q: %v, want %v", c.state, got, c.want)
		}
	}
}

// TestRelatedResourceReopens changes what a rule reads of a child, while the
// verdict stays.
func TestRelatedResourceReopens(t *testing.T) {
	w := newWorld(t)
	machine := w.doc("Microsoft.HybridCompute/machines", "web", map[string]any{"status": "Connected"})
	check := func(state string) wire.Document {
		return wire.Document{ID: machine.ID + baselineChild, Type: "Microsoft.GuestConfiguration/guestConfigurationAssignments", Source: "test",
			ObservedAt: w.clock.now(), Body: mustJSON(t, map[string]any{"properties": map[string]any{"complianceStatus": state}})}
	}
	w.put(machine, check("NonCompliant"))
	const id = testSub + "/providers/Microsoft.Authorization/policyDefinitions/tls"
	w.object("policyDefinition", id, map[string]any{"displayName": "Baseline", "mode": "All", "policyRule": map[string]any{
		"if": map[string]any{"field": "type", "equals": machine.Type},
		"then": map[string]any{"effect": "auditIfNotExists", "details": map[string]any{"type": check("").Type,
			"existenceCondition": map[string]any{"field": "Microsoft.GuestConfiguration/guestConfigurationAssignments/complianceStatus", "equals": "Compliant"}}},
	}})
	w.object("policyAssignment", testSub+"/providers/Microsoft.Authorization/policyAssignments/tls", map[string]any{"policyDefinitionId": id})
	own := RecommendationID(id)
	w.wantAssessment(w.waiveOwn("1"), machine.ID, own, Exempt, "")
	w.clock.pass(time.Minute)
	w.wantAssessment(w.put(check("Pending")), machine.ID, own, Unhealthy, "properties.complianceStatus was NonCompliant, is Pending")
	w.clock.pass(time.Minute)
	w.wantAssessment(w.put(check("NonCompliant")), machine.ID, own, Exempt, "")
	if err := w.inv.Delete(t.Context(), "", check("").ID, ""); err != nil {
		t.Fatal(err)
	}
	w.wantAssessment(w.step(), machine.ID, own, Unhealthy, "properties.complianceStatus was NonCompliant, is gone")
}

// TestChangedRuleBeginsAnew changes which fields the rule reads.
func TestChangedRuleBeginsAnew(t *testing.T) {
	w := newWorld(t)
	doc := w.tls("SSL3")
	w.put(doc)
	own := w.own()
	w.waiveOwn("1")
	v := w.object("policyDefinition", testSub+"/providers/Microsoft.Authorization/policyDefinitions/tls", map[string]any{"displayName": "TLS", "mode": "All",
		"policyRule": map[string]any{"if": map[string]any{"allOf": []any{map[string]any{"field": "type", "equals": storageType},
			map[string]any{"field": "Microsoft.Storage/storageAccounts/supportsHttpsTrafficOnly", "equals": true},
			map[string]any{"field": "Microsoft.Storage/storageAccounts/minimumTlsVersion", "notEquals": "TLS1_2"}}},
			"then": map[string]any{"effect": "audit"}}})
	w.wantAssessment(v, doc.ID, own, Exempt, "")
	w.wantAssessment(w.put(w.tls("TLS1_1")), doc.ID, own, Unhealthy, "re-opened")
}

// TestRandomExemptions makes many edits of exemptions that end on change, of
// documents and of the clock; what follows must equal what is loaded, as the
// engine and as the oracle see it, and some must have been re-opened.
func TestRandomExemptions(t *testing.T) {
	reopened := 0
	for seed := range uint64(24) {
		w := newWorld(t)
		ed := &editor{w: w, rnd: rand.New(rand.NewPCG(seed, 77)), docs: map[string]wire.Document{}, few: true}
		for range 25 {
			for range 1 + ed.rnd.IntN(4) {
				if ed.rnd.IntN(6) == 0 {
					ed.exempt()
				} else {
					ed.put()
				}
			}
			w.step()
			reopened += len(w.estate().Reopened())
			w.clock.pass(time.Duration(ed.rnd.IntN(200)) * time.Minute)
		}
		running, remembered := dump(w.step()), w.estate().bases.String()
		w.sweep()
		for _, slow := range []bool{false, true} {
			w.slow = slow
			w.restart()
			if diff := cmp.Diff(running, dump(w.estate().View())); diff != "" {
				t.Fatalf("seed %d, oracle %v: a restart sees something else:\n%s", seed, slow, diff)
			}
			if diff := cmp.Diff(remembered, w.estate().bases.String()); diff != "" {
				t.Fatalf("seed %d, oracle %v: a restart remembers something else:\n%s", seed, slow, diff)
			}
		}
	}
	if reopened == 0 {
		t.Error("nothing was ever re-opened")
	}
}

// reopenedAt names the store that the child process of TestKilledReopens works on.
const reopenedAt = "RAMPART_TEST_REOPENED_AT"

// TestKilledReopens kills a process that changes what is waived, and checks
// that what was re-opened, and what was not, is so for whoever comes next.
func TestKilledReopens(t *testing.T) {
	if path := os.Getenv(reopenedAt); path != "" {
		changeForever(t, path)
		return
	}
	if testing.Short() {
		t.Skip("starts processes")
	}
	path := filepath.Join(t.TempDir(), "posture.db")
	w := openAt(t, path, time.Now())
	var docs []wire.Document
	for i := range 40 {
		docs = append(docs, w.numbered(i, 0))
	}
	w.put(docs...)
	own := w.own()
	w.waiveOwn("1")
	if err := w.close(); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		child, out := startChild(t, reopenedAt+"="+path)
		if _, err := out.Read(make([]byte, 1)); err != nil { // it has changed something
			t.Fatal(err)
		}
		time.Sleep(150 * time.Millisecond) // a moment of no meaning to be killed at
		_ = child.Process.Kill()           // it may be gone
		_ = child.Wait()                   // it was killed
		checkReopened(t, path, own)
	}
}

// numbered is an account with a version that means nothing but that it differs.
func (w *world) numbered(i, version int) wire.Document {
	doc := w.doc(storageType, fmt.Sprintf("n%d", i), map[string]any{"minimumTlsVersion": fmt.Sprintf("v%d", version)})
	return doc
}

func changeForever(t *testing.T, path string) {
	w := openAt(t, path, time.Now())
	for n := 0; ; n++ {
		w.clock.pass(time.Second)
		doc := w.numbered(n%40, (n/40+n)%3)
		w.put(doc)
		fmt.Println("done")
	}
}

func checkReopened(t *testing.T, path, own string) {
	t.Helper()
	w := openAt(t, path, time.Now().Add(time.Hour))
	v := w.estate().View()
	for i := range 40 {
		id := w.numbered(i, 0).ID
		doc, err := w.estate().Document(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		want := Unhealthy
		if strings.Contains(string(doc.Doc.Body), `"v0"`) {
			want = Exempt
		}
		if a, _ := v.Assessment(id, own); a.State != want {
			t.Errorf("%s is %v (%s) with %s", id, a.State, a.Reason, doc.Doc.Body)
		}
	}
	running := dump(v)
	w.restart()
	if diff := cmp.Diff(running, dump(w.estate().View())); diff != "" {
		t.Errorf("a second start sees something else:\n%s", diff)
	}
	if err := w.close(); err != nil {
		t.Error(err)
	}
}

// BenchmarkWaiveMany exempts 41,000 resources with and without re-opening.
func BenchmarkWaiveMany(b *testing.B) {
	w := &world{t: b, clock: newClock()}
	w.open(filepath.Join(b.TempDir(), "posture.db"))
	for i := range 41 {
		var docs []wire.Document
		for k := range 1000 {
			docs = append(docs, w.account(fmt.Sprintf("a%d-%d", i, k), false, true))
		}
		if res, err := w.inv.Put(b.Context(), "", docs); err != nil || len(res.Rejected) > 0 {
			b.Fatal(err, res.Rejected)
		}
	}
	w.step()
	for _, reopen := range []bool{false, true} {
		b.Run(fmt.Sprintf("reopen=%v", reopen), func(b *testing.B) {
			for n := range b.N {
				w.update(func(ctx context.Context, tx *store.Tx) error {
					const id = testSub + "/providers/Microsoft.Authorization/policyExemptions/waiver"
					body := mustJSON(b, map[string]any{"id": id, "properties": map[string]any{
						"policyAssignmentId": builtInAssignment, "policyDefinitionReferenceIds": []string{testRecommendations[0].id()}, "exemptionCategory": "Waiver",
						"metadata": map[string]any{"rampart": map[string]any{"reopenOnChange": reopen, "basedAt": fmt.Sprint(n)}}}})
					_, err := tx.PutObject(ctx, store.Object{Kind: "policyExemption", ID: id, Body: body}, "")
					return err
				})
				w.step()
			}
		})
	}
}

// TestDisabledFindingReopens disables one of two findings of a report that a
// waived rule reads: the verdict stays, what is read does not.
func TestDisabledFindingReopens(t *testing.T) {
	w := newWorldOf(t, findingsLibrary(t))
	db := w.machine("db")
	w.put(db, w.holes(db, "CVE-1 high", "CVE-2 high"))
	v := w.object("policyExemption", db.ID+"/providers/Microsoft.Authorization/policyExemptions/x", map[string]any{
		"policyAssignmentId": builtInAssignment, "policyDefinitionReferenceIds": []string{holesID}, "exemptionCategory": "Waiver",
		"metadata": map[string]any{"rampart": map[string]any{"reopenOnChange": true}}})
	w.wantAssessment(v, db.ID, holesID, Exempt, "")
	w.clock.pass(time.Minute)
	v = w.disable(testSub, "two", when(map[string]any{"findingIds": []string{"CVE-2"}}))
	w.wantAssessment(v, db.ID, holesID, Unhealthy, "fixable.high was 2, is 1")
	running := dump(v)
	w.restart()
	if diff := cmp.Diff(running, dump(w.estate().View())); diff != "" {
		t.Errorf("a restart sees something else:\n%s", diff)
	}
	w.wantAssessment(w.enable(testSub, "two"), db.ID, holesID, Exempt, "")
}
