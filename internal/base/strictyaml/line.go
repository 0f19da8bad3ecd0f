package strictyaml

import (
	"strconv"

	"go.yaml.in/yaml/v3"
)

// Line is the line of the value at a path of keys and list positions, or of the
// deepest part of the path that is there; 0 for data that cannot be read.
func Line(data []byte, path ...string) int {
	var doc yaml.Node
	if len(data) > MaxFile || yaml.Unmarshal(data, &doc) != nil || len(doc.Content) != 1 {
		return 0
	}
	n := doc.Content[0]
	for _, key := range path {
		next := child(n, key)
		if next == nil {
			break
		}
		n = next
	}
	return n.Line
}

func child(n *yaml.Node, key string) *yaml.Node {
	switch n.Kind {
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(key); err == nil && i >= 0 && i < len(n.Content) {
			return n.Content[i]
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == key {
				return n.Content[i+1]
			}
		}
	}
	return nil
}
