// Package proof runs what recommendations bring with them: every example must
// get its state, every fix must heal the unhealthy examples, and, if asked,
// no condition may be removed without an example noticing.
//
// It must never import posture, a face or app: it judges files, not an estate.
package proof

import (
	"time"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// Options say how recommendations are run.
type Options struct {
	// Aliases resolves alias names; nil is the built-in table.
	Aliases *policy.Aliases
	// Now is the evaluation instant of all examples.
	Now time.Time
	// Mutate also removes each leaf condition in turn.
	Mutate bool
}

// words are the states as examples write them.
var words = map[policy.State]string{
	policy.NotApplicable: "notApplicable",
	policy.Compliant:     "healthy",
	policy.NonCompliant:  "unhealthy",
	policy.Unknown:       "unknown",
	policy.Error:         "error",
}

// Run proves recommendations, in their order. A result's Policy is the
// recommendation's name, its Example the example's, "fix of <example>" or
// "without <condition>". What cannot be run is a failed result.
func Run(list []*content.Recommendation, opt Options) []policy.TestResult {
	if opt.Aliases == nil {
		opt.Aliases = policy.NewAliases()
	}
	var results []policy.TestResult
	for _, r := range list {
		x := &runner{opt: opt, r: r}
		x.examples()
		x.fixes()
		if opt.Mutate {
			x.mutations()
		}
		results = append(results, x.results...)
	}
	return results
}

// runner collects the results of one recommendation.
type runner struct {
	opt     Options
	r       *content.Recommendation
	results []policy.TestResult
}

func (x *runner) add(example, want, got, reason string) {
	x.results = append(x.results, policy.TestResult{
		Policy: x.r.Name, Example: example, Want: want, Got: got, Reason: reason,
	})
}

func (x *runner) examples() {
	for i, e := range x.r.Examples {
		v, err := x.judge(x.r.Definition(), i, nil)
		if err != nil {
			x.add(e.Name, e.Want, "", err.Error())
			continue
		}
		x.add(e.Name, e.Want, words[v.State], v.Reason)
	}
}

// fixes applies the quick fix to each unhealthy example. What the fix makes
// not applicable is healed, too.
func (x *runner) fixes() {
	if !x.r.HasFix() {
		return
	}
	for i, e := range x.r.Examples {
		if e.Want != "unhealthy" {
			continue
		}
		name, want := "fix of "+e.Name, words[policy.Compliant]
		v, err := x.judge(x.r.Definition(), i, x.fix)
		switch {
		case err != nil:
			x.add(name, want, "", err.Error())
		case v.State == policy.NotApplicable:
			x.add(name, want, want, v.Reason)
		default:
			x.add(name, want, words[v.State], v.Reason)
		}
	}
}
