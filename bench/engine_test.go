package bench

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/policy"
	"github.com/rampart-sec/rampart/internal/posture/policy/engine"
)

// policySet compiles the twelve rules as the policy language has them, all
// assigned at the tenant's root.
func policySet(tb testing.TB) *engine.Set {
	tb.Helper()
	in := engine.Input{Aliases: policy.NewAliases()}
	if err := in.Aliases.LoadTSV(strings.NewReader(aliases)); err != nil {
		tb.Fatal(err)
	}
	for _, r := range Rules {
		id := "/providers/Microsoft.Authorization/policyDefinitions/" + r.Name
		d, err := policy.ParseDefinition(fmt.Appendf(nil, `{"id":%q,"name":%q,"properties":{"mode":"All","policyRule":{"if":{"allOf":[
			{"field":"type","equals":%q},%s]},"then":{"effect":"audit"}}}}`, id, r.Name, r.Type, r.If))
		if err != nil {
			tb.Fatalf("%s: %v", r.Name, err)
		}
		a, err := policy.ParseAssignment(fmt.Appendf(nil,
			`{"id":"/providers/Microsoft.Authorization/policyAssignments/%s","properties":{"scope":"/","policyDefinitionId":%q}}`, r.Name, id))
		if err != nil {
			tb.Fatal(err)
		}
		in.Definitions, in.Assignments = append(in.Definitions, d), append(in.Assignments, a)
	}
	set, report, err := engine.Compile(in, engine.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	for _, f := range report.Failed {
		tb.Fatalf("%s: %v", f.DefinitionID, f.Err)
	}
	return set
}

// aliases are those of the rules that do not lie where their names say.
const aliases = "Microsoft.Compute/virtualMachines\tMicrosoft.Compute/imagePublisher\tproperties.storageProfile.imageReference.publisher\n" +
	"Microsoft.Compute/virtualMachines\tMicrosoft.Compute/virtualMachines/osDisk.managedDisk.id\tproperties.storageProfile.osDisk.managedDisk.id\n" +
	"Microsoft.Network/networkSecurityGroups\tMicrosoft.Network/networkSecurityGroups/securityRules[*].access\tproperties.securityRules[*].properties.access\n" +
	"Microsoft.Network/networkSecurityGroups\tMicrosoft.Network/networkSecurityGroups/securityRules[*].direction\tproperties.securityRules[*].properties.direction\n" +
	"Microsoft.Network/networkSecurityGroups\tMicrosoft.Network/networkSecurityGroups/securityRules[*].sourceAddressPrefix\tproperties.securityRules[*].properties.sourceAddressPrefix\n" +
	"Microsoft.Network/networkSecurityGroups\tMicrosoft.Network/networkSecurityGroups/securityRules[*].destinationPortRange\tproperties.securityRules[*].properties.destinationPortRange\n"

func resident(tb testing.TB, resources []Resource) *engine.Estate {
	tb.Helper()
	e := engine.NewEstate(policySet(tb))
	for i, r := range resources {
		if _, err := e.Load(uint32(i), &wire.Document{ID: r.ID, Type: r.Type, Body: r.Body}); err != nil {
			tb.Fatal(err)
		}
	}
	return e
}

// TestPeersAgree: all three find the same number of violations in every
// resource, so that they are measured on the same work.
func TestPeersAgree(t *testing.T) {
	estate := Estate(2000, 1)
	e := resident(t, estate)
	e.Evaluate(nil)
	query, inputs := opaQuery(t), opaInputs(t, estate)
	programs, docs := celPrograms(t), celInputs(t, estate)
	total := 0
	for i, r := range estate {
		ours := 0
		for _, v := range e.Verdicts(uint32(i), nil) {
			if v.State == policy.NonCompliant {
				ours++
			}
		}
		opa, cel := opaViolations(t.Context(), t, query, inputs[i]), celViolations(t, programs[r.Type], docs[i])
		if ours != opa || ours != cel {
			t.Fatalf("%s: Rampart finds %d violations, OPA %d, CEL %d in %s", r.ID, ours, opa, cel, r.Body)
		}
		total += ours
	}
	if total == 0 {
		t.Error("nothing is violated")
	}
}

// BenchmarkRampartResident is a sweep over resident resources; one processor
// (GOMAXPROCS=1) gives the number per core.
func BenchmarkRampartResident(b *testing.B) {
	e := resident(b, Estate(1000, 1)) // the peers' resources
	e.Evaluate(nil)
	b.ReportAllocs()
	evaluations := len(Rules) * e.Len() / 5 // 2.4 rules for each of five types
	start := processTime(b)
	for b.Loop() {
		e.Evaluate(nil)
	}
	took := float64((processTime(b) - start).Nanoseconds()) / float64(b.N)
	b.ReportMetric(took/float64(e.Len()), "cpu-ns/resource")
	b.ReportMetric(took/float64(evaluations), "cpu-ns/evaluation")
}

// BenchmarkRampartUpsert is one document from its bytes to its flips.
func BenchmarkRampartUpsert(b *testing.B) {
	first, second := Estate(10_000, 1), Estate(10_000, 2)
	e := resident(b, first)
	e.Evaluate(nil)
	b.ReportAllocs()
	i := 0
	start := processTime(b)
	for b.Loop() {
		r := first[i%len(first)]
		if i/len(first)%2 == 0 {
			r = second[i%len(first)]
			r.ID = first[i%len(first)].ID
		}
		if _, err := e.Upsert(uint32(i%len(first)), &wire.Document{ID: r.ID, Type: r.Type, Body: r.Body}); err != nil {
			b.Fatal(err)
		}
		i++
	}
	b.ReportMetric(float64((processTime(b)-start).Nanoseconds())/float64(b.N), "cpu-ns/op")
}
