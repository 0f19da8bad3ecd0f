package rawjson

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"
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
	for _, s := range []string{`{}`, `{"a":1,"b":[{"c":"\\\"}"}],"d":{"e":null}}`, `{"a":`, `{"a"`, `[1,[2],"]"]`, "{\"\\u0061\":\t1 }", `{"a":1 "b":2}`, `{"a":"q\"\u00e9","b":"é"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got := map[string]json.RawMessage{}
		Members(b, func(key, value []byte) bool {
			got[Name(key)] = value
			if name := AppendName([]byte("x"), key); string(name) != "x"+Name(key) {
				t.Errorf("AppendName of %q = %q", key, name)
			}
			if text := AppendText([]byte("x"), value); string(text) != "x"+Text(value) {
				t.Errorf("AppendText of %q = %q", value, text)
			}
			return true
		})
		Elements(b, func([]byte) {})
		var want map[string]json.RawMessage
		if !utf8.Valid(b) || json.Unmarshal(b, &want) != nil || want == nil { // the other mends what is no UTF-8
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

func BenchmarkMembers(b *testing.B) {
	doc := []byte(`{"id":"/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg-1/providers/Microsoft.Storage/storageAccounts/st1",` +
		`"location":"westeurope","properties":{"accessTier":"Hot","allowBlobPublicAccess":false,"encryption":{"keySource":"Microsoft.Storage",` +
		`"services":{"blob":{"enabled":true},"file":{"enabled":true}}},"minimumTlsVersion":"TLS1_2","networkAcls":{"bypass":"AzureServices",` +
		`"defaultAction":"Deny","ipRules":[{"action":"Allow","value":"203.0.113.4"}],"virtualNetworkRules":[]},"supportsHttpsTrafficOnly":true},` +
		`"tags":{"env":"prod","owner":"somebody@example.com"},"type":"Microsoft.Storage/storageAccounts"}`)
	b.SetBytes(int64(len(doc)))
	for b.Loop() {
		Members(doc, func(key, value []byte) bool { return true })
	}
}
