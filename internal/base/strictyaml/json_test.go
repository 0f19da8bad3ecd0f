package strictyaml

import (
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestNodeJSON(t *testing.T) {
	cases := []struct{ name, yaml, want string }{
		{"order-is-kept", "{b: 1, a: 2}", `{"b":1,"a":2}`},
		{"boolean", "[true, False]", `[true,false]`},
		{"words-are-text", "[on, off, yes, no]", `["on","off","yes","no"]`},
		{"quoted-stays-text", `["true", '1']`, `["true","1"]`},
		{"null", "[null, ~]", `[null,null]`},
		{"number-as-written", "[1.50, 10, -0.5, 1e3]", `[1.50,10,-0.5,1e3]`},
		{"hexadecimal", "[0x10, +5]", `[16,5]`},
		{"large", "[12345678901234567890]", `[12345678901234567890]`},
		{"date-is-text", "[2026-01-02, 2026-01-02T03:04:05Z]", `["2026-01-02","2026-01-02T03:04:05Z"]`},
		{"escapes", `["a\"b\\c", "<&>"]`, "[\"a\\\"b\\\\c\",\"\\u003c\\u0026\\u003e\"]"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := nodeJSON(parse(t, c.yaml))
			if err != nil || string(got) != c.want {
				t.Errorf("got %s, %v; want %s", got, err, c.want)
			}
		})
	}
}

func TestNodeJSONRefuses(t *testing.T) {
	cases := []struct{ name, yaml, want string }{
		{"infinity", "[.inf]", "1: .inf is not a JSON number"},
		{"key-twice", "{a: 1, a: 2}", `1: key "a" is given twice`},
		{"alias", "[&x 1, *x]", "anchors and aliases are not allowed"},
		{"complex-key", "{[1]: 2}", "a key must be a single value"},
		{"deep", strings.Repeat("[", 80) + strings.Repeat("]", 80), "nested deeper than 64"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := nodeJSON(parse(t, c.yaml))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %s, %v; want %s", got, err, c.want)
			}
		})
	}
}

func parse(t testing.TB, text string) *yaml.Node {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	return doc.Content[0]
}
