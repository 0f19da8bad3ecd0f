package proof

import (
	"encoding/json"
	"slices"

	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// mutations removes each leaf condition in turn: some example, or a foreign
// resource, must change its state; else the condition is decoration or an
// example is missing.
func (x *runner) mutations() {
	want, err := x.states(x.r.Definition())
	if err != nil {
		return // the examples have said so already
	}
	mutants, err := policy.Mutants(x.r.Definition())
	if err != nil {
		return // likewise
	}
	for _, m := range mutants {
		name := "without " + m.Leaf
		got, err := x.states(m.Definition)
		switch {
		case err != nil:
			x.add(name, policy.Noticed, "", err.Error())
		case slices.Equal(got, want):
			x.add(name, policy.Noticed, policy.Unnoticed, "no example changes its state when the condition is gone")
		default:
			x.add(name, policy.Noticed, policy.Noticed, "")
		}
	}
}

// states are those of all examples and of the foreign resource.
func (x *runner) states(definition json.RawMessage) ([]policy.State, error) {
	bound, err := bind(definition, nil)
	if err != nil {
		return nil, err
	}
	v, err := x.evaluate(bound, situation{body: json.RawMessage(policy.Foreign)})
	list := []policy.State{v.State}
	for i := range x.r.Examples {
		if err == nil {
			v, err = x.judge(definition, i, nil)
		}
		list = append(list, v.State)
	}
	return list, err
}
