package content

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestApplyPatch(t *testing.T) {
	cases := []struct {
		name, doc, patch, want string
	}{
		{"add-member", `{"a":1}`, `[{"op":"add","path":"/b","value":2}]`, `{"a":1,"b":2}`},
		{"add-replaces", `{"a":1}`, `[{"op":"add","path":"/a","value":null}]`, `{"a":null}`},
		{"add-creates-objects", `{}`, `[{"op":"add","path":"/a/b/c","value":1}]`, `{"a":{"b":{"c":1}}}`},
		{"add-creates-array", `{}`, `[{"op":"add","path":"/a/-","value":1}]`, `{"a":[1]}`},
		{"add-through-null", `{"a":null}`, `[{"op":"add","path":"/a/b","value":1}]`, `{"a":{"b":1}}`},
		{"append", `{"a":[1]}`, `[{"op":"add","path":"/a/-","value":2}]`, `{"a":[1,2]}`},
		{"insert", `{"a":[1,3]}`, `[{"op":"add","path":"/a/1","value":2}]`, `{"a":[1,2,3]}`},
		{"replace-element-member", `{"a":[{"b":1}]}`, `[{"op":"replace","path":"/a/0/b","value":2}]`, `{"a":[{"b":2}]}`},
		{"replace-root", `{"a":1}`, `[{"op":"replace","path":"","value":[]}]`, `[]`},
		{"remove-member", `{"a":1,"b":2}`, `[{"op":"remove","path":"/a"}]`, `{"b":2}`},
		{"remove-element", `{"a":[1,2,3]}`, `[{"op":"remove","path":"/a/1"}]`, `{"a":[1,3]}`},
		{"move", `{"a":{"x":1}}`, `[{"op":"move","from":"/a/x","path":"/b"}]`, `{"a":{},"b":1}`},
		{"copy-is-deep", `{"a":{"x":[1]}}`, `[{"op":"copy","from":"/a","path":"/b"},{"op":"add","path":"/b/x/-","value":2}]`, `{"a":{"x":[1]},"b":{"x":[1,2]}}`},
		{"test-holds", `{"a":{"x":1}}`, `[{"op":"test","path":"/a","value":{"x":1}}]`, `{"a":{"x":1}}`},
		{"escapes", `{"a/b":{"m~n":1}}`, `[{"op":"replace","path":"/a~1b/m~0n","value":2}]`, `{"a/b":{"m~n":2}}`},
		{"every-element", `{"a":[{"x":1},{}]}`, `[{"op":"add","path":"/a/*/x","value":0}]`, `{"a":[{"x":0},{"x":0}]}`},
		{"every-element-twice", `{"a":[{"b":[{},{}]},{"b":[]}]}`, `[{"op":"add","path":"/a/*/b/*/x","value":0}]`, `{"a":[{"b":[{"x":0},{"x":0}]},{"b":[]}]}`},
		{"remove-every-element", `{"a":[1,2,3]}`, `[{"op":"remove","path":"/a/*"}]`, `{"a":[]}`},
		{"no-elements", `{"a":[]}`, `[{"op":"add","path":"/a/*/x","value":0}]`, `{"a":[]}`},
		{"numbers-keep-their-spelling", `{"a":1.50,"b":12345678901234567890}`, `[]`, `{"a":1.50,"b":12345678901234567890}`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := ApplyPatch(json.RawMessage(c.doc), json.RawMessage(c.patch))
			if err != nil || string(got) != c.want {
				t.Errorf("got %s, %v; want %s", got, err, c.want)
			}
		})
	}
}

func TestApplyPatchRefuses(t *testing.T) {
	cases := []struct{ name, doc, patch string }{
		{"replace-absent", `{}`, `[{"op":"replace","path":"/a","value":1}]`},
		{"remove-absent", `{}`, `[{"op":"remove","path":"/a"}]`},
		{"remove-below-absent", `{}`, `[{"op":"remove","path":"/a/b"}]`},
		{"index-beyond", `{"a":[1]}`, `[{"op":"add","path":"/a/2","value":1}]`},
		{"index-leading-zero", `{"a":[1]}`, `[{"op":"replace","path":"/a/00","value":1}]`},
		{"index-negative", `{"a":[1]}`, `[{"op":"remove","path":"/a/-1"}]`},
		{"below-text", `{"a":"x"}`, `[{"op":"add","path":"/a/b","value":1}]`},
		{"test-differs", `{"a":1}`, `[{"op":"test","path":"/a","value":2}]`},
		{"no-slash", `{"a":1}`, `[{"op":"remove","path":"a"}]`},
		{"unknown-operation", `{}`, `[{"op":"merge","path":"/a","value":1}]`},
		{"no-value", `{}`, `[{"op":"add","path":"/a"}]`},
		{"move-absent", `{}`, `[{"op":"move","from":"/a","path":"/b"}]`},
		{"every-element-of-nothing", `{}`, `[{"op":"add","path":"/a/*/x","value":0}]`},
		{"every-element-of-object", `{"a":{}}`, `[{"op":"add","path":"/a/*/x","value":0}]`},
		{"too-many-elements", `{"a":[` + strings.Repeat("{},", 300) + `{}]}`, `[{"op":"add","path":"/a/*/x","value":0}]`},
		{"not-a-list", `{}`, `{"op":"add"}`},
		{"document", `{`, `[]`},
		{"copies-without-end", `{"a":{}}`, "[" + strings.Repeat(`{"op":"copy","from":"","path":"/a/b"},{"op":"move","from":"/a","path":"/c"},{"op":"move","from":"/c","path":"/a"},`, 40) + `{"op":"test","path":"/a","value":0}]`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got, err := ApplyPatch(json.RawMessage(c.doc), json.RawMessage(c.patch)); !errors.Is(err, ErrPatch) {
				t.Errorf("got %s, %v; want ErrPatch", got, err)
			}
		})
	}
}

func TestExpandPatch(t *testing.T) {
	const doc = `{"pools":[{"name":"a"},{"name":"b"}],"x":1}`
	const patch = `[{"op":"add","path":"/pools/*/secure","value":true},{"op":"remove","path":"/x"}]`
	const want = `[{"op":"add","path":"/pools/1/secure","value":true},{"op":"add","path":"/pools/0/secure","value":true},{"op":"remove","path":"/x"}]`
	got, err := ExpandPatch(json.RawMessage(doc), json.RawMessage(patch))
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
	if _, err := ExpandPatch(json.RawMessage(doc), json.RawMessage(`[{"op":"remove","path":"/y"}]`)); !errors.Is(err, ErrPatch) {
		t.Errorf("error %v, want ErrPatch", err)
	}
}

func FuzzApplyPatch(f *testing.F) {
	f.Add(`{"a":[1,{"b":2}]}`, `[{"op":"add","path":"/a/-","value":1},{"op":"remove","path":"/a/0"}]`)
	f.Add(`{}`, `[{"op":"copy","from":"","path":"/a"}]`)
	f.Add(`{"a":[{},{}]}`, `[{"op":"add","path":"/a/*/b","value":1}]`)
	f.Add(`[[]]`, `[{"op":"move","from":"/0","path":"/0/0"}]`)
	f.Fuzz(func(t *testing.T, doc, patch string) {
		got, err := ApplyPatch(json.RawMessage(doc), json.RawMessage(patch))
		if err == nil && !json.Valid(got) {
			t.Errorf("result is not JSON: %s", got)
		}
	})
}
