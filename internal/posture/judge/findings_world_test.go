package judge

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/finding"
	"github.com/rampart-sec/rampart/internal/posture/index"
)

const (
	machineType = "Microsoft.HybridCompute/machines"
	holesType   = "Microsoft.Security/vulnerabilityReports"
	testGroup   = TestSub + "/resourceGroups/rg"
)

// The recommendations over reports of the findings' library.
const (
	HardenedID = "aaaaaaaa-0000-0000-0000-000000000001"
	holesID    = "aaaaaaaa-0000-0000-0000-000000000002"
)

// FindingsLibrary is the small library with two counted recommendations whose
// findings can be disabled: one over a baseline, one over a list.
func FindingsLibrary(t testing.TB) *content.Library {
	t.Helper()
	files := fstest.MapFS{}
	for name, f := range testContent.(fstest.MapFS) {
		files[name] = f
	}
	for _, r := range []struct{ id, name, control, typ, condition, good, bad, extra string }{
		{HardenedID, "machine-hardened", "transit", finding.BaselineType, "{field: " + finding.BaselineType + "/baseline.state, equals: pass}",
			"baseline: {state: pass}", "baseline: {state: fail}", "findingsOf: baseline"},
		{holesID, "machine-holes", "network", holesType, "{field: " + holesType + "/fixable.high, equals: 0}",
			"fixable: {high: 0}", "fixable: {high: 1}", "findingsOf: report"},
	} {
		files["policies/test/"+r.name+".yaml"] = &fstest.MapFile{Data: []byte(reportYAML(r.id, r.name, r.control, r.typ, r.condition, r.good, r.bad, r.extra))}
	}
	lib, err := content.LoadFS(files)
	if err != nil {
		t.Fatal(err)
	}
	return lib
}

func reportYAML(id, name, control, typ, condition, good, bad, extra string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "id: %s\nname: %s\nversion: 1.0.0\ntitle: %s should be right\ndescription: d\nthreat: t\nthreats: [dataExfiltration]\n", id, name, name)
	fmt.Fprintf(&b, "severity: high\ncontrol: %s\ncategory: Compute\ntypes: [%s]\n%s\neffect: auditIfNotExists\n", control, machineType, extra)
	fmt.Fprintf(&b, "if: {field: type, equals: %s}\ndetails:\n  type: %s\n  existenceCondition: %s\n", machineType, typ, condition)
	b.WriteString("remediation:\n  steps: [fix it]\n  shell: x\n  expect: [{op: add, path: /properties/checks/c0/state, value: pass}]\n")
	b.WriteString("effort: low\nuserImpact: low\nimpactNote: None.\ntactics: [Impact]\ntechniques: [T1485]\nstandards:\n  mcsb: [A-1]\nexamples:\n")
	for _, x := range [][3]string{{"good", "healthy", good}, {"bad", "unhealthy", bad}} {
		machine := testGroup + "/providers/" + machineType + "/x"
		fmt.Fprintf(&b, "- name: %s\n  want: %s\n  resource: {id: %s, name: x, type: %s, location: westeurope}\n  related:\n  - {id: %s/providers/%s/default, name: default, type: %s, properties: {%s}}\n",
			x[0], x[1], machine, machineType, machine, typ, typ, x[2])
	}
	return b.String()
}

// Machine is a machine's document.
func (w *world) Machine(name string) wire.Document {
	return w.Doc(machineType, name, map[string]any{"status": "Connected", "osName": "linux"})
}

// Checks are a machine's results: check id to "state severity".
type Checks map[string]string

// Baseline is the report of a machine's checks, summed up as the agent does.
func (w *world) Baseline(machine wire.Document, of Checks) wire.Document {
	results := map[string]any{}
	state, failed, unavailable := "pass", 0, []string(nil)
	for id, text := range of {
		is, severity, _ := strings.Cut(text, " ")
		results[id] = map[string]any{"state": is, "severity": severity, "title": "Check " + id}
		if is == "fail" {
			failed++
		}
		switch {
		case severity == "low":
		case is == "fail":
			state = "fail"
		case is == "unknown" && state == "pass":
			state = "unknown"
		}
	}
	if state == "unknown" {
		unavailable = []string{"properties.baseline.state some checks could not be made"}
	}
	return w.report(machine, finding.BaselineType, finding.BaselineName, map[string]any{"baseline": map[string]any{"state": state, "failed": failed}, "checks": results}, unavailable...)
}

// holes is the report of a scanner: "id severity", with a fix.
func (w *world) holes(machine wire.Document, found ...string) wire.Document {
	var list []any
	fixable := map[string]int{"critical": 0, "high": 0, "medium": 0, "low": 0}
	for _, text := range found {
		id, severity, _ := strings.Cut(text, " ")
		list = append(list, map[string]any{"cve": id, "severity": severity, "fixedVersion": "2", "title": "Hole " + id})
		fixable[severity]++
	}
	return w.report(machine, holesType, "default", map[string]any{"fixable": fixable, "vulnerabilities": list})
}

func (w *world) report(machine wire.Document, typ, name string, properties map[string]any, unavailable ...string) wire.Document {
	id := machine.ID + "/providers/" + typ + "/" + name
	body := mustJSON(w.t, map[string]any{"id": id, "name": name, "type": typ, "properties": properties})
	return wire.Document{ID: id, Type: typ, Source: "test", ObservedAt: w.Clock.Now(), Body: body, Unavailable: unavailable}
}

// Disable writes a rule.
func (w *world) Disable(scope, name string, properties map[string]any) *index.View {
	for key, value := range map[string]any{"displayName": name, "reason": "because"} {
		if properties[key] == nil {
			properties[key] = value
		}
	}
	return w.object(finding.Kind, ruleID(scope, name), properties)
}

func ruleID(scope, name string) string { return scope + "/providers/" + finding.Type + "/" + name }

func (w *world) Enable(scope, name string) *index.View {
	w.update(func(ctx context.Context, tx *store.Tx) error {
		return tx.DeleteObject(ctx, "", finding.Kind, ruleID(scope, name), "")
	})
	return w.Step()
}

// Is is an assessment's state and reason.
func Is(t *testing.T, v *index.View, resource, recommendation string) string {
	t.Helper()
	a, ok := v.Assessment(resource, recommendation)
	if !ok {
		return "none"
	}
	return strings.TrimSpace(a.State.String() + " " + a.Reason)
}

func When(conditions map[string]any) map[string]any { return map[string]any{"conditions": conditions} }

func until(at time.Time, conditions map[string]any) map[string]any {
	return map[string]any{"conditions": conditions, "expiresOn": at.Format(time.RFC3339)}
}
