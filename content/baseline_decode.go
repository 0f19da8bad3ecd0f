package content

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxBaselineDepth bounds nesting of a baseline file.
const maxBaselineDepth = 32

// strictDecoder decodes YAML nodes into structs and refuses what it does not
// know, with the line and the nearest known key.
type strictDecoder struct{ file string }

func (d strictDecoder) decode(n *yaml.Node, into any) error {
	if err := d.check(n, reflect.TypeOf(into).Elem(), 0); err != nil {
		return err
	}
	if err := n.Decode(into); err != nil {
		return fmt.Errorf("%s: %w", d.file, err)
	}
	return nil
}

// check walks node and type side by side before anything is decoded.
func (d strictDecoder) check(n *yaml.Node, t reflect.Type, depth int) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case depth > maxBaselineDepth:
		return d.errorf(n, "nested more than %d deep", maxBaselineDepth)
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		return d.errorf(n, "anchors and aliases are not allowed")
	case t == reflect.TypeFor[yaml.Node]():
		return nil
	}
	switch t.Kind() {
	case reflect.Struct:
		return d.checkStruct(n, t, depth)
	case reflect.Map:
		return d.checkMap(n, t, depth)
	case reflect.Slice:
		if n.Kind != yaml.SequenceNode {
			return d.errorf(n, "a list is expected")
		}
		for _, c := range n.Content {
			if err := d.check(c, t.Elem(), depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	return d.checkScalar(n, t)
}

func (d strictDecoder) checkStruct(n *yaml.Node, t reflect.Type, depth int) error {
	if n.Kind != yaml.MappingNode {
		return d.errorf(n, "keys and values are expected")
	}
	known := structKeys(t)
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		ft, ok := known[key.Value]
		if !ok {
			return d.errorf(key, "unknown key %q%s", key.Value, nearestKey(key.Value, known))
		}
		if seen[key.Value] {
			return d.errorf(key, "key %q is given twice", key.Value)
		}
		seen[key.Value] = true
		if err := d.check(n.Content[i+1], ft, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (d strictDecoder) checkMap(n *yaml.Node, t reflect.Type, depth int) error {
	if n.Kind != yaml.MappingNode {
		return d.errorf(n, "keys and values are expected")
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if err := d.check(n.Content[i+1], t.Elem(), depth+1); err != nil {
			return err
		}
	}
	return nil
}

// checkScalar wants strings quoted or plain words: YAML's no, yes and numbers
// are welcome where a string is wanted, they are taken as written.
func (d strictDecoder) checkScalar(n *yaml.Node, t reflect.Type) error {
	if n.Kind != yaml.ScalarNode {
		return d.errorf(n, "a single value is expected")
	}
	if t.Kind() == reflect.String {
		n.Tag = "!!str"
	}
	return nil
}

func (d strictDecoder) errorf(n *yaml.Node, format string, args ...any) error {
	return fmt.Errorf("%s:%d: %s", d.file, n.Line, fmt.Sprintf(format, args...))
}

// bindParameters replaces "$name" in rule and when of each check by the value
// of the check's parameter.
func (d strictDecoder) bindParameters(root *yaml.Node, values Values, used map[string]bool) error {
	list := mapValue(root, "checks")
	if list == nil {
		return nil
	}
	for _, check := range list.Content {
		bound, err := d.parameterValues(check, values, used)
		if err != nil {
			return err
		}
		for _, key := range []string{"rule", "when"} {
			if err := d.substitute(mapValue(check, key), bound, 0); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d strictDecoder) parameterValues(check *yaml.Node, values Values, used map[string]bool) (map[string]*yaml.Node, error) {
	bound := map[string]*yaml.Node{}
	params := mapValue(check, "parameters")
	id := mapValue(check, "id")
	if params == nil || id == nil || params.Kind != yaml.MappingNode {
		return bound, nil
	}
	for i := 0; i+1 < len(params.Content); i += 2 {
		name, def := params.Content[i].Value, mapValue(params.Content[i+1], "default")
		if def == nil {
			return nil, d.errorf(params.Content[i], "parameter %q has no default", name)
		}
		bound[name] = def
		full := id.Value + "." + name
		if v, ok := values[full]; ok {
			used[full] = true
			var doc yaml.Node
			if err := yaml.Unmarshal([]byte(v), &doc); err != nil || len(doc.Content) != 1 {
				return nil, fmt.Errorf("baseline value %q: %q is not a YAML value", full, v)
			}
			bound[name] = doc.Content[0]
		}
	}
	return bound, nil
}

func (d strictDecoder) substitute(n *yaml.Node, bound map[string]*yaml.Node, depth int) error {
	if n == nil || depth > maxBaselineDepth {
		return nil // check reports the depth
	}
	if n.Kind == yaml.ScalarNode && parameterUse.MatchString(n.Value) {
		v, ok := bound[n.Value[1:]]
		if !ok {
			return d.errorf(n, "%s is not a parameter of this check", n.Value)
		}
		line := n.Line
		*n = *v
		n.Line = line
		return nil
	}
	for _, c := range n.Content {
		if err := d.substitute(c, bound, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// structKeys lists the YAML keys of a struct with their types, embedded ones
// included.
func structKeys(t reflect.Type) map[string]reflect.Type {
	keys := map[string]reflect.Type{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, opts, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case opts == "inline":
			for k, ft := range structKeys(f.Type) {
				keys[k] = ft
			}
		case name != "-" && name != "":
			keys[name] = f.Type
		}
	}
	return keys
}

// nearestKey proposes the known key with the fewest edits, if it is near.
func nearestKey(key string, known map[string]reflect.Type) string {
	best, bestDistance := "", len(key)/2+1
	names := make([]string, 0, len(known))
	for k := range known {
		names = append(names, k)
	}
	slices.Sort(names)
	for _, k := range names {
		if dist := editDistance(strings.ToLower(key), strings.ToLower(k)); dist < bestDistance {
			best, bestDistance = k, dist
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// editDistance is Levenshtein's; keys longer than 64 bytes are never near.
func editDistance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return len(a) + len(b)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost = 1 + min(diagonal, row[j], row[j-1])
			}
			diagonal, row[j] = row[j], cost
		}
	}
	return row[len(b)]
}

// mapValue is the value of a key of a mapping node, nil if there is none.
func mapValue(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}
