package engine

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/rampart-sec/rampart/internal/posture/policy"
)

func path(t testing.TB, text string) policy.Path {
	t.Helper()
	p, err := policy.ParsePath(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// show renders a cell for tests.
func show(r Row, d *dict, c cell) string {
	switch c.tag() {
	case tagInt:
		return json.Number(strings.TrimSpace(string(mustJSON(c.inline())))).String()
	case tagLong:
		return string(mustJSON(r.long(c)))
	case tagFloat:
		return string(mustJSON(r.float(c)))
	case tagWord:
		return "#" + d.texts[c.payload()]
	case tagWordText:
		id, _ := r.word(c)
		return "#" + d.texts[id] + "=" + string(r.text(c))
	case tagText:
		return string(r.text(c))
	case tagObject, tagArray:
		if c.payload() != noText {
			return string(r.text(c))
		}
		return [...]string{"object", "array"}[c.tag()-tagObject]
	}
	return [...]string{"missing", "null", "unavailable", "false", "true", 12: "", 13: "block", 14: "other"}[c.tag()]
}

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// collect gives every cell of a place, element by element.
func collect(r Row, lay *layout, p place, d *dict) []string {
	scopes := []uint32{1}
	for _, a := range p.arrays {
		var next []uint32
		for _, s := range scopes {
			c := r.at(s + uint32(lay.nodes[a].arr))
			if c.tag() != tagBlock {
				continue
			}
			n, first := r.block(c)
			if n == 0 {
				continue
			}
			for i := range n {
				next = append(next, first+i) // width is 1 in these tests
			}
		}
		scopes = next
	}
	var out []string
	for _, s := range scopes {
		out = append(out, show(r, d, r.at(s+uint32(p.cell))))
	}
	return out
}

func TestDecode(t *testing.T) {
	for _, tt := range []struct{ name, path, body, want string }{
		{"plain", "properties.a", `{"properties":{"a":"X"}}`, "X"},
		{"word", "properties.a", `{"properties":{"a":"DENY"}}`, "#deny"},
		{"keyCase", "properties.a", `{"PROPERTIES":{"A":1}}`, "1"},
		{"escapedKey", "properties.a", `{"prop\u0065rties":{"a":true}}`, "true"},
		{"missing", "properties.a", `{"properties":{"b":1}}`, "missing"},
		{"throughScalar", "properties.a", `{"properties":"a"}`, "missing"},
		{"null", "properties.a", `{"properties":{"a":null}}`, "null"},
		{"float", "properties.a", `{"properties":{"a":1.50}}`, "1.5"},
		{"integralFloat", "properties.a", `{"properties":{"a":1.0}}`, "1"},
		{"negative", "properties.a", `{"properties":{"a":-7}}`, "-7"},
		{"long", "properties.a", `{"properties":{"a":9007199254740993}}`, "9007199254740993"},
		{"object", "properties.a", `{"properties":{"a":{"x":[1]}}}`, "object"},
		{"array", "properties.a", `{"properties":{"a":[ ]}}`, "array"},
		{"lastOfSame", "properties.a", `{"properties":{"a":1,"a":2}}`, "2"},
		{"exactSpellingWins", "properties.a", `{"properties":{"A":1,"a":2}}`, "2"},
		{"exactSpellingStays", "properties.a", `{"properties":{"a":1,"A":2}}`, "1"},
		{"repeatedParent", "properties.a", `{"properties":{"a":1},"properties":{}}`, "missing"},
		{"members", "p.r[*].x", `{"p":{"r":[{"x":1},{},{"x":"Deny"}]}}`, "1,missing,#deny"},
		{"nested", "p.r[*].s[*]", `{"p":{"r":[{"s":[1,2]},{"s":[]},{"s":[3]}]}}`, "1,2,3"},
		{"emptyArray", "p.r[*].x", `{"p":{"r":[]}}`, ""},
		{"sharpS", "properties.a", `{"properties":{"a":"STRASSE \u00df"}}`, "#strasse ss"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			lay, words := newLayout(), newDict([]string{"deny", "strasse ss"})
			p := lay.add(path(t, tt.path), 0)
			var d decoder
			if err := d.decode(lay, words, []byte(tt.body)); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(collect(d.appendRow(nil), lay, p, words), ","); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		`{}`, ` [1,2.5e3,-0] `, `{"a":{"b":[{"c":"x\u00e9\n"},null,true]}}`, `{"a":1,}`, `[`, `"\ud800"`, `01`, `1e`, "\"\x01\"",
		`{"a":{"b":[[1],[2]],"b":3},"A":null}`,
	} {
		f.Add([]byte(s))
	}
	lay, words := newLayout(), newDict([]string{"x"})
	for _, p := range []string{"a", "a.b", "a.b[*].c", "a.b[*]", "a.b[*][*]"} {
		lay.add(path(f, p), keepText|keepRaw)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if depth(body) > 60 || strings.ContainsAny(string(body), "eE") {
			t.Skip("range of numbers and depth are limits of our own")
		}
		var d decoder
		err := d.decode(lay, words, body)
		valid := json.Valid([]byte(strings.TrimPrefix(string(body), "\xef\xbb\xbf")))
		if (err == nil) != valid {
			t.Fatalf("decode says %v, encoding/json says valid=%v", err, valid)
		}
	})
}

func depth(body []byte) int {
	return strings.Count(string(body), "[") + strings.Count(string(body), "{")
}

const sampleBody = `{"id":"/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg-prod-17/providers/Microsoft.Storage/storageAccounts/stprod000017","name":"stprod000017","type":"Microsoft.Storage/storageAccounts","location":"westeurope","kind":"StorageV2","sku":{"name":"Standard_LRS","tier":"Standard"},"tags":{"env":"prod","owner":"team-a"},"properties":{"allowBlobPublicAccess":false,"minimumTlsVersion":"TLS1_2","supportsHttpsTrafficOnly":true,"publicNetworkAccess":"Enabled","networkAcls":{"bypass":"AzureServices","defaultAction":"Allow","ipRules":[],"virtualNetworkRules":[]},"encryption":{"keySource":"Microsoft.Storage"},"provisioningState":"Succeeded"}}`

func BenchmarkDecode(b *testing.B) {
	lay, words := newLayout(), newDict([]string{"tls1_2", "enabled", "allow", "deny", "microsoft.storage", "storagev2"})
	for _, p := range []string{"kind", "location", "properties.allowBlobPublicAccess", "properties.minimumTlsVersion", "properties.supportsHttpsTrafficOnly",
		"properties.publicNetworkAccess", "properties.networkAcls.defaultAction", "properties.networkAcls.ipRules[*].value", "properties.encryption.keySource"} {
		lay.add(path(b, p), 0)
	}
	var d decoder
	body := []byte(sampleBody)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if err := d.decode(lay, words, body); err != nil {
			b.Fatal(err)
		}
	}
}
