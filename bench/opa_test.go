package bench

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
)

// opaQuery is all twelve rules in one prepared query, OPA's fastest form here.
func opaQuery(tb testing.TB) rego.PreparedEvalQuery {
	tb.Helper()
	var module strings.Builder
	module.WriteString("package bench\n")
	for _, r := range Rules {
		fmt.Fprintf(&module, "violation contains %q if {\n\tlower(input.type) == %q\n\t%s\n}\n", r.Name, strings.ToLower(r.Type), r.Rego)
	}
	query, err := rego.New(rego.Query("data.bench.violation"), rego.Module("bench.rego", module.String())).PrepareForEval(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return query
}

func opaInputs(tb testing.TB, estate []Resource) []ast.Value {
	tb.Helper()
	out := make([]ast.Value, len(estate))
	for i, r := range estate {
		v, err := ast.ValueFromReader(strings.NewReader(string(r.Body)))
		if err != nil {
			tb.Fatal(err)
		}
		out[i] = v
	}
	return out
}

func opaViolations(ctx context.Context, tb testing.TB, query rego.PreparedEvalQuery, input ast.Value) int {
	rs, err := query.Eval(ctx, rego.EvalParsedInput(input))
	if err != nil {
		tb.Fatal(err)
	}
	set, ok := rs[0].Expressions[0].Value.([]any)
	if !ok {
		tb.Fatalf("violation is %T", rs[0].Expressions[0].Value)
	}
	return len(set)
}

// BenchmarkOPAPrepared is one resource against the twelve rules, its input
// parsed beforehand.
func BenchmarkOPAPrepared(b *testing.B) {
	query, inputs := opaQuery(b), opaInputs(b, Estate(1000, 1))
	b.ReportAllocs()
	i := 0
	start := processTime(b)
	for b.Loop() {
		opaViolations(b.Context(), b, query, inputs[i%len(inputs)])
		i++
	}
	b.ReportMetric(float64((processTime(b)-start).Nanoseconds())/float64(i), "cpu-ns/resource")
}
