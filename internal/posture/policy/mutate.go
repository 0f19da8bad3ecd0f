package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// What a test of a removed condition wants, and what it got otherwise.
const (
	Noticed   = "noticed"
	Unnoticed = "unnoticed"
)

// Foreign is a resource that no policy is about: a rule that lost the condition
// on its type would judge it.
const Foreign = `{"id": "/subscriptions/8a1c3d52-0c8e-4a8e-9f0e-2f6b1d7c4e10/resourceGroups/g/providers/Example.Other/things/one",
	"name": "one", "type": "Example.Other/things"}`

// Mutant is a definition without one of its leaf conditions.
type Mutant struct {
	Leaf       string // the condition, as JSON
	Definition []byte // ARM JSON
}

// conditionPlaces are where a definition's properties keep conditions.
var conditionPlaces = [][]string{
	{"policyRule", "if"},
	{"policyRule", "then", "details", "existenceCondition"},
	{"metadata", "rampart", "applicableWhen"},
}

// Mutants removes each leaf condition of a definition (ARM JSON) in turn: of
// its if, its existenceCondition and its applicableWhen. A count is a leaf, and
// so is each leaf of its where. Good examples notice every one. An error means
// that the text is no JSON object.
func Mutants(definition []byte) ([]Mutant, error) {
	root, err := decodeObject(definition)
	if err != nil {
		return nil, err
	}
	var all []Mutant
	for _, place := range conditionPlaces {
		holder, key := hold(root, place)
		if holder == nil {
			continue
		}
		paths := leafPaths(holder[key], nil)
		for _, path := range paths {
			leaf := encodeSorted(atPath(holder[key], path))
			if redundantType(holder[key], path, root, len(paths)) {
				continue
			}
			again, err := decodeObject(definition)
			if err != nil {
				return nil, err
			}
			without(again, place, path)
			all = append(all, Mutant{Leaf: string(leaf), Definition: encodeSorted(again)})
		}
	}
	return all, nil
}

// without removes a leaf, and what is empty without it. An if of nothing
// matches all.
func without(root map[string]any, place []string, path []any) {
	holder, key := hold(root, place)
	switch rest := cutLeaf(holder[key], path); {
	case rest != nil:
		holder[key] = rest
	case key == "if":
		holder[key] = map[string]any{"allOf": []any{}}
	default:
		delete(holder, key)
	}
}

// hold returns the object that holds a condition and the key as it is written
// there, nil if there is none.
func hold(root map[string]any, place []string) (holder map[string]any, key string) {
	if properties, ok := root[spelled(root, "properties")].(map[string]any); ok {
		root = properties
	}
	for _, name := range place {
		if key != "" {
			root, _ = root[key].(map[string]any)
		}
		key = spelled(root, name)
	}
	if _, there := root[key]; !there {
		return nil, ""
	}
	return root, key
}

// spelled is the key of an object that equals name but for letter case.
func spelled(object map[string]any, name string) string {
	for key := range object {
		if strings.EqualFold(key, name) {
			return key
		}
	}
	return name
}

// redundantType tells a type condition that says what an alias beside it says
// already: in an *IfNotExists rule a missing alias makes the rule not
// applicable as well. Such a condition is there for readers and indices.
func redundantType(condition any, path []any, root map[string]any, leaves int) bool {
	leaf, _ := atPath(condition, path).(map[string]any)
	field, _ := leaf[spelled(leaf, "field")].(string)
	_, equals := leaf[spelled(leaf, "equals")]
	details, _ := hold(root, []string{"policyRule", "then", "details"})
	return details != nil && leaves > 1 && equals && strings.EqualFold(field, "type")
}

// leafPaths lists the paths of all conditions that hold no other condition, and
// of counts, which are conditions of their own.
func leafPaths(condition any, path []any) [][]any {
	object, ok := condition.(map[string]any)
	if !ok {
		return nil
	}
	for _, name := range []string{"allOf", "anyOf"} {
		key := spelled(object, name)
		list, ok := object[key].([]any)
		if !ok {
			continue
		}
		var found [][]any
		for i, c := range list {
			found = append(found, leafPaths(c, pathWith(path, key, i))...)
		}
		return found
	}
	if key := spelled(object, "not"); object[key] != nil {
		return leafPaths(object[key], pathWith(path, key))
	}
	found := [][]any{path}
	key := spelled(object, "count")
	if count, ok := object[key].(map[string]any); ok {
		if where := spelled(count, "where"); count[where] != nil {
			found = append(found, leafPaths(count[where], pathWith(path, key, where))...)
		}
	}
	return found
}

func pathWith(path []any, more ...any) []any { return append(slices.Clone(path), more...) }

// atPath returns what a path of leafPaths leads to.
func atPath(v any, path []any) any {
	for _, step := range path {
		if key, ok := step.(string); ok {
			v = v.(map[string]any)[key]
			continue
		}
		v = v.([]any)[step.(int)]
	}
	return v
}

// cutLeaf removes the condition at a path, and what is empty without it; nil
// means that nothing is left.
func cutLeaf(v any, path []any) any {
	if len(path) == 0 {
		return nil
	}
	object, key := v.(map[string]any), path[0].(string)
	switch inner := object[key].(type) {
	case []any:
		i := path[1].(int)
		if rest := cutLeaf(inner[i], path[2:]); rest != nil {
			inner[i] = rest
		} else if inner = slices.Delete(inner, i, i+1); len(inner) == 0 {
			return nil
		}
		object[key] = inner
	default:
		rest := cutLeaf(inner, path[1:])
		switch {
		case rest != nil:
			object[key] = rest
		case strings.EqualFold(key, "where"):
			delete(object, key) // a count without a where counts all
		default:
			return nil
		}
	}
	return object
}

// decodeObject keeps numbers as they are written.
func decodeObject(text []byte) (map[string]any, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var object map[string]any
	if err := dec.Decode(&object); err != nil {
		return nil, fmt.Errorf("definition: %w", err)
	}
	return object, nil
}

// encodeSorted writes decoded JSON with sorted keys.
func encodeSorted(v any) []byte {
	text, _ := json.Marshal(v) // decoded values only: it cannot fail
	return text
}
