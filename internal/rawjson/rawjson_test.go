package rawjson

import (
	"bytes"
	"encoding/json"
	"testing"
)

func TestLookup(t *testing.T) {
	doc := []byte(` {"a": {"B" : [1, {"x":"]}"}], "c":"q\"\\"}, "d":-1.5e3, "e":null}`)
	for path, want := range map[string]string{
		"a,b": `[1, {"x":"]}"}]`, "A,C": `"q\"\\"`, "d": "-1.5e3", "e": "null", "a,z": "", "d,x": "",
	} {
		keys := bytes.Split([]byte(path), []byte(","))
		var names []string
		for _, k := range keys {
			names = append(names, string(k))
		}
		if got := string(Lookup(doc, names...)); got != want {
			t.Errorf("Lookup %s = %s, want %s", path, got, want)
		}
	}
	if got := Text([]byte(`"qé"`)); got != "qé" {
		t.Errorf("Text = %q", got)
	}
}

// FuzzMembers checks that the scanner never panics, and on valid objects sees
// what encoding/json sees.
func FuzzMembers(f *testing.F) {
	for _, s := range []string{`{}`, `{"a":1,"b":[{"c":"\\\"}"}],"d":{"e":null}}`, `{"a":`, `{"a"`, `[1,[2],"]"]`, "{\"\\u0061\":\t1 }", `{"a":1 "b":2}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got := map[string]json.RawMessage{}
		Members(b, func(key, value []byte) bool {
			got[Name(key)] = value
			return true
		})
		Elements(b, func([]byte) {})
		var want map[string]json.RawMessage
		if json.Unmarshal(b, &want) != nil || want == nil {
			return
		}
		if len(got) != len(want) {
			t.Fatalf("%d members, want %d, in %q", len(got), len(want), b)
		}
		for k, v := range want {
			if !bytes.Equal(bytes.TrimSpace(v), got[k]) {
				t.Errorf("member %q = %q, want %q", k, got[k], v)
			}
		}
	})
}
