package content_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/policy"
)

// TestEveryConditionMatters removes each leaf condition of each rule in turn:
// some example must change its state, else the condition is decoration or an
// example is missing.
func TestEveryConditionMatters(t *testing.T) {
	for _, r := range load(t).Recommendations {
		t.Run(r.Name, func(t *testing.T) {
			want := states(t, r, r.Definition())
			for _, m := range mutants(t, r) {
				if slices.Equal(states(t, r, m.definition), want) {
					t.Errorf("no example notices that %s is gone", m.leaf)
				}
			}
		})
	}
}

// foreign is a resource that no recommendation is about: each must leave it
// alone.
var foreign = json.RawMessage(`{"id": "/subscriptions/8a1c3d52-0c8e-4a8e-9f0e-2f6b1d7c4e10/resourceGroups/shop-prod/providers/Example.Other/things/one",
	"name": "one", "type": "Example.Other/things"}`)

// states are the states of all examples, and of the foreign resource, under a
// definition.
func states(t testing.TB, r *content.Recommendation, definition json.RawMessage) []policy.State {
	t.Helper()
	list := make([]policy.State, len(r.Examples)+1)
	list[len(r.Examples)] = judge(t, bind(t, definition, nil), foreign, nil, nil).State
	for i, e := range r.Examples {
		b := bind(t, definition, e.Parameters)
		list[i] = judge(t, b, bodyOf(t, r, i), e.Related, e.Unavailable).State
	}
	return list
}

// mutant is a definition without one of its leaf conditions.
type mutant struct {
	leaf       string
	definition json.RawMessage
}

// mutants cuts the leaves of the rule, of the existence condition and of
// applicableWhen.
func mutants(t testing.TB, r *content.Recommendation) []mutant {
	t.Helper()
	var list []mutant
	for _, part := range []*json.RawMessage{&r.If, part(t, r.Details, "existenceCondition"), &r.ApplicableWhen} {
		if part == nil || *part == nil {
			continue
		}
		condition := decode(t, *part)
		all := leaves(condition, nil)
		for _, path := range all {
			leaf := encode(t, at(condition, path))
			if redundantType(r, leaf, len(all)) {
				continue
			}
			changed := *r
			cutInto(t, &changed, r, part, cut(decode(t, *part), path))
			list = append(list, mutant{leaf: leaf, definition: changed.Definition()})
		}
	}
	return list
}

// redundantType tells a type condition that says what an alias beside it says
// already: in an auditIfNotExists rule a missing alias makes the rule not
// applicable as well. Such a condition is there for readers and indices.
func redundantType(r *content.Recommendation, leaf string, leaves int) bool {
	return r.Effect == "auditIfNotExists" && leaves > 1 && strings.HasPrefix(leaf, `{"equals"`) && strings.Contains(leaf, `"field":"type"`)
}

// cutInto stores the shortened condition in the copy, in the place of part.
func cutInto(t testing.TB, changed, original *content.Recommendation, part *json.RawMessage, condition any) {
	t.Helper()
	always := condition == nil
	if always {
		condition = map[string]any{"allOf": []any{}}
	}
	text := json.RawMessage(encode(t, condition))
	switch part {
	case &original.If:
		changed.If = text
	case &original.ApplicableWhen:
		changed.ApplicableWhen = text
		if always {
			changed.ApplicableWhen = nil
		}
	default:
		details := decode(t, original.Details).(map[string]any)
		details["existenceCondition"] = condition
		if always {
			delete(details, "existenceCondition")
		}
		changed.Details = json.RawMessage(encode(t, details))
	}
}

// part returns a member of an object, nil if there is none.
func part(t testing.TB, object json.RawMessage, key string) *json.RawMessage {
	t.Helper()
	if object == nil {
		return nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(object, &members); err != nil {
		t.Fatal(err)
	}
	member, ok := members[key]
	if !ok {
		return nil
	}
	return &member
}

// leaves lists the paths of all conditions that hold no other condition, and
// of counts, which are conditions of their own.
func leaves(condition any, path []any) [][]any {
	object := condition.(map[string]any)
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

// cut removes the condition at a path and what is empty without it; nil means
// that nothing is left.
func cut(v any, path []any) any {
	if len(path) == 0 {
		return nil
	}
	object := v.(map[string]any)
	key := path[0].(string)
	switch key {
	case "allOf", "anyOf":
		list, i := object[key].([]any), path[1].(int)
		if rest := cut(list[i], path[2:]); rest != nil {
			list[i] = rest
		} else if list = slices.Delete(list, i, i+1); len(list) == 0 {
			return nil
		}
		object[key] = list
		return object
	case "count":
		count := object[key].(map[string]any)
		if rest := cut(count["where"], path[2:]); rest != nil {
			count["where"] = rest
		} else {
			delete(count, "where")
		}
		return object
	}
	rest := cut(object[key], path[1:])
	if rest == nil {
		return nil
	}
	object[key] = rest
	return object
}

func decode(t testing.TB, text json.RawMessage) any {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// encode writes JSON with sorted keys.
func encode(t testing.TB, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
