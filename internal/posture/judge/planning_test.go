package judge_test

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
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/judge"
	"github.com/rampart-sec/rampart/internal/posture/planning"
	"github.com/rampart-sec/rampart/internal/posture/policy"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// TestCommandsAreProvenByTheirReport asks for the fix of a failed check on a
// machine: commands, with the report that they lead to, evaluated.
func TestCommandsAreProvenByTheirReport(t *testing.T) {
	w := judge.NewWorld(t)
	library, err := content.Load()
	if err != nil {
		t.Fatal(err)
	}
	judge, err := judge.New(judge.Options{
		Store: w.Db, Inventory: w.Inv, Library: library, Now: w.Clock.Now, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Judge = judge
	w.Step()
	machine := w.Doc("Microsoft.HybridCompute/machines", "web01", map[string]any{"osType": "linux"})
	report := wire.Document{
		ID:   machine.ID + "/providers/Microsoft.GuestConfiguration/guestConfigurationAssignments/RampartBaseline",
		Type: "Microsoft.GuestConfiguration/guestConfigurationAssignments", Source: "test", ObservedAt: w.Clock.Now(),
	}
	report.Body = json.RawMessage(`{"id":"` + report.ID + `","name":"RampartBaseline","type":"` + report.Type + `",
		"properties":{"checks":{"ssh-permit-root-login":{"state":"fail"},"ssh-ciphers":{"state":"pass"}}}}`)
	w.Put(machine, report)

	var id string
	for _, r := range library.Recommendations {
		if r.Name == "machine-ssh-permit-root-login" {
			id = r.ID
		}
	}
	ev, err := planning.Explain(t.Context(), w.Estate(), machine.ID, id)
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
	w := judge.NewWorldOf(t, judge.FindingsLibrary(t))
	web := w.Machine("web")
	w.Put(web, w.Baseline(web, judge.Checks{"c0": "fail high", "c1": "fail high"}))
	w.Disable(judge.TestSub, "c1", judge.When(map[string]any{"findingIds": []string{"c1"}}))
	// The fix lets c0 pass in the report, whose summary is then worked out
	// without c1.
	ev, err := planning.Explain(t.Context(), w.Estate(), web.ID, judge.HardenedID)
	if err != nil || ev.Assessment.State != record.Unhealthy || ev.Fix == nil {
		t.Fatalf("evidence = %+v, %v; want a fix", ev, err)
	}
}

func TestWhatIfUnderRules(t *testing.T) {
	w := judge.NewWorldOf(t, judge.FindingsLibrary(t))
	web := w.Machine("web")
	report := w.Baseline(web, judge.Checks{"c0": "fail high", "c1": "pass high"})
	w.Put(web, report)
	v := w.Disable(judge.TestSub, "c1", judge.When(map[string]any{"findingIds": []string{"c1"}}))
	was := judge.Dump(v)
	worse := w.Baseline(web, judge.Checks{"c0": "pass high", "c1": "fail high"})
	got, err := planning.WhatIf(t.Context(), w.Estate(), []planning.Hypothetical{{ResourceID: report.ID, Body: worse.Body}})
	if err != nil || len(got.Changes) != 1 || got.Changes[0].State != record.Healthy || got.After.Percent <= got.Before.Percent {
		t.Errorf("what if c1 fails instead = %+v, %v; want healthy", got, err)
	}
	w.Clock.Pass(2 * time.Minute)
	if now := strings.Join(judge.Dump(w.Step()), "\n"); now != strings.Join(was, "\n") {
		t.Errorf("the question changed something:\n%s", now)
	}
}

func TestPreviewExemption(t *testing.T) {
	w := judge.NewWorld(t)
	w.Put(w.Account("one", false, false), w.Account("two", false, false), w.Account("three", true, false))
	id, before := judge.Rec(t, "storage-https"), judge.Dump(w.Estate().View())
	p, err := planning.PreviewExemption(w.Estate().View(), id, index.Scope{}, nil)
	if err != nil || p.Count != 2 || !p.Tried || p.After.Percent != 100 || p.Before.Percent >= 100 {
		t.Errorf("everything: %+v, %v", p, err)
	}
	only := func(body string) []policy.Selector {
		x, err := policy.ParseExemption(json.RawMessage(`{"id":"` + judge.TestSub + `/providers/Microsoft.Authorization/policyExemptions/x","properties":{"policyAssignmentId":"a","exemptionCategory":"Waiver","resourceSelectors":[{"selectors":[` + body + `]}]}}`))
		if err != nil {
			t.Fatal(err)
		}
		return x.Selectors
	}
	for body, want := range map[string]int{
		`{"kind":"resourceLocation","in":["West Europe"]}`:           2,
		`{"kind":"resourceLocation","notIn":["westeurope"]}`:         0,
		`{"kind":"resourceType","in":["` + judge.StorageType + `"]}`: 2,
	} {
		if p, err := planning.PreviewExemption(w.Estate().View(), id, index.Scope{ID: judge.TestSub}, only(body)); err != nil || p.Count != want {
			t.Errorf("%s: %+v, %v; want %d", body, p, err, want)
		}
	}
	if _, err := planning.PreviewExemption(w.Estate().View(), "none", index.Scope{}, nil); !arm.IsNotFound(err) {
		t.Errorf("unknown recommendation: %v", err)
	}
	if diff := cmp.Diff(before, judge.Dump(w.Step())); diff != "" {
		t.Errorf("the preview changed the estate:\n%s", diff)
	}
}

func TestEvidenceAndFix(t *testing.T) {
	w := judge.NewWorld(t)
	doc := w.Account("one", false, true)
	w.Put(doc)
	ev, err := planning.Explain(t.Context(), w.Estate(), doc.ID, judge.Rec(t, "storage-https"))
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
	if _, err := planning.Explain(t.Context(), w.Estate(), doc.ID, judge.Rec(t, "vault-purge")); !arm.IsNotFound(err) {
		t.Errorf("evidence of what does not apply: %v, want not found", err)
	}
}

func TestWhatIfChangesNothing(t *testing.T) {
	w := judge.NewWorld(t)
	w.Put(w.Account("one", false, false), w.Account("two", true, false))
	before := judge.Dump(w.Estate().View())
	patch := json.RawMessage(`[{"op":"add","path":"/properties/supportsHttpsTrafficOnly","value":true}]`)
	one, two := w.Account("one", false, false).ID, w.Account("two", false, false).ID
	res, err := planning.WhatIf(t.Context(), w.Estate(), []planning.Hypothetical{{ResourceID: one, Patch: patch}})
	if err != nil || res.Before.Percent != 80 || res.After.Percent != 100 || len(res.Changes) != 1 || res.Changes[0].State != record.Healthy {
		t.Fatalf("what if one is fixed = %+v, %v; want 80 to 100 by one flip", res, err)
	}
	res, err = planning.WhatIf(t.Context(), w.Estate(), []planning.Hypothetical{{ResourceID: one, Exempt: judge.Rec(t, "storage-https")}})
	if err != nil || res.After.Percent != 100 {
		t.Errorf("what if one is exempt = %+v, %v; want 100", res.After, err)
	}
	res, err = planning.WhatIf(t.Context(), w.Estate(), []planning.Hypothetical{{
		ResourceID: two + "b", Body: json.RawMessage(`{"properties":{"supportsHttpsTrafficOnly":false,"allowBlobPublicAccess":true}}`),
	}})
	if err != nil || res.After.Percent >= res.Before.Percent {
		t.Errorf("what if there was a bad one more = %+v, %v", res, err)
	}
	if after := judge.Dump(w.Step()); strings.Join(after, "\n") != strings.Join(before, "\n") {
		t.Errorf("the estate changed:\n%s\n->\n%s", before, after)
	}
	for name, h := range map[string]planning.Hypothetical{
		"unknown":  {ResourceID: one + "x", Patch: patch},
		"badPatch": {ResourceID: one, Patch: json.RawMessage(`[{"op":"remove","path":"/nothing"}]`)},
		"badBody":  {ResourceID: one, Body: json.RawMessage(`{`)},
	} {
		if _, err := planning.WhatIf(t.Context(), w.Estate(), []planning.Hypothetical{h}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestPlanReachesTheTop(t *testing.T) {
	w := judge.NewWorld(t)
	bad := w.Account("two", false, true)
	w.Put(w.Account("one", true, true), bad, w.Account("three", false, false))
	steps, err := new(planning.Plans).Plan(t.Context(), "", w.Estate().View(), index.Scope{}, 10)
	if err != nil {
		t.Fatal(err)
	}
	sum := w.Estate().View().Score(index.Scope{}).Percent
	for _, s := range steps {
		sum += s.Gain
	}
	if len(steps) != 2 || !judge.Near(sum, 100, 1e-9) || len(steps[0].Resources) != 2 {
		t.Errorf("plan = %+v, sums up to %v; want two steps to 100", steps, sum)
	}
}

// TestWhatIfFixedAndRefused takes assessments as healthy, in a scope and on one
// resource, and leaves out what cannot be tried.
func TestWhatIfFixedAndRefused(t *testing.T) {
	w := judge.NewWorld(t)
	one, two := w.Account("one", false, false), w.Account("two", false, false)
	w.Put(one, two)
	https := judge.Rec(t, "storage-https")
	before := judge.Dump(w.Estate().View())
	all, err := planning.WhatIf(t.Context(), w.Estate(), []planning.Hypothetical{{Fixed: https}})
	if err != nil || len(all.Changes) != 2 || all.Changes[0].State != record.Healthy || all.After.Percent <= all.Before.Percent {
		t.Fatalf("fixed everywhere: %+v, %v", all.Changes, err)
	}
	// what is taken as healthy is what a patch makes so
	patch := json.RawMessage(`[{"op":"add","path":"/properties/supportsHttpsTrafficOnly","value":true}]`)
	patched, err := planning.WhatIf(t.Context(), w.Estate(), []planning.Hypothetical{{ResourceID: one.ID, Patch: patch}, {ResourceID: two.ID, Patch: patch}})
	if err != nil || patched.After != all.After {
		t.Errorf("patched everywhere: %+v, %v; want %+v", patched.After, err, all.After)
	}
	some, err := planning.WhatIf(t.Context(), w.Estate(), []planning.Hypothetical{
		{ResourceID: one.ID, Fixed: https}, {ResourceID: one.ID + "x", Fixed: https}, {ResourceID: two.ID, Fixed: "none"}, {ResourceID: two.ID, Body: json.RawMessage(`{`)}})
	if err != nil || len(some.Changes) != 1 || len(some.Refused) != 3 {
		t.Fatalf("one of four: %+v, refused %+v, %v", some.Changes, some.Refused, err)
	}
	for i, r := range some.Refused {
		if r.Index != i+1 || r.Reason == nil {
			t.Errorf("refusal %d: %+v", i, r)
		}
	}
	worse, err := planning.WhatIf(t.Context(), w.Estate(), []planning.Hypothetical{{ResourceID: one.ID + "new", Body: json.RawMessage(`{"properties":{"supportsHttpsTrafficOnly":false}}`)}})
	if err != nil || !slices.ContainsFunc(worse.Unhealthy, func(a record.Assessment) bool { return a.ResourceID == one.ID+"new" && a.Recommendation.ID == https }) {
		t.Errorf("what would be unhealthy: %+v, %v", worse.Unhealthy, err)
	}
	if after := judge.Dump(w.Step()); strings.Join(after, "\n") != strings.Join(before, "\n") {
		t.Errorf("the estate changed:\n%s\n->\n%s", before, after)
	}
}

// TestWhatIfRemembersNothing tries a change under an exemption.
func TestWhatIfRemembersNothing(t *testing.T) {
	w := judge.NewWorld(t)
	doc := w.Tls("SSL3")
	w.Put(doc)
	own := w.Own()
	w.WaiveOwn("1")
	res, err := planning.WhatIf(t.Context(), w.Estate(), []planning.Hypothetical{{ResourceID: doc.ID, Body: w.Tls("TLS1_1").Body}})
	if err != nil || len(res.Changes) != 1 || res.Changes[0].State != record.Unhealthy {
		t.Errorf("what if = %+v, %v; want it re-opened", res.Changes, err)
	}
	w.WantAssessment(w.Step(), doc.ID, own, record.Exempt, "")
	if len(w.Estate().Reopened()) > 0 {
		t.Error("a what-if re-opened the exemption")
	}
}

func TestRuleDisablesFindings(t *testing.T) {
	w := judge.NewWorldOf(t, judge.FindingsLibrary(t))
	web, db := w.Machine("web"), w.Machine("db")
	v := w.Put(web, db, w.Baseline(web, judge.Checks{"ssh": "fail high", "umask": "pass medium"}), w.Baseline(db, judge.Checks{"ssh": "fail high", "umask": "fail medium"}))
	if got := judge.Is(t, v, web.ID, judge.HardenedID); got != "unhealthy" {
		t.Fatalf("before: %s", got)
	}
	before := v.Score(index.Scope{}).Percent

	w.Clock.Pass(time.Minute)
	v = w.Disable(judge.TestSub, "ssh", judge.When(map[string]any{"findingIds": []string{"SSH"}}))
	if got := judge.Is(t, v, web.ID, judge.HardenedID); got != "healthy 1 finding is disabled by rule" {
		t.Errorf("web = %s", got)
	}
	if got := judge.Is(t, v, db.ID, judge.HardenedID); got != "unhealthy" {
		t.Errorf("db = %s, want unhealthy: umask still fails", got)
	}
	if after := v.Score(index.Scope{}).Percent; after <= before {
		t.Errorf("score %v after %v", after, before)
	}
	all, err := w.Estate().Findings(t.Context(), web.ID, judge.HardenedID)
	if err != nil || len(all) != 2 || all[1].State != record.Exempt || all[1].Disabled == nil || all[1].Disabled.Reason != "because" || all[1].Key != "ssh" {
		t.Errorf("findings = %+v, %v", all, err)
	}
	ev, err := planning.Explain(t.Context(), w.Estate(), web.ID, judge.HardenedID)
	if err != nil || len(ev.Found) == 0 || !strings.Contains(ev.Found[0].Found, "pass") {
		t.Errorf("evidence = %+v, %v; want the state as it is judged", ev, err)
	}
	why, err := w.Estate().History().Why(t.Context(), index.Scope{}, w.Clock.Now().Add(-time.Second), w.Clock.Now())
	if err != nil || len(why) != 1 || why[0].Cause != "exemption changed" || why[0].Delta <= 0 {
		t.Errorf("why = %+v, %v", why, err)
	}

	v = w.Enable(judge.TestSub, "ssh")
	if got := judge.Is(t, v, web.ID, judge.HardenedID); got != "unhealthy" {
		t.Errorf("without the rule: %s", got)
	}
}

func BenchmarkWhatIf1000(b *testing.B) {
	be := judge.Bench(b)
	var changes []planning.Hypothetical
	for i := range 1000 {
		changes = append(changes, planning.Hypothetical{ResourceID: judge.BenchAccount(100 + i), Body: json.RawMessage(`{"location":"westeurope","properties":{}}`)})
	}
	for b.Loop() {
		if _, err := planning.WhatIf(b.Context(), be.E, changes); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPlan10(b *testing.B) {
	be := judge.Bench(b)
	for b.Loop() {
		if _, err := new(planning.Plans).Plan(b.Context(), "", be.E.View(), index.Scope{}, 10); err != nil {
			b.Fatal(err)
		}
	}
}
