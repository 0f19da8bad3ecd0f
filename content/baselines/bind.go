package baselines

import (
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/rampart-sec/rampart/internal/base/strictyaml"
)

// binder replaces parameters in the nodes of one baseline file.
type binder struct {
	file   string
	values Values          // overrides
	used   map[string]bool // names of values that were used
}

// bind replaces "$name" in rule and when of each check by the value
// of the check's parameter.
func (b binder) bind(root *yaml.Node) error {
	list := mapValue(root, "checks")
	if list == nil {
		return nil
	}
	for _, check := range list.Content {
		bound, err := b.parameterValues(check)
		if err != nil {
			return err
		}
		for _, key := range []string{"rule", "when"} {
			if err := b.substitute(mapValue(check, key), bound, 0); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b binder) parameterValues(check *yaml.Node) (map[string]*yaml.Node, error) {
	bound := map[string]*yaml.Node{}
	params := mapValue(check, "parameters")
	id := mapValue(check, "id")
	if params == nil || id == nil || params.Kind != yaml.MappingNode {
		return bound, nil
	}
	for i := 0; i+1 < len(params.Content); i += 2 {
		name, def := params.Content[i].Value, mapValue(params.Content[i+1], "default")
		if def == nil {
			return nil, b.errorf(params.Content[i], "parameter %q has no default", name)
		}
		bound[name] = def
		full := id.Value + "." + name
		if v, ok := b.values[full]; ok {
			b.used[full] = true
			var doc yaml.Node
			if err := yaml.Unmarshal([]byte(v), &doc); err != nil || len(doc.Content) != 1 {
				return nil, fmt.Errorf("baseline value %q: %q is not a YAML value", full, v)
			}
			bound[name] = doc.Content[0]
		}
	}
	return bound, nil
}

func (b binder) substitute(n *yaml.Node, bound map[string]*yaml.Node, depth int) error {
	if n == nil || depth > strictyaml.MaxDepth {
		return nil // the decoder reports the depth
	}
	if n.Kind == yaml.ScalarNode && parameterUse.MatchString(n.Value) {
		v, ok := bound[n.Value[1:]]
		if !ok {
			return b.errorf(n, "%s is not a parameter of this check", n.Value)
		}
		line := n.Line
		*n = *v
		n.Line = line
		return nil
	}
	for _, c := range n.Content {
		if err := b.substitute(c, bound, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (b binder) errorf(n *yaml.Node, format string, args ...any) error {
	return fmt.Errorf("%s:%d: %s", b.file, n.Line, fmt.Sprintf(format, args...))
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
