package proof

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/policy"
)

// foreign is a resource that no recommendation is about: each must leave it
// alone.
var foreign = json.RawMessage(`{"id": "/subscriptions/8a1c3d52-0c8e-4a8e-9f0e-2f6b1d7c4e10/resourceGroups/g/providers/Example.Other/things/one",
	"name": "one", "type": "Example.Other/things"}`)

// mutations removes each leaf condition in turn: some example, or the foreign
// resource, must change its state; else the condition is decoration or an
// example is missing.
func (x *runner) mutations() {
	want, err := x.states(x.r.Definition())
	if err != nil {
		return // the examples have said so already
	}
	for _, m := range mutants(x.r) {
		name := "without " + m.leaf
		got, err := x.states(m.definition)
		switch {
		case err != nil:
			x.add(name, Noticed, "", err.Error())
		case slices.Equal(got, want):
			x.add(name, Noticed, Unnoticed, "no example changes its state when the condition is gone")
		default:
			x.add(name, Noticed, Noticed, "")
		}
	}
}

// states are those of all examples and of the foreign resource.
func (x *runner) states(definition json.RawMessage) ([]policy.State, error) {
	bound, err := bind(definition, nil)
	if err != nil {
		return nil, err
	}
	v, err := x.evaluate(bound, situation{body: foreign})
	list := []policy.State{v.State}
	for i := range x.r.Examples {
		if err == nil {
			v, err = x.judge(definition, i, nil)
		}
		list = append(list, v.State)
	}
	return list, err
}

// mutant is a definition without one of its leaf conditions.
type mutant struct {
	leaf       string
	definition json.RawMessage
}

// place is where a recommendation keeps a condition.
type place struct {
	condition json.RawMessage
	// store puts the shortened condition into a copy; nil means that nothing is
	// left of it.
	store func(changed *content.Recommendation, condition json.RawMessage)
}

// mutants cuts the leaves of the rule, of the existence condition and of
// applicableWhen.
func mutants(r *content.Recommendation) []mutant {
	var list []mutant
	for _, p := range places(r) {
		all := leaves(decode(p.condition), nil)
		for _, path := range all {
			leaf := string(encode(at(decode(p.condition), path)))
			if redundantType(r, leaf, len(all)) {
				continue
			}
			changed := *r
			p.store(&changed, encode(cut(decode(p.condition), path)))
			list = append(list, mutant{leaf: leaf, definition: changed.Definition()})
		}
	}
	return list
}

func places(r *content.Recommendation) []place {
	list := []place{{r.If, func(changed *content.Recommendation, condition json.RawMessage) {
		if changed.If = condition; condition == nil {
			changed.If = json.RawMessage(`{"allOf":[]}`)
		}
	}}}
	if r.ApplicableWhen != nil {
		list = append(list, place{r.ApplicableWhen, func(changed *content.Recommendation, condition json.RawMessage) {
			changed.ApplicableWhen = condition
		}})
	}
	var details map[string]json.RawMessage
	if json.Unmarshal(r.Details, &details) == nil && details["existenceCondition"] != nil {
		list = append(list, place{details["existenceCondition"], func(changed *content.Recommendation, condition json.RawMessage) {
			shortened := decode(r.Details).(map[string]any)
			if shortened["existenceCondition"] = condition; condition == nil {
				delete(shortened, "existenceCondition")
			}
			changed.Details = encode(shortened)
		}})
	}
	return list
}

// redundantType tells a type condition that says what an alias beside it says
// already: in an auditIfNotExists rule a missing alias makes the rule not
// applicable as well. Such a condition is there for readers and indices.
func redundantType(r *content.Recommendation, leaf string, leaves int) bool {
	return r.Effect == "auditIfNotExists" && leaves > 1 && strings.HasPrefix(leaf, `{"equals"`) && strings.Contains(leaf, `"field":"type"`)
}

// leaves lists the paths of all conditions that hold no other condition, and
// of counts, which are conditions of their own.
func leaves(condition any, path []any) [][]any {
	object, ok := condition.(map[string]any)
	if !ok {
		return nil
	}
	for _, key := range []string{"allOf", "anyOf"} {
		list, ok := object[key].([]any)
		if !ok {
			continue
		}
		var found [][]any
		for i, c := range list {
			found = append(found, leaves(c, with(path, key, i))...)
		}
		return found
	}
	if inner, ok := object["not"]; ok {
		return leaves(inner, with(path, "not"))
	}
	found := [][]any{path}
	if count, ok := object["count"].(map[string]any); ok && count["where"] != nil {
		found = append(found, leaves(count["where"], with(path, "count", "where"))...)
	}
	return found
}

func with(path []any, more ...any) []any { return append(slices.Clone(path), more...) }

// at returns what a path of leaves leads to.
func at(v any, path []any) any {
	for _, step := range path {
		if key, ok := step.(string); ok {
			v = v.(map[string]any)[key]
			continue
		}
		v = v.([]any)[step.(int)]
	}
	return v
}

// cut removes the condition at a path of leaves, and what is empty without it;
// nil means that nothing is left.
func cut(v any, path []any) any {
	if len(path) == 0 {
		return nil
	}
	object, key := v.(map[string]any), path[0].(string)
	switch key {
	case "allOf", "anyOf":
		list, i := object[key].([]any), path[1].(int)
		if rest := cut(list[i], path[2:]); rest != nil {
			list[i] = rest
		} else if list = slices.Delete(list, i, i+1); len(list) == 0 {
			return nil
		}
		object[key] = list
	case "count":
		count := object[key].(map[string]any)
		if count["where"] = cut(count["where"], path[2:]); count["where"] == nil {
			delete(count, "where")
		}
	default:
		if object[key] = cut(object[key], path[1:]); object[key] == nil {
			return nil
		}
	}
	return object
}

// decode parses JSON that the reader has checked, keeping numbers as written.
func decode(text json.RawMessage) any {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	_ = dec.Decode(&v)
	return v
}

// encode writes JSON with sorted keys; nil stays nil.
func encode(v any) json.RawMessage {
	if v == nil {
		return nil
	}
	text, _ := json.Marshal(v) // decoded values only: it cannot fail
	return text
}
