package strictyaml

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Limits of one file; it may come from a user's directory.
const (
	MaxFile  = 1 << 20 // bytes
	MaxDepth = 64      // nested mappings and sequences
)

var rawMessageType = reflect.TypeFor[json.RawMessage]()

// Decode reads one YAML document into the struct that into points to. Every
// error names file and line; an unknown key also names the nearest known one.
// All errors of the file are returned, joined, so that an author sees them at
// once.
func Decode(file string, data []byte, into any) error {
	if len(data) > MaxFile {
		return fmt.Errorf("%s: larger than %d bytes", file, MaxFile)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
		return fmt.Errorf("%s:1: empty file", file)
	}
	return DecodeNode(file, doc.Content[0], into)
}

// DecodeNode is Decode for a document that is parsed already.
func DecodeNode(file string, n *yaml.Node, into any) error {
	d := &decoder{file: file}
	d.value(n, reflect.ValueOf(into).Elem(), 0)
	return errors.Join(d.errs...)
}

type decoder struct {
	file string
	errs []error
}

func (d *decoder) failf(n *yaml.Node, format string, args ...any) {
	d.errs = append(d.errs, fmt.Errorf("%s:%d: %s", d.file, n.Line, fmt.Sprintf(format, args...)))
}

// value decodes a node by the kind of the Go value that receives it.
func (d *decoder) value(n *yaml.Node, v reflect.Value, depth int) {
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		d.failf(n, "anchors and aliases are not allowed: write the value out")
	case depth > MaxDepth:
		d.failf(n, "nested deeper than %d", MaxDepth)
	case v.Type() == rawMessageType:
		d.raw(n, v)
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(n, v.Elem(), depth)
	case v.Kind() == reflect.Struct:
		d.structure(n, v, depth)
	case v.Kind() == reflect.Slice:
		d.slice(n, v, depth)
	case v.Kind() == reflect.Map:
		d.mapping(n, v, depth)
	default:
		d.scalar(n, v)
	}
}

func (d *decoder) raw(n *yaml.Node, v reflect.Value) {
	b, err := nodeJSON(n)
	if err != nil {
		d.errs = append(d.errs, fmt.Errorf("%s:%w", d.file, err))
		return
	}
	v.SetBytes(b)
}

func (d *decoder) structure(n *yaml.Node, v reflect.Value, depth int) {
	if n.Kind != yaml.MappingNode {
		d.failf(n, "want a mapping")
		return
	}
	known := fieldsOf(v.Type())
	seen := make(map[string]bool, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		index, ok := known[key.Value]
		switch {
		case !ok:
			d.failf(key, "unknown key %q%s", key.Value, suggestion(key.Value, known))
		case seen[key.Value]:
			d.failf(key, "key %q is given twice", key.Value)
		default:
			seen[key.Value] = true
			d.value(n.Content[i+1], v.FieldByIndex(index), depth+1)
		}
	}
}

func (d *decoder) slice(n *yaml.Node, v reflect.Value, depth int) {
	if n.Kind != yaml.SequenceNode {
		d.failf(n, "want a list")
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		d.value(item, v.Index(i), depth+1)
	}
}

func (d *decoder) mapping(n *yaml.Node, v reflect.Value, depth int) {
	if n.Kind != yaml.MappingNode {
		d.failf(n, "want a mapping")
		return
	}
	v.Set(reflect.MakeMapWithSize(v.Type(), len(n.Content)/2))
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := reflect.ValueOf(n.Content[i].Value)
		if v.MapIndex(key).IsValid() {
			d.failf(n.Content[i], "key %q is given twice", n.Content[i].Value)
			continue
		}
		item := reflect.New(v.Type().Elem()).Elem()
		d.value(n.Content[i+1], item, depth+1)
		v.SetMapIndex(key, item)
	}
}

// scalar decodes strings, booleans and integers. A string field takes any
// scalar as it is written, so version: 1.0 stays "1.0".
func (d *decoder) scalar(n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.ScalarNode {
		d.failf(n, "want a single value")
		return
	}
	if v.Kind() == reflect.String {
		v.SetString(n.Value)
		return
	}
	if err := n.Decode(v.Addr().Interface()); err != nil {
		d.failf(n, "%q is not a %s", n.Value, v.Kind())
	}
}

// fieldsOf maps the yaml keys of a struct to field indices; the keys of an
// embedded struct tagged ",inline" count as its own.
func fieldsOf(t reflect.Type) map[string][]int {
	keys := make(map[string][]int, t.NumField())
	for i := range t.NumField() {
		f := t.Field(i)
		key, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if key == "" && options == "inline" {
			for k, index := range fieldsOf(f.Type) {
				keys[k] = append([]int{i}, index...)
			}
			continue
		}
		if key != "" && key != "-" {
			keys[key] = []int{i}
		}
	}
	return keys
}

// suggestion names the known key nearest to an unknown one, if any is near.
func suggestion(key string, known map[string][]int) string {
	best, bestDistance := "", len(key)/2+1
	for candidate := range known {
		dist := distance(strings.ToLower(key), strings.ToLower(candidate))
		if dist < bestDistance || dist == bestDistance && best != "" && candidate < best {
			best, bestDistance = candidate, dist
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", best)
}

// distance is the Levenshtein distance of two short strings.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substitute := diagonal
			if a[i] != b[j] {
				substitute++
			}
			diagonal = row[j+1]
			row[j+1] = min(row[j+1]+1, row[j]+1, substitute)
		}
	}
	return row[len(b)]
}
