package bench

import (
	"encoding/json"
	"testing"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/ext"
)

// celPrograms are optimised programs, by resource type.
func celPrograms(tb testing.TB) map[string][]cel.Program {
	tb.Helper()
	env, err := cel.NewEnv(cel.Variable("r", cel.DynType), ext.Strings())
	if err != nil {
		tb.Fatal(err)
	}
	out := map[string][]cel.Program{}
	for _, r := range Rules {
		tree, issues := env.Compile(r.CEL)
		if issues.Err() != nil {
			tb.Fatalf("%s: %v", r.Name, issues.Err())
		}
		p, err := env.Program(tree, cel.EvalOptions(cel.OptOptimize))
		if err != nil {
			tb.Fatalf("%s: %v", r.Name, err)
		}
		out[r.Type] = append(out[r.Type], p)
	}
	return out
}

// celInputs are activations over parsed documents.
func celInputs(tb testing.TB, estate []Resource) []map[string]any {
	tb.Helper()
	out := make([]map[string]any, len(estate))
	for i, r := range estate {
		var doc map[string]any
		if err := json.Unmarshal(r.Body, &doc); err != nil {
			tb.Fatal(err)
		}
		out[i] = map[string]any{"r": doc}
	}
	return out
}

func celViolations(tb testing.TB, programs []cel.Program, input map[string]any) int {
	n := 0
	for _, p := range programs {
		v, _, err := p.Eval(input)
		if err != nil {
			tb.Fatal(err)
		}
		if v.Value() == true {
			n++
		}
	}
	return n
}

// BenchmarkCELApplicable is one rule on one resource of the rule's type; the
// caller has picked the rules by type, which is more than cel-go does itself.
func BenchmarkCELApplicable(b *testing.B) {
	programs, estate := celPrograms(b), Estate(1000, 1)
	inputs := celInputs(b, estate)
	b.ReportAllocs()
	i, evaluations := 0, 0
	start := processTime(b)
	for b.Loop() {
		ps := programs[estate[i%len(estate)].Type]
		celViolations(b, ps, inputs[i%len(estate)])
		evaluations += len(ps)
		i++
	}
	took := float64((processTime(b) - start).Nanoseconds())
	b.ReportMetric(took/float64(i), "cpu-ns/resource")
	b.ReportMetric(took/float64(evaluations), "cpu-ns/evaluation")
}
