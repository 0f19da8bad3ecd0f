package engine

import (
	"fmt"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// printsOf are what a reader found, each known place with its print and text.
func printsOf(read func(visit func(*policy.Reading))) map[string]string {
	out := map[string]string{}
	read(func(r *policy.Reading) {
		if out[r.Resource+" "+r.Path] = "unknown"; r.Known() {
			out[r.Resource+" "+r.Path] = fmt.Sprintf("%x", r.Print())
		}
	})
	return out
}

// TestReadingsEqualTheOracles compares what rows say was read with what the
// documents say, for random rules and documents.
func TestReadingsEqualTheOracles(t *testing.T) {
	compared := 0
	for seed := range uint64(80) {
		_, w := bindable(t, seed)
		set, _, err := Compile(w.in, w.opt)
		if err != nil {
			t.Fatal(err)
		}
		e := fill(t, set, w.docs)
		reader := NewReader(e)
		var list policy.Resources
		docs := map[uint32]*policy.Resource{}
		for h, doc := range w.docs {
			r, err := policy.NewResource(doc)
			if err != nil {
				t.Fatal(err)
			}
			docs[h], list = r, append(list, r)
		}
		plain := &policy.Evaluator{Aliases: w.in.Aliases, Options: w.opt.Language, Estate: list, Now: w.opt.Now}
		for h, doc := range docs {
			for _, v := range e.Verdicts(h, nil) {
				b := set.Members()[v.Member].Bound
				want := printsOf(func(visit func(*policy.Reading)) {
					_ = plain.Read(b, doc, policy.Environment{}, visit) // a lookup that fails reads nothing related
				})
				for place, got := range printsOf(func(visit func(*policy.Reading)) { reader.Read(h, v.Member, visit) }) {
					compared++
					if other, ok := want[place]; ok && got != other {
						t.Errorf("seed %d, %s of %s: row %s, document %s%s", seed, place, doc.ID, got, other, w.describe(set, key(h, v.Member)))
					}
				}
			}
		}
		if t.Failed() {
			return
		}
	}
	if compared < 1000 {
		t.Errorf("only %d places were compared", compared)
	}
}

// TestReadingsAreStable gives a rule's readings beside few and many other
// rules: what rows keep for others must not matter.
func TestReadingsAreStable(t *testing.T) {
	for seed := range uint64(60) {
		_, w := bindable(t, seed)
		all, _, err := Compile(w.in, w.opt)
		if err != nil {
			t.Fatal(err)
		}
		few := w.in
		few.Assignments = few.Assignments[:1]
		alone, _, err := Compile(few, w.opt)
		if err != nil {
			t.Fatal(err)
		}
		one, many := fill(t, alone, w.docs), fill(t, all, w.docs)
		for h := range w.docs {
			for member := range alone.Members() {
				a := printsOf(func(visit func(*policy.Reading)) { NewReader(one).Read(h, member, visit) })
				b := printsOf(func(visit func(*policy.Reading)) { NewReader(many).Read(h, member, visit) })
				if diff := cmp.Diff(a, b); diff != "" {
					t.Fatalf("seed %d, resource %d, member %d (-alone +beside others):\n%s%s", seed, h, member, diff, w.describe(alone, key(h, member)))
				}
			}
		}
	}
}

// TestReadingsTellChanges says which changes of a document a rule notices.
func TestReadingsTellChanges(t *testing.T) {
	w := &world{docs: map[uint32]wire.Document{}, opt: Options{Language: policy.Options{DirectPaths: true}, Now: instant}}
	d := definition(t, "tls", `{"if":{"allOf":[{"field":"type","equals":"a.b/c"},{"field":"properties.tls","notEquals":"1.2"},
		{"count":{"field":"properties.rules[*]","where":{"field":"properties.rules[*].port","equals":22}},"greaterOrEquals":0},
		{"field":"properties.acl","exists":true}]},"then":{"effect":"audit"}}`)
	w.in = Input{Definitions: []*policy.Definition{d}, Assignments: assign(t, testSub, d)}
	base := obj{"tls": "1.0", "rules": []any{obj{"port": 22, "note": "a"}}, "acl": obj{"x": 1}, "other": 1}
	prints := func(change obj) map[string]string {
		body := maps.Clone(base)
		maps.Copy(body, change)
		set, _, err := Compile(w.in, w.opt)
		if err != nil {
			t.Fatal(err)
		}
		e := fill(t, set, map[uint32]wire.Document{1: resource("a.b/c", "x", obj{"properties": body})})
		return printsOf(func(visit func(*policy.Reading)) { NewReader(e).Read(1, 0, visit) })
	}
	before := prints(nil)
	if len(before) != 4 {
		t.Fatalf("read %v, want tls, rules, ports and acl", before)
	}
	for name, c := range map[string]struct {
		change obj
		seen   bool
	}{
		"otherProperty":  {obj{"other": 2}, false},
		"otherInMember":  {obj{"rules": []any{obj{"port": 22, "note": "b"}}}, false},
		"insideOfExists": {obj{"acl": obj{"x": 2}}, false},
		"value":          {obj{"tls": "1.1"}, true},
		"member":         {obj{"rules": []any{obj{"port": 23}}}, true},
		"oneMore":        {obj{"rules": []any{obj{"port": 22}, obj{"port": 22}}}, true},
		"type":           {obj{"tls": 1.0}, true},
		"gone":           {obj{"acl": nil}, true},
	} {
		if got := cmp.Diff(before, prints(c.change)) != ""; got != c.seen {
			t.Errorf("%s: noticed %v, want %v", name, got, c.seen)
		}
	}
	if cmp.Diff(prints(obj{"tls": "abc"}), prints(obj{"tls": "ABC"})) != "" {
		t.Error("case alone was noticed")
	}
}
