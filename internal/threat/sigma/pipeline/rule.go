package pipeline

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// rule is a document while a pipeline changes it.
type rule struct {
	doc       *yaml.Node
	detection *yaml.Node // of a rule or filter, nil for a correlation
	vars      map[string][]string
	applied   map[string]bool                // ids of transformations
	touched   map[*yaml.Node]map[string]bool // by key of an item
	state     map[string]string
	aliases   int // of YAML, that were followed
}

// get is the value of a key of a map, nil if there is none.
func get(n *yaml.Node, key string) *yaml.Node {
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

// set gives a key of a map a value.
func set(n *yaml.Node, key string, value *yaml.Node) {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			n.Content[i+1] = value
			return
		}
	}
	n.Content = append(n.Content, text(key, n.Line), value)
}

func text(s string, line int) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s, Line: line}
}

func (r *rule) logSource(key string) string {
	if v := get(get(r.doc, "logsource"), key); v != nil {
		return v.Value
	}
	return ""
}

// isSelection reports whether a member of a detection or filter is one.
func isSelection(name string) bool {
	return name != "condition" && name != "timeframe" && name != "rules"
}

// any reports whether an item of a selection passes a test.
func (r *rule) any(test func(item) bool) bool {
	found := false
	_ = r.eachMap(func(m *yaml.Node) ([]*yaml.Node, error) {
		for i := 0; i+1 < len(m.Content); i += 2 {
			found = found || test(item{m.Content[i], m.Content[i+1]})
		}
		return []*yaml.Node{m}, nil
	})
	return found
}

// maxAlternatives bounds what one map becomes.
const maxAlternatives = 256

// eachMap gives each map of the selections to fn, which answers with what takes
// its place: alternatives, of which one must hold. No alternative removes it.
func (r *rule) eachMap(fn func(m *yaml.Node) ([]*yaml.Node, error)) error {
	if r.detection == nil || r.detection.Kind != yaml.MappingNode {
		return nil
	}
	content := r.detection.Content
	for i := 0; i+1 < len(content); i += 2 {
		if !isSelection(content[i].Value) {
			continue
		}
		v, err := r.replace(content[i+1], fn, 0)
		if err != nil {
			return err
		}
		content[i+1] = v
	}
	return nil
}

// maxAliases bounds how many aliases of YAML are followed in one rule.
const maxAliases = 1000

func (r *rule) replace(n *yaml.Node, fn func(*yaml.Node) ([]*yaml.Node, error), depth int) (*yaml.Node, error) {
	switch {
	case n.Kind == yaml.AliasNode && n.Alias != nil && depth < 20:
		if r.aliases++; r.aliases > maxAliases {
			return nil, fmt.Errorf("line %d: more than %d aliases", n.Line, maxAliases)
		}
		return r.replace(clone(n.Alias), fn, depth+1)
	case n.Kind == yaml.MappingNode:
		out, err := fn(n)
		if err != nil || len(out) == 1 {
			return first(out), err
		}
		return &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Line: n.Line, Content: out}, nil
	case n.Kind == yaml.SequenceNode && depth < 20:
		list := *n
		list.Content = nil
		for _, c := range n.Content {
			v, err := r.replace(c, fn, depth+1)
			if err != nil {
				return nil, err
			}
			if v.Kind == yaml.SequenceNode && c.Kind == yaml.MappingNode {
				list.Content = append(list.Content, v.Content...)
				continue
			}
			list.Content = append(list.Content, v)
		}
		return &list, nil
	}
	return n, nil
}

func first(list []*yaml.Node) *yaml.Node {
	if len(list) == 0 {
		return nil
	}
	return list[0]
}

func clone(n *yaml.Node) *yaml.Node {
	c := *n
	c.Content = nil
	for _, x := range n.Content {
		c.Content = append(c.Content, clone(x))
	}
	return &c
}

// conditionTexts are the conditions of the detection.
func (r *rule) conditionTexts() []*yaml.Node {
	c := get(r.detection, "condition")
	switch {
	case c == nil:
		return nil
	case c.Kind == yaml.SequenceNode:
		return c.Content
	}
	return []*yaml.Node{c}
}

// mark notes that a transformation touched an item.
func (r *rule) mark(key *yaml.Node, id string) {
	if id == "" {
		return
	}
	if r.touched[key] == nil {
		r.touched[key] = map[string]bool{}
	}
	r.touched[key][id] = true
}

// renamed is a key with another field name.
func renamed(key *yaml.Node, field string) *yaml.Node {
	_, modifiers, ok := strings.Cut(key.Value, "|")
	k := *key
	k.Value = field
	if ok {
		k.Value += "|" + modifiers
	}
	return &k
}
