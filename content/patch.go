package content

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// ErrPatch is wrapped by every error of ApplyPatch.
var ErrPatch = errors.New("json patch")

// Bounds of one patch: a fix changes a handful of properties. Copies could
// double the document each time, so a large one is not copied from.
const (
	maxPatchOps  = 256
	maxCopyNodes = 1 << 16
)

// patchOp is one operation of RFC 6902.
type patchOp struct {
	Op    string          `json:"op"`
	Path  string          `json:"path"`
	From  string          `json:"from,omitempty"`
	Value json.RawMessage `json:"value,omitempty"`
}

// ApplyPatch applies an RFC 6902 JSON patch to a document and returns the new
// one; the given bytes are not changed. It deviates in two points, on purpose.
// "add" creates the missing objects and arrays on its way, because an absent
// block of a resource (properties.networkAcls) means its defaults and a fix
// must be able to set one member of it, or append to a list that is not there.
// A path token "*" stands for every element of an array, because a fix does not
// know how many node pools there are. Object keys of the result are sorted.
func ApplyPatch(doc, patch json.RawMessage) (json.RawMessage, error) {
	root, _, err := runPatch(doc, patch)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPatch, err)
	}
	return json.Marshal(root)
}

// ExpandPatch returns the patch as ApplyPatch runs it on a document, with an
// operation per element in the place of "*": what people are shown.
func ExpandPatch(doc, patch json.RawMessage) (json.RawMessage, error) {
	_, done, err := runPatch(doc, patch)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPatch, err)
	}
	return json.Marshal(done)
}

// runPatch returns the patched document and the operations that were applied.
func runPatch(doc, patch json.RawMessage) (root any, done []patchOp, err error) {
	var ops []patchOp
	if t := bytes.TrimLeft(patch, " \t\r\n"); len(t) == 0 || t[0] != '[' {
		return nil, nil, errors.New("want an array of operations")
	}
	if err := json.Unmarshal(patch, &ops); err != nil {
		return nil, nil, err
	}
	if root, err = parseJSON(doc); err != nil {
		return nil, nil, fmt.Errorf("document: %w", err)
	}
	done = []patchOp{}
	for i, op := range ops {
		single, err := op.expand(root)
		if err != nil {
			return nil, nil, fmt.Errorf("operation %d (%s %s): %w", i, op.Op, op.Path, err)
		}
		if done = append(done, single...); len(done) > maxPatchOps {
			return nil, nil, fmt.Errorf("more than %d operations", maxPatchOps)
		}
		for _, one := range single {
			if root, err = one.apply(root); err != nil {
				return nil, nil, fmt.Errorf("operation %d (%s %s): %w", i, one.Op, one.Path, err)
			}
		}
	}
	return root, done, nil
}

// expand replaces the first "*" of the path by each index of its array, last
// first so that removals do not shift what is still to come, and then the next.
func (op patchOp) expand(root any) ([]patchOp, error) {
	before, after, found := strings.Cut(op.Path+"/", "/*/")
	if !found {
		return []patchOp{op}, nil
	}
	path, err := pointer(before)
	if err != nil {
		return nil, err
	}
	v, err := getAt(root, path)
	if err != nil {
		return nil, err
	}
	array, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf("%q is not an array", before)
	}
	var all []patchOp
	for i := range slices.Backward(array) {
		one := op
		one.Path = strings.TrimSuffix(before+"/"+strconv.Itoa(i)+"/"+after, "/")
		rest, err := one.expand(root)
		if err != nil {
			return nil, err
		}
		if all = append(all, rest...); len(all) > maxPatchOps {
			return nil, fmt.Errorf("more than %d operations", maxPatchOps)
		}
	}
	return all, nil
}

// parseJSON keeps numbers as they are written.
func parseJSON(doc json.RawMessage) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.UseNumber()
	var v any
	err := dec.Decode(&v)
	return v, err
}

func (op patchOp) apply(root any) (any, error) {
	path, err := pointer(op.Path)
	if err != nil {
		return nil, err
	}
	switch op.Op {
	case "add", "replace", "test":
		value, err := parseJSON(op.Value)
		if err != nil {
			return nil, fmt.Errorf("value: %w", err)
		}
		if op.Op == "test" {
			return root, testAt(root, path, value)
		}
		return setAt(root, path, value, op.Op == "add")
	case "remove":
		_, root, err = removeAt(root, path)
		return root, err
	case "move", "copy":
		return op.transfer(root, path)
	}
	return nil, errors.New("unknown operation")
}

func (op patchOp) transfer(root any, path []string) (any, error) {
	from, err := pointer(op.From)
	if err != nil {
		return nil, err
	}
	if op.Op == "move" {
		value, rest, err := removeAt(root, from)
		if err != nil {
			return nil, err
		}
		return setAt(rest, path, value, true)
	}
	if nodes(root) > maxCopyNodes {
		return nil, errors.New("document is too large to copy in")
	}
	value, err := getAt(root, from)
	if err != nil {
		return nil, err
	}
	return setAt(root, path, clone(value), true)
}

// pointer splits an RFC 6901 JSON pointer into its unescaped tokens.
func pointer(s string) ([]string, error) {
	if s == "" {
		return nil, nil
	}
	if s[0] != '/' {
		return nil, fmt.Errorf("pointer %q does not begin with /", s)
	}
	tokens := strings.Split(s[1:], "/")
	for i, t := range tokens {
		tokens[i] = strings.ReplaceAll(strings.ReplaceAll(t, "~1", "/"), "~0", "~")
	}
	return tokens, nil
}

func getAt(v any, path []string) (any, error) {
	for _, token := range path {
		switch node := v.(type) {
		case map[string]any:
			child, ok := node[token]
			if !ok {
				return nil, fmt.Errorf("no member %q", token)
			}
			v = child
		case []any:
			i, err := index(token, len(node)-1)
			if err != nil {
				return nil, err
			}
			v = node[i]
		default:
			return nil, fmt.Errorf("%q is below a plain value", token)
		}
	}
	return v, nil
}

func testAt(root any, path []string, want any) error {
	got, err := getAt(root, path)
	if err == nil && !reflect.DeepEqual(got, want) {
		err = errors.New("value differs")
	}
	return err
}

// setAt stores value at path. add inserts (arrays grow, objects on the way are
// created); otherwise the target must exist.
func setAt(v any, path []string, value any, add bool) (any, error) {
	if len(path) == 0 {
		return value, nil
	}
	token, last := path[0], len(path) == 1
	switch node := v.(type) {
	case map[string]any:
		child, ok := node[token]
		if !ok && !add {
			return nil, fmt.Errorf("no member %q", token)
		}
		if child == nil && !last {
			child = container(path[1])
		}
		child, err := setAt(child, path[1:], value, add)
		node[token] = child
		return node, err
	case []any:
		return setElement(node, path, value, add)
	}
	return nil, fmt.Errorf("%q is below a plain value", token)
}

// container is what "add" creates for a missing member on its way: an array if
// the next token appends, else an object.
func container(next string) any {
	if next == "-" {
		return []any{}
	}
	return map[string]any{}
}

func setElement(node []any, path []string, value any, add bool) (any, error) {
	insert := add && len(path) == 1
	if insert && path[0] == "-" {
		return append(node, value), nil
	}
	limit := len(node) - 1
	if insert {
		limit++
	}
	i, err := index(path[0], limit)
	if err != nil {
		return nil, err
	}
	if insert {
		return slices.Insert(node, i, value), nil
	}
	node[i], err = setAt(node[i], path[1:], value, add)
	return node, err
}

// removeAt returns the removed value and the rest.
func removeAt(v any, path []string) (removed, rest any, err error) {
	if len(path) == 0 {
		return v, nil, nil
	}
	parent, err := getAt(v, path[:len(path)-1])
	if err != nil {
		return nil, nil, err
	}
	token := path[len(path)-1]
	removed, err = getAt(parent, []string{token})
	if err != nil {
		return nil, nil, err
	}
	if object, ok := parent.(map[string]any); ok {
		delete(object, token)
		return removed, v, nil
	}
	array := parent.([]any) // getAt found a child, so it is an object or an array
	i, err := index(token, len(array)-1)
	if err != nil {
		return nil, nil, err
	}
	shorter := slices.Delete(array, i, i+1)
	rest, err = setAt(v, path[:len(path)-1], shorter, false)
	return removed, rest, err
}

// index parses an array index between 0 and limit, without leading zeros.
func index(token string, limit int) (int, error) {
	i, err := strconv.Atoi(token)
	if err != nil || i < 0 || i > limit || token != strconv.Itoa(i) {
		return 0, fmt.Errorf("no element %q", token)
	}
	return i, nil
}

// nodes counts the values of a document.
func nodes(v any) int {
	n := 1
	switch node := v.(type) {
	case map[string]any:
		for _, child := range node {
			n += nodes(child)
		}
	case []any:
		for _, child := range node {
			n += nodes(child)
		}
	}
	return n
}

func clone(v any) any {
	switch node := v.(type) {
	case map[string]any:
		c := make(map[string]any, len(node))
		for k, child := range node {
			c[k] = clone(child)
		}
		return c
	case []any:
		c := make([]any, len(node))
		for i, child := range node {
			c[i] = clone(child)
		}
		return c
	}
	return v
}
