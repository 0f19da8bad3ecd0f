package strictyaml

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// nodeJSON converts a YAML node to JSON text. Key order is kept; numbers keep
// their spelling where JSON allows it; what YAML would read as a date is text,
// because the policy language compares dates as text. Errors begin with the
// line number.
func nodeJSON(n *yaml.Node) (json.RawMessage, error) {
	return appendNode(nil, n, 0)
}

func appendNode(b []byte, n *yaml.Node, depth int) ([]byte, error) {
	if depth > MaxDepth {
		return nil, fmt.Errorf("%d: nested deeper than %d", n.Line, MaxDepth)
	}
	if n.Anchor != "" {
		return nil, fmt.Errorf("%d: anchors and aliases are not allowed: write the value out", n.Line)
	}
	switch n.Kind {
	case yaml.MappingNode:
		return appendObject(b, n, depth)
	case yaml.SequenceNode:
		return appendArray(b, n, depth)
	case yaml.ScalarNode:
		return appendScalar(b, n)
	}
	return nil, fmt.Errorf("%d: anchors and aliases are not allowed: write the value out", n.Line)
}

func appendObject(b []byte, n *yaml.Node, depth int) (_ []byte, err error) {
	seen := make(map[string]bool, len(n.Content)/2)
	b = append(b, '{')
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if key.Kind != yaml.ScalarNode {
			return nil, fmt.Errorf("%d: a key must be a single value", key.Line)
		}
		if seen[key.Value] {
			return nil, fmt.Errorf("%d: key %q is given twice", key.Line, key.Value)
		}
		seen[key.Value] = true
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendText(b, key.Value), ':')
		if b, err = appendNode(b, n.Content[i+1], depth+1); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

func appendArray(b []byte, n *yaml.Node, depth int) (_ []byte, err error) {
	b = append(b, '[')
	for i, item := range n.Content {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = appendNode(b, item, depth+1); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

func appendScalar(b []byte, n *yaml.Node) ([]byte, error) {
	switch n.ShortTag() {
	case "!!null":
		return append(b, "null"...), nil
	case "!!bool":
		var v bool
		if err := n.Decode(&v); err != nil {
			return nil, fmt.Errorf("%d: %w", n.Line, err)
		}
		return strconv.AppendBool(b, v), nil
	case "!!int", "!!float":
		return appendNumber(b, n)
	}
	return appendText(b, n.Value), nil
}

// appendNumber keeps a spelling that is JSON already and normalises others
// (hexadecimal, leading plus); infinities have no JSON form.
func appendNumber(b []byte, n *yaml.Node) ([]byte, error) {
	if json.Valid([]byte(n.Value)) {
		return append(b, n.Value...), nil
	}
	var v float64
	if err := n.Decode(&v); err != nil {
		return nil, fmt.Errorf("%d: %w", n.Line, err)
	}
	if math.IsInf(v, 0) || math.IsNaN(v) {
		return nil, fmt.Errorf("%d: %s is not a JSON number", n.Line, n.Value)
	}
	return strconv.AppendFloat(b, v, 'f', -1, 64), nil
}

// appendText appends a JSON string. encoding/json never fails on a string.
func appendText(b []byte, s string) []byte {
	quoted, _ := json.Marshal(s)
	return append(b, quoted...)
}
