package judge

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
	"github.com/rampart-sec/rampart/internal/posture/catalog"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/plan"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

const builtInAssignment = TestSub + "/providers/Microsoft.Authorization/policyAssignments/" + plan.BuiltInAssignment

// Own assigns a policy of the user's own: accounts must have TLS 1.2.
func (w *world) Own() (recommendation string) {
	const id = TestSub + "/providers/Microsoft.Authorization/policyDefinitions/tls"
	w.object("policyDefinition", id, map[string]any{"displayName": "TLS", "mode": "All", "policyRule": map[string]any{
		"if": map[string]any{"allOf": []any{map[string]any{"field": "type", "equals": StorageType},
			map[string]any{"field": "Microsoft.Storage/storageAccounts/minimumTlsVersion", "notEquals": "TLS1_2"}}},
		"then": map[string]any{"effect": "audit"},
	}})
	w.object("policyAssignment", TestSub+"/providers/Microsoft.Authorization/policyAssignments/tls", map[string]any{"policyDefinitionId": id})
	return catalog.RecommendationID(id)
}

func (w *world) WaiveOwn(basedAt string) *index.View {
	return w.object("policyExemption", TestSub+"/providers/Microsoft.Authorization/policyExemptions/tls", map[string]any{
		"policyAssignmentId": TestSub + "/providers/Microsoft.Authorization/policyAssignments/tls", "exemptionCategory": "Waiver",
		"displayName": "old client", "metadata": map[string]any{"rampart": map[string]any{"reopenOnChange": true, "basedAt": basedAt}},
	})
}

func (w *world) Tls(version string) wire.Document {
	return w.Doc(StorageType, "one", map[string]any{"minimumTlsVersion": version, "supportsHttpsTrafficOnly": true})
}

func (w *world) WantAssessment(v *index.View, resource, recommendation string, state record.State, reason string) {
	w.t.Helper()
	a, _ := v.Assessment(resource, recommendation)
	if a.State != state || !strings.Contains(a.Reason, reason) {
		w.t.Errorf("assessment is %v %q, want %v with %q", a.State, a.Reason, state, reason)
	}
}

func TestExemptionReopensOnChange(t *testing.T) {
	w := NewWorld(t)
	doc := w.Tls("SSL3")
	w.Put(doc)
	own := w.Own()
	v := w.WaiveOwn("1")
	w.WantAssessment(v, doc.ID, own, record.Exempt, "old client")

	w.Clock.Pass(time.Minute)
	other := w.Tls("SSL3")
	other.Body = []byte(strings.Replace(string(other.Body), `"env":"test"`, `"env":"prod"`, 1))
	w.WantAssessment(w.Put(other), doc.ID, own, record.Exempt, "") // the rule does not read tags

	w.Clock.Pass(time.Minute)
	v = w.Put(w.Tls("TLS1_1"))
	const said = "exemption old client re-opened: properties.minimumTlsVersion was SSL3, is TLS1_1"
	w.WantAssessment(v, doc.ID, own, record.Unhealthy, said)
	if n := w.Estate().Reopened()[strings.ToLower(TestSub+"/providers/Microsoft.Authorization/policyExemptions/tls")]; n != 1 {
		t.Errorf("re-opened for %d resources, want 1", n)
	}
	want := []record.Change{{Handle: v.Names().Handle(doc.ID), Slot: w.Estate().slots.Of(own), From: record.Exempt, To: record.Unhealthy, Cause: record.ResourceChanged}}
	if got := w.flipsOf(v.Seq()); !slices.Equal(got, want) {
		t.Errorf("stored flips are %+v, want %+v", got, want)
	}

	if got := record.CauseText(record.ResourceChanged, record.Exempt, record.Unhealthy); got != "resource changed under its exemption" {
		t.Errorf("the cause is %q", got)
	}

	w.restart()
	w.WantAssessment(w.Estate().View(), doc.ID, own, record.Unhealthy, said)
	w.Clock.Pass(time.Minute)
	w.WantAssessment(w.Put(w.Tls("SSL3")), doc.ID, own, record.Exempt, "old client") // what was waived
	w.WantAssessment(w.Put(w.Tls("TLS1_1")), doc.ID, own, record.Unhealthy, "was SSL3, is TLS1_1")
	w.WantAssessment(w.Put(w.Tls("TLS1_2")), doc.ID, own, record.Exempt, "")
	if n := len(w.Estate().Reopened()); n != 0 {
		t.Error("an exemption counts as re-opened for a healthy resource")
	}
	w.WantAssessment(w.Put(w.Tls("TLS1_1")), doc.ID, own, record.Unhealthy, "is TLS1_1")

	w.WantAssessment(w.WaiveOwn("2"), doc.ID, own, record.Exempt, "old client") // renewed
	w.WantAssessment(w.Put(w.Tls("SSL3")), doc.ID, own, record.Unhealthy, "was TLS1_1, is SSL3")
	if err := w.Inv.Delete(t.Context(), "", doc.ID, ""); err != nil {
		t.Fatal(err)
	}
	w.Step()
	if bases := w.Estate().bases; !bases.Empty() {
		t.Errorf("%s is remembered, of no resource", bases)
	}
}

// TestExemptionCoversFromTheFirstUnhealthyVerdict lets a resource become
// unhealthy under its exemption: the values then are the base.
func TestExemptionCoversFromTheFirstUnhealthyVerdict(t *testing.T) {
	w := NewWorld(t)
	doc := w.Tls("TLS1_2")
	w.Put(doc)
	own := w.Own()
	w.WaiveOwn("1")
	w.WantAssessment(w.Put(w.Tls("SSL3")), doc.ID, own, record.Exempt, "")
	w.WantAssessment(w.Put(w.Tls("TLS1_1")), doc.ID, own, record.Unhealthy, "was SSL3, is TLS1_1")
}

// TestExemptionIsReopenedWhileNobodyLooks changes the document between a stop
// and a start, so that the old values are gone.
func TestExemptionIsReopenedWhileNobodyLooks(t *testing.T) {
	w := NewWorld(t)
	w.Put(w.Tls("SSL3"))
	own := w.Own()
	w.WaiveOwn("1")
	doc := w.Tls("TLS1_1")
	if _, err := w.Inv.Put(t.Context(), "", []wire.Document{doc}); err != nil {
		t.Fatal(err)
	}
	w.restart()
	w.WantAssessment(w.Estate().View(), doc.ID, own, record.Unhealthy, "re-opened: properties.minimumTlsVersion is now TLS1_1")
}

// TestUnknownIsNoChange withholds the value and gives it again.
func TestUnknownIsNoChange(t *testing.T) {
	w := NewWorld(t)
	doc := w.Tls("SSL3")
	w.Put(doc)
	own := w.Own()
	w.WaiveOwn("1")
	hidden := doc
	hidden.Unavailable = []string{"properties.minimumTlsVersion no permission"}
	w.WantAssessment(w.Put(hidden), doc.ID, own, record.Exempt, "")
	w.WantAssessment(w.Put(doc), doc.ID, own, record.Exempt, "")
	w.WantAssessment(w.Put(w.Tls("TLS1_1")), doc.ID, own, record.Unhealthy, "")
}

// TestAnotherExemptionHolds has two exemptions over one verdict: any that holds
// excuses it.
func TestAnotherExemptionHolds(t *testing.T) {
	w := NewWorld(t)
	doc := w.Tls("SSL3")
	w.Put(doc)
	own := w.Own()
	w.WaiveOwn("1")
	w.Put(w.Tls("TLS1_1"))
	v := w.object("policyExemption", doc.ID+"/providers/Microsoft.Authorization/policyExemptions/second", map[string]any{
		"policyAssignmentId": TestSub + "/providers/Microsoft.Authorization/policyAssignments/tls", "exemptionCategory": "Mitigated", "displayName": "second"})
	w.WantAssessment(v, doc.ID, own, record.Exempt, "second (mitigated)")
}

// TestRequestedExemptionExemptsNothing until it is approved.
func TestRequestedExemptionExemptsNothing(t *testing.T) {
	w := NewWorld(t)
	doc := w.Account("one", false, true)
	w.Put(doc)
	for _, c := range []struct {
		state string
		want  record.State
	}{{"requested", record.Unhealthy}, {"approved", record.Exempt}, {"rejected", record.Unhealthy}, {"surprise", record.Unhealthy}, {"", record.Exempt}} {
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
	w := NewWorld(t)
	machine := w.Doc("Microsoft.HybridCompute/machines", "web", map[string]any{"status": "Connected"})
	check := func(state string) wire.Document {
		return wire.Document{ID: machine.ID + baselineChild, Type: "Microsoft.GuestConfiguration/guestConfigurationAssignments", Source: "test",
			ObservedAt: w.Clock.Now(), Body: mustJSON(t, map[string]any{"properties": map[string]any{"complianceStatus": state}})}
	}
	w.Put(machine, check("NonCompliant"))
	const id = TestSub + "/providers/Microsoft.Authorization/policyDefinitions/tls"
	w.object("policyDefinition", id, map[string]any{"displayName": "Baseline", "mode": "All", "policyRule": map[string]any{
		"if": map[string]any{"field": "type", "equals": machine.Type},
		"then": map[string]any{"effect": "auditIfNotExists", "details": map[string]any{"type": check("").Type,
			"existenceCondition": map[string]any{"field": "Microsoft.GuestConfiguration/guestConfigurationAssignments/complianceStatus", "equals": "Compliant"}}},
	}})
	w.object("policyAssignment", TestSub+"/providers/Microsoft.Authorization/policyAssignments/tls", map[string]any{"policyDefinitionId": id})
	own := catalog.RecommendationID(id)
	w.WantAssessment(w.WaiveOwn("1"), machine.ID, own, record.Exempt, "")
	w.Clock.Pass(time.Minute)
	w.WantAssessment(w.Put(check("Pending")), machine.ID, own, record.Unhealthy, "properties.complianceStatus was NonCompliant, is Pending")
	w.Clock.Pass(time.Minute)
	w.WantAssessment(w.Put(check("NonCompliant")), machine.ID, own, record.Exempt, "")
	if err := w.Inv.Delete(t.Context(), "", check("").ID, ""); err != nil {
		t.Fatal(err)
	}
	w.WantAssessment(w.Step(), machine.ID, own, record.Unhealthy, "properties.complianceStatus was NonCompliant, is gone")
}

// TestChangedRuleBeginsAnew changes which fields the rule reads.
func TestChangedRuleBeginsAnew(t *testing.T) {
	w := NewWorld(t)
	doc := w.Tls("SSL3")
	w.Put(doc)
	own := w.Own()
	w.WaiveOwn("1")
	v := w.object("policyDefinition", TestSub+"/providers/Microsoft.Authorization/policyDefinitions/tls", map[string]any{"displayName": "TLS", "mode": "All",
		"policyRule": map[string]any{"if": map[string]any{"allOf": []any{map[string]any{"field": "type", "equals": StorageType},
			map[string]any{"field": "Microsoft.Storage/storageAccounts/supportsHttpsTrafficOnly", "equals": true},
			map[string]any{"field": "Microsoft.Storage/storageAccounts/minimumTlsVersion", "notEquals": "TLS1_2"}}},
			"then": map[string]any{"effect": "audit"}}})
	w.WantAssessment(v, doc.ID, own, record.Exempt, "")
	w.WantAssessment(w.Put(w.Tls("TLS1_1")), doc.ID, own, record.Unhealthy, "re-opened")
}

// TestRandomExemptions makes many edits of exemptions that end on change, of
// documents and of the clock; what follows must equal what is loaded, as the
// engine and as the oracle see it, and some must have been re-opened.
func TestRandomExemptions(t *testing.T) {
	reopened := 0
	for seed := range uint64(24) {
		w := NewWorld(t)
		ed := &editor{w: w, rnd: rand.New(rand.NewPCG(seed, 77)), docs: map[string]wire.Document{}, few: true}
		for range 25 {
			for range 1 + ed.rnd.IntN(4) {
				if ed.rnd.IntN(6) == 0 {
					ed.exempt()
				} else {
					ed.put()
				}
			}
			w.Step()
			reopened += len(w.Estate().Reopened())
			w.Clock.Pass(time.Duration(ed.rnd.IntN(200)) * time.Minute)
		}
		running, remembered := Dump(w.Step()), w.Estate().bases.String()
		w.sweep()
		for _, slow := range []bool{false, true} {
			w.slow = slow
			w.restart()
			if diff := cmp.Diff(running, Dump(w.Estate().View())); diff != "" {
				t.Fatalf("seed %d, oracle %v: a restart sees something else:\n%s", seed, slow, diff)
			}
			if diff := cmp.Diff(remembered, w.Estate().bases.String()); diff != "" {
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
	w.Put(docs...)
	own := w.Own()
	w.WaiveOwn("1")
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
	doc := w.Doc(StorageType, fmt.Sprintf("n%d", i), map[string]any{"minimumTlsVersion": fmt.Sprintf("v%d", version)})
	return doc
}

func changeForever(t *testing.T, path string) {
	w := openAt(t, path, time.Now())
	for n := 0; ; n++ {
		w.Clock.Pass(time.Second)
		doc := w.numbered(n%40, (n/40+n)%3)
		w.Put(doc)
		fmt.Println("done")
	}
}

func checkReopened(t *testing.T, path, own string) {
	t.Helper()
	w := openAt(t, path, time.Now().Add(time.Hour))
	v := w.Estate().View()
	for i := range 40 {
		id := w.numbered(i, 0).ID
		doc, err := w.Estate().Document(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		want := record.Unhealthy
		if strings.Contains(string(doc.Doc.Body), `"v0"`) {
			want = record.Exempt
		}
		if a, _ := v.Assessment(id, own); a.State != want {
			t.Errorf("%s is %v (%s) with %s", id, a.State, a.Reason, doc.Doc.Body)
		}
	}
	running := Dump(v)
	w.restart()
	if diff := cmp.Diff(running, Dump(w.Estate().View())); diff != "" {
		t.Errorf("a second start sees something else:\n%s", diff)
	}
	if err := w.close(); err != nil {
		t.Error(err)
	}
}

// BenchmarkWaiveMany exempts 41,000 resources with and without re-opening.
func BenchmarkWaiveMany(b *testing.B) {
	w := &world{t: b, Clock: newClock()}
	w.open(filepath.Join(b.TempDir(), "posture.db"))
	for i := range 41 {
		var docs []wire.Document
		for k := range 1000 {
			docs = append(docs, w.Account(fmt.Sprintf("a%d-%d", i, k), false, true))
		}
		if res, err := w.Inv.Put(b.Context(), "", docs); err != nil || len(res.Rejected) > 0 {
			b.Fatal(err, res.Rejected)
		}
	}
	w.Step()
	for _, reopen := range []bool{false, true} {
		b.Run(fmt.Sprintf("reopen=%v", reopen), func(b *testing.B) {
			for n := range b.N {
				w.update(func(ctx context.Context, tx *store.Tx) error {
					const id = TestSub + "/providers/Microsoft.Authorization/policyExemptions/waiver"
					body := mustJSON(b, map[string]any{"id": id, "properties": map[string]any{
						"policyAssignmentId": builtInAssignment, "policyDefinitionReferenceIds": []string{testRecommendations[0].id()}, "exemptionCategory": "Waiver",
						"metadata": map[string]any{"rampart": map[string]any{"reopenOnChange": reopen, "basedAt": fmt.Sprint(n)}}}})
					_, err := tx.PutObject(ctx, store.Object{Kind: "policyExemption", ID: id, Body: body}, "")
					return err
				})
				w.Step()
			}
		})
	}
}

// TestDisabledFindingReopens disables one of two findings of a report that a
// waived rule reads: the verdict stays, what is read does not.
func TestDisabledFindingReopens(t *testing.T) {
	w := NewWorldOf(t, FindingsLibrary(t))
	db := w.Machine("db")
	w.Put(db, w.holes(db, "CVE-1 high", "CVE-2 high"))
	v := w.object("policyExemption", db.ID+"/providers/Microsoft.Authorization/policyExemptions/x", map[string]any{
		"policyAssignmentId": builtInAssignment, "policyDefinitionReferenceIds": []string{holesID}, "exemptionCategory": "Waiver",
		"metadata": map[string]any{"rampart": map[string]any{"reopenOnChange": true}}})
	w.WantAssessment(v, db.ID, holesID, record.Exempt, "")
	w.Clock.Pass(time.Minute)
	v = w.Disable(TestSub, "two", When(map[string]any{"findingIds": []string{"CVE-2"}}))
	w.WantAssessment(v, db.ID, holesID, record.Unhealthy, "fixable.high was 2, is 1")
	running := Dump(v)
	w.restart()
	if diff := cmp.Diff(running, Dump(w.Estate().View())); diff != "" {
		t.Errorf("a restart sees something else:\n%s", diff)
	}
	w.WantAssessment(w.Enable(TestSub, "two"), db.ID, holesID, record.Exempt, "")
}
