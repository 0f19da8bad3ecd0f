package posture

import (
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// TestCommandsAreProvenByTheirReport asks for the fix of a failed check on a
// machine: commands, with the report that they lead to, evaluated.
func TestCommandsAreProvenByTheirReport(t *testing.T) {
	w := newWorld(t)
	library, err := content.Load()
	if err != nil {
		t.Fatal(err)
	}
	judge, err := New(Options{
		Store: w.db, Inventory: w.inv, Library: library, Now: w.clock.now, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	w.judge = judge
	w.step()
	machine := w.doc("Microsoft.HybridCompute/machines", "web01", map[string]any{"osType": "linux"})
	report := wire.Document{
		ID:   machine.ID + "/providers/Microsoft.GuestConfiguration/guestConfigurationAssignments/RampartBaseline",
		Type: "Microsoft.GuestConfiguration/guestConfigurationAssignments", Source: "test", ObservedAt: w.clock.now(),
	}
	report.Body = json.RawMessage(`{"id":"` + report.ID + `","name":"RampartBaseline","type":"` + report.Type + `",
		"properties":{"checks":{"ssh-permit-root-login":{"state":"fail"},"ssh-ciphers":{"state":"pass"}}}}`)
	w.put(machine, report)

	var id string
	for _, r := range library.Recommendations {
		if r.Name == "machine-ssh-permit-root-login" {
			id = r.ID
		}
	}
	ev, err := Explain(t.Context(), w.estate(), machine.ID, id)
	if err != nil {
		t.Fatal(err)
	}
	f := ev.Fix
	if f == nil {
		t.Fatal("there is no fix")
	}
	if f.Patch != "" || f.Shell == "" || !strings.Contains(f.Before, "fail") || !strings.Contains(f.After, "pass") {
		t.Errorf("fix = %+v, want commands and the report before and after", f)
	}
	if len(f.SideEffects) != 0 {
		t.Errorf("side effects = %+v, want none: the other check stays as it is", f.SideEffects)
	}
}

func TestFixUnderRules(t *testing.T) {
	w := newWorldOf(t, findingsLibrary(t))
	web := w.machine("web")
	w.put(web, w.baseline(web, checks{"c0": "fail high", "c1": "fail high"}))
	w.disable(testSub, "c1", when(map[string]any{"findingIds": []string{"c1"}}))
	// The fix lets c0 pass in the report, whose summary is then worked out
	// without c1.
	ev, err := Explain(t.Context(), w.estate(), web.ID, hardenedID)
	if err != nil || ev.Assessment.State != Unhealthy || ev.Fix == nil {
		t.Fatalf("evidence = %+v, %v; want a fix", ev, err)
	}
}

func TestWhatIfUnderRules(t *testing.T) {
	w := newWorldOf(t, findingsLibrary(t))
	web := w.machine("web")
	report := w.baseline(web, checks{"c0": "fail high", "c1": "pass high"})
	w.put(web, report)
	v := w.disable(testSub, "c1", when(map[string]any{"findingIds": []string{"c1"}}))
	was := dump(v)
	worse := w.baseline(web, checks{"c0": "pass high", "c1": "fail high"})
	got, err := WhatIf(t.Context(), w.estate(), []Hypothetical{{ResourceID: report.ID, Body: worse.Body}})
	if err != nil || len(got.Flips) != 1 || got.Flips[0].State != Healthy || got.After.Percent <= got.Before.Percent {
		t.Errorf("what if c1 fails instead = %+v, %v; want healthy", got, err)
	}
	w.clock.pass(2 * time.Minute)
	if now := strings.Join(dump(w.step()), "\n"); now != strings.Join(was, "\n") {
		t.Errorf("the question changed something:\n%s", now)
	}
}

func TestPreviewExemption(t *testing.T) {
	w := newWorld(t)
	w.put(w.account("one", false, false), w.account("two", false, false), w.account("three", true, false))
	id, before := rec(t, "storage-https"), dump(w.estate().View())
	p, err := PreviewExemption(w.estate().View(), id, Scope{}, nil)
	if err != nil || p.Count != 2 || !p.Tried || p.After.Percent != 100 || p.Before.Percent >= 100 {
		t.Errorf("everything: %+v, %v", p, err)
	}
	only := func(body string) []policy.Selector {
		x, err := policy.ParseExemption(json.RawMessage(`{"id":"` + testSub + `/providers/Microsoft.Authorization/policyExemptions/x","properties":{"policyAssignmentId":"a","exemptionCategory":"Waiver","resourceSelectors":[{"selectors":[` + body + `]}]}}`))
		if err != nil {
			t.Fatal(err)
		}
		return x.Selectors
	}
	for body, want := range map[string]int{
		`{"kind":"resourceLocation","in":["West Europe"]}`:     2,
		`{"kind":"resourceLocation","notIn":["westeurope"]}`:   0,
		`{"kind":"resourceType","in":["` + storageType + `"]}`: 2,
	} {
		if p, err := PreviewExemption(w.estate().View(), id, Scope{ID: testSub}, only(body)); err != nil || p.Count != want {
			t.Errorf("%s: %+v, %v; want %d", body, p, err, want)
		}
	}
	if _, err := PreviewExemption(w.estate().View(), "none", Scope{}, nil); !arm.IsNotFound(err) {
		t.Errorf("unknown recommendation: %v", err)
	}
	if diff := cmp.Diff(before, dump(w.step())); diff != "" {
		t.Errorf("the preview changed the estate:\n%s", diff)
	}
}

func TestEvidenceAndFix(t *testing.T) {
	w := newWorld(t)
	doc := w.account("one", false, true)
	w.put(doc)
	ev, err := Explain(t.Context(), w.estate(), doc.ID, rec(t, "storage-https"))
	if err != nil {
		t.Fatal(err)
	}
	if len(ev.Found) == 0 || ev.Found[0].Path != "properties.supportsHttpsTrafficOnly" || ev.Found[0].Found != "false" || ev.Found[0].Wanted != "true" {
		t.Errorf("evidence = %+v, want the property, false, wanted true", ev.Found)
	}
	f := ev.Fix
	if f == nil {
		t.Fatal("there is no fix")
	}
	if !strings.Contains(f.Before, "false") || !strings.Contains(f.After, "true") || !strings.Contains(f.Az, doc.ID) || f.GainPoints != 4 {
		t.Errorf("fix = %+v", f)
	}
	if _, err := Explain(t.Context(), w.estate(), doc.ID, rec(t, "vault-purge")); !arm.IsNotFound(err) {
		t.Errorf("evidence of what does not apply: %v, want not found", err)
	}
}

func TestWhatIfChangesNothing(t *testing.T) {
	w := newWorld(t)
	w.put(w.account("one", false, false), w.account("two", true, false))
	before := dump(w.estate().View())
	patch := json.RawMessage(`[{"op":"add","path":"/properties/supportsHttpsTrafficOnly","value":true}]`)
	one, two := w.account("one", false, false).ID, w.account("two", false, false).ID
	res, err := WhatIf(t.Context(), w.estate(), []Hypothetical{{ResourceID: one, Patch: patch}})
	if err != nil || res.Before.Percent != 80 || res.After.Percent != 100 || len(res.Flips) != 1 || res.Flips[0].State != Healthy {
		t.Fatalf("what if one is fixed = %+v, %v; want 80 to 100 by one flip", res, err)
	}
	res, err = WhatIf(t.Context(), w.estate(), []Hypothetical{{ResourceID: one, Exempt: rec(t, "storage-https")}})
	if err != nil || res.After.Percent != 100 {
		t.Errorf("what if one is exempt = %+v, %v; want 100", res.After, err)
	}
	res, err = WhatIf(t.Context(), w.estate(), []Hypothetical{{
		ResourceID: two + "b", Body: json.RawMessage(`{"properties":{"supportsHttpsTrafficOnly":false,"allowBlobPublicAccess":true}}`),
	}})
	if err != nil || res.After.Percent >= res.Before.Percent {
		t.Errorf("what if there was a bad one more = %+v, %v", res, err)
	}
	if after := dump(w.step()); strings.Join(after, "\n") != strings.Join(before, "\n") {
		t.Errorf("the estate changed:\n%s\n->\n%s", before, after)
	}
	for name, h := range map[string]Hypothetical{
		"unknown":  {ResourceID: one + "x", Patch: patch},
		"badPatch": {ResourceID: one, Patch: json.RawMessage(`[{"op":"remove","path":"/nothing"}]`)},
		"badBody":  {ResourceID: one, Body: json.RawMessage(`{`)},
	} {
		if _, err := WhatIf(t.Context(), w.estate(), []Hypothetical{h}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestPlanReachesTheTop(t *testing.T) {
	w := newWorld(t)
	bad := w.account("two", false, true)
	w.put(w.account("one", true, true), bad, w.account("three", false, false))
	steps, err := Plan(t.Context(), w.estate().View(), Scope{}, 10)
	if err != nil {
		t.Fatal(err)
	}
	sum := w.estate().View().Score(Scope{}).Percent
	for _, s := range steps {
		sum += s.Gain
	}
	if len(steps) != 2 || !near(sum, 100, 1e-9) || len(steps[0].Resources) != 2 {
		t.Errorf("plan = %+v, sums up to %v; want two steps to 100", steps, sum)
	}
}

// TestWhatIfFixedAndRefused takes assessments as healthy, in a scope and on one
// resource, and leaves out what cannot be tried.
func TestWhatIfFixedAndRefused(t *testing.T) {
	w := newWorld(t)
	one, two := w.account("one", false, false), w.account("two", false, false)
	w.put(one, two)
	https := rec(t, "storage-https")
	before := dump(w.estate().View())
	all, err := WhatIf(t.Context(), w.estate(), []Hypothetical{{Fixed: https}})
	if err != nil || len(all.Flips) != 2 || all.Flips[0].State != Healthy || all.After.Percent <= all.Before.Percent {
		t.Fatalf("fixed everywhere: %+v, %v", all.Flips, err)
	}
	// what is taken as healthy is what a patch makes so
	patch := json.RawMessage(`[{"op":"add","path":"/properties/supportsHttpsTrafficOnly","value":true}]`)
	patched, err := WhatIf(t.Context(), w.estate(), []Hypothetical{{ResourceID: one.ID, Patch: patch}, {ResourceID: two.ID, Patch: patch}})
	if err != nil || patched.After != all.After {
		t.Errorf("patched everywhere: %+v, %v; want %+v", patched.After, err, all.After)
	}
	some, err := WhatIf(t.Context(), w.estate(), []Hypothetical{
		{ResourceID: one.ID, Fixed: https}, {ResourceID: one.ID + "x", Fixed: https}, {ResourceID: two.ID, Fixed: "none"}, {ResourceID: two.ID, Body: json.RawMessage(`{`)}})
	if err != nil || len(some.Flips) != 1 || len(some.Refused) != 3 {
		t.Fatalf("one of four: %+v, refused %+v, %v", some.Flips, some.Refused, err)
	}
	for i, r := range some.Refused {
		if r.Index != i+1 || r.Reason == nil {
			t.Errorf("refusal %d: %+v", i, r)
		}
	}
	worse, err := WhatIf(t.Context(), w.estate(), []Hypothetical{{ResourceID: one.ID + "new", Body: json.RawMessage(`{"properties":{"supportsHttpsTrafficOnly":false}}`)}})
	if err != nil || !slices.ContainsFunc(worse.Unhealthy, func(a Assessment) bool { return a.ResourceID == one.ID+"new" && a.Recommendation.ID == https }) {
		t.Errorf("what would be unhealthy: %+v, %v", worse.Unhealthy, err)
	}
	if after := dump(w.step()); strings.Join(after, "\n") != strings.Join(before, "\n") {
		t.Errorf("the estate changed:\n%s\n->\n%s", before, after)
	}
}

// TestWhatIfRemembersNothing tries a change under an exemption.
func TestWhatIfRemembersNothing(t *testing.T) {
	w := newWorld(t)
	doc := w.tls("SSL3")
	w.put(doc)
	own := w.own()
	w.waiveOwn("1")
	res, err := WhatIf(t.Context(), w.estate(), []Hypothetical{{ResourceID: doc.ID, Body: w.tls("TLS1_1").Body}})
	if err != nil || len(res.Flips) != 1 || res.Flips[0].State != Unhealthy {
		t.Errorf("what if = %+v, %v; want it re-opened", res.Flips, err)
	}
	w.wantAssessment(w.step(), doc.ID, own, Exempt, "")
	if len(w.estate().Reopened()) > 0 {
		t.Error("a what-if re-opened the exemption")
	}
}

func TestRuleDisablesFindings(t *testing.T) {
	w := newWorldOf(t, findingsLibrary(t))
	web, db := w.machine("web"), w.machine("db")
	v := w.put(web, db, w.baseline(web, checks{"ssh": "fail high", "umask": "pass medium"}), w.baseline(db, checks{"ssh": "fail high", "umask": "fail medium"}))
	if got := is(t, v, web.ID, hardenedID); got != "unhealthy" {
		t.Fatalf("before: %s", got)
	}
	before := v.Score(Scope{}).Percent

	w.clock.pass(time.Minute)
	v = w.disable(testSub, "ssh", when(map[string]any{"findingIds": []string{"SSH"}}))
	if got := is(t, v, web.ID, hardenedID); got != "healthy 1 finding is disabled by rule" {
		t.Errorf("web = %s", got)
	}
	if got := is(t, v, db.ID, hardenedID); got != "unhealthy" {
		t.Errorf("db = %s, want unhealthy: umask still fails", got)
	}
	if after := v.Score(Scope{}).Percent; after <= before {
		t.Errorf("score %v after %v", after, before)
	}
	all, err := w.estate().Findings(t.Context(), web.ID, hardenedID)
	if err != nil || len(all) != 2 || all[1].State != Exempt || all[1].Disabled == nil || all[1].Disabled.Reason != "because" || all[1].Key != "ssh" {
		t.Errorf("findings = %+v, %v", all, err)
	}
	ev, err := Explain(t.Context(), w.estate(), web.ID, hardenedID)
	if err != nil || len(ev.Found) == 0 || !strings.Contains(ev.Found[0].Found, "pass") {
		t.Errorf("evidence = %+v, %v; want the state as it is judged", ev, err)
	}
	why, err := w.estate().History().Why(t.Context(), Scope{}, w.clock.now().Add(-time.Second), w.clock.now())
	if err != nil || len(why) != 1 || why[0].Cause != "exemption changed" || why[0].Delta <= 0 {
		t.Errorf("why = %+v, %v", why, err)
	}

	v = w.enable(testSub, "ssh")
	if got := is(t, v, web.ID, hardenedID); got != "unhealthy" {
		t.Errorf("without the rule: %s", got)
	}
}

func BenchmarkWhatIf1000(b *testing.B) {
	be := bench(b)
	var changes []Hypothetical
	for i := range 1000 {
		changes = append(changes, Hypothetical{ResourceID: benchAccount(100 + i), Body: json.RawMessage(`{"location":"westeurope","properties":{}}`)})
	}
	for b.Loop() {
		if _, err := WhatIf(b.Context(), be.e, changes); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPlan10(b *testing.B) {
	be := bench(b)
	for b.Loop() {
		if _, err := Plan(b.Context(), be.e.View(), Scope{}, 10); err != nil {
			b.Fatal(err)
		}
	}
}
