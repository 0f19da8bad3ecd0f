package policy

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// evalText evaluates the text of an expression over a small resource.
func evalText(t *testing.T, text string) (Value, error) {
	t.Helper()
	e, err := ParseExpression("[" + text + "]")
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	r := parseResource(t, `{"name": "x", "location": "westeurope"}`, []string{"properties.hidden"})
	ev := &Evaluator{Options: Options{DirectPaths: true}, Now: time.Date(2026, 3, 4, 5, 6, 7, 89_000_000, time.UTC)}
	return ev.run(&Bound{Definition: &Definition{}}, r, r, Environment{}).expr(e, nil)
}

func TestFunctions(t *testing.T) {
	tests := []struct{ text, want string }{ // want is compact JSON
		{"and(true(), not(false()))", `true`},
		{"or(false(), false())", `false`},
		{"bool('True')", `true`},
		{"bool(0)", `false`},
		{"coalesce(null(), '', 'x')", `""`},
		{"coalesce(null(), null())", `null`},
		{"less('b', 'A')", `false`},
		{"greaterOrEquals('2024-01-02', '2024-01-02T00:00:00Z')", `true`},
		{"contains('Hello', 'ELL')", `true`},
		{"contains(createArray(1, '2'), 2)", `true`},
		{"empty(createObject())", `true`},
		{"first('')", `""`},
		{"first(createArray())", `null`},
		{"last('a😀')", "\"\ufffd\""}, // half of a surrogate pair, as the service cuts it
		{"take('abc', 9)", `"abc"`},
		{"take(createArray(1, 2, 3), -1)", `[]`},
		{"skip(createArray(1, 2, 3), 2)", `[3]`},
		{"array('a')", `["a"]`},
		{"union(createArray(1, 2), createArray(2, 3))", `[1,2,3]`},
		{"union(json('{\"a\":{\"x\":1},\"b\":[1]}'), json('{\"a\":{\"y\":2},\"b\":[2]}'))", `{"a":{"x":1,"y":2},"b":[2]}`},
		{"intersection(createObject('a', 1, 'b', 2), createObject('b', 2, 'a', 3))", `{"b":2}`},
		{"range(3, 3)", `[3,4,5]`},
		{"min(createArray(4, 2.5, 3))", `2.5`},
		{"items(createObject('b', 1, 'a', 2))", `[{"key":"a","value":2},{"key":"b","value":1}]`},
		{"objectKeys(createObject('b', 1, 'a', 2))", `["a","b"]`},
		{"flatten(createArray(createArray(1), createArray(2, 3)))", `[1,2,3]`},
		{"shallowMerge(createArray(createObject('a', 1), createObject('A', 2)))", `{"a":2}`},
		{"tryGet(createArray(createObject('a', 1)), 0, 'A')", `1`},
		{"tryGet('text', 'a')", `null`},
		{"add(1, 2.5)", `3.5`},
		{"sub(-3, 4)", `-7`},
		{"mul(-9223372036854775807, 1)", `-9223372036854775807`},
		{"div(-7, 2)", `-3`},
		{"int(3.9)", `3`},
		{"int(' 12 ')", `12`},
		{"float('1e2')", `100`},
		{"concat(createArray(1), createArray(2))", `[1,2]`},
		{"string(true())", `"True"`},
		{"string(null())", `""`},
		{"trim('  a b ')", `"a b"`},
		{"replace('aXbx', 'x', '-')", `"aXb-"`},
		{"split('a,b;c', createArray(',', ';'))", `["a","b","c"]`},
		{"split('abc', '')", `["abc"]`},
		{"join(createArray('a', 1, true()), '/')", `"a/1/True"`},
		{"substring('hello', 1)", `"ello"`},
		{"startsWith('Straße', 'STRASSE')", `true`},
		{"endsWith('abc', '')", `true`},
		{"lastIndexOf('abc', 'z')", `-1`},
		{"padLeft('abcd', 2)", `"abcd"`},
		{"format('{1}-{0,-4}|{2:N1}|{3:X2}', 'a', 'b', 1234.56, 10)", `"b-a   |1,234.6|0A"`},
		{"base64ToJson(base64('{\"a\":1}')).a", `1`},
		{"dataUriToString(dataUri('hi'))", `"hi"`},
		{"uri('https://a.example/x/', '../y')", `"https://a.example/y"`},
		{"uriComponentToString('a%20b')", `"a b"`},
		{"length(uniqueString('a', 'b'))", `13`},
		{"equals(uniqueString('a'), uniqueString('a'))", `true`},
		{"length(guid('a'))", `36`},
		{"addDays('2024-03-01T10:00:00.5Z', -1)", `"2024-02-29T10:00:00.5000000Z"`},
		{"addDays('2024-03-01', 1, 'yyyy/MM/dd')", `"2024/03/02"`},
		{"dateTimeAdd('2024-01-31T00:00:00Z', '-P1Y2M3DT4H5M6S')", `"2022-11-26T19:54:54Z"`},
		{"dateTimeAdd('2024-01-31', 'P1M')", `"2024-02-29T00:00:00Z"`},
		{"dateTimeFromEpoch(0)", `"1970-01-01T00:00:00Z"`},
		{"dateTimeToEpoch('1970-01-01T00:01:00Z')", `60`},
		{"utcNow('yyyy-MM-dd HH:mm:ss.fff')", `"2026-03-04 05:06:07.089"`},
		{"utcNow('d')", `"03/04/2026"`},
		{"ipRangeContains('10.0.0.0/8', '10.1.0.0-10.2.0.0')", `true`},
		{"ipRangeContains('10.0.0.1', '10.0.0.1/32')", `true`},
		{"ipRangeContains('10.0.0.0/24', '10.0.0.0/16')", `false`},
		{"parseCidr('10.144.0.0/20').lastUsable", `"10.144.15.254"`},
		{"cidrSubnet('10.144.0.0/20', 24, 1)", `"10.144.1.0/24"`},
		{"if(true(), 1, int('x'))", `1`},
		{"createArray(1, 2)[5]", `null`}, // undefined is written as null
		{"field('properties.gone').a.b", `null`},
		{"resourceGroup().name", `null`},
	}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			got, err := evalText(t, test.text)
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

func TestFunctionErrors(t *testing.T) {
	for _, text := range []string{
		"and(true(), 'x')", "not(1)", "bool('maybe')", "if('x', 1, 2)", "less(createArray(), 1)", "empty(1)", "length(true())",
		"union(createArray(), createObject())", "intersection(1, 2)", "range(0, 10001)", "range(0, -1)", "min()", "max(createArray())",
		"min('a')", "createObject('a')", "createObject(1, 2)", "div(1, 0)", "mod(1, 0)", "div(1.5, 2)", "add('1', 2)",
		"add(9223372036854775807, 1)", "sub(-9223372036854775807, 2)", "mul(4611686018427387904, 2)", "int('1.5')", "float('0x10')",
		"concat('a', createArray())", "concat(createObject())", "toLower(1)", "replace('a', '', 'b')", "split('a', 1)", "join('a', ',')",
		"substring('abc', 2, 2)", "substring('abc', -1)", "padLeft('a', 3, 'xy')", "padLeft('a', 999999)", "format('{0}')", "format('{')",
		"format('}', 1)", "format('{0:Q}', 1)", "json('{')", "base64ToString('*')", "uri('relative', 'x')", "guid(1)",
		"addDays('not a date', 1)", "addDays('2024-01-01', 99999999)", "dateTimeAdd('2024-01-01', 'P')", "dateTimeAdd('2024-01-01', 'P1.5D')",
		"ipRangeContains('10.0.0.9-10.0.0.1', '10.0.0.1')", "ipRangeContains('10.0.0.0/8', '::1')", "ipRangeContains('x', 'y')",
		"cidrSubnet('10.0.0.0/24', 16, 0)", "cidrSubnet('10.0.0.0/24', 26, 4)", "cidrHost('10.0.0.0/30', 9)", "current()", "parameters('p')",
		"createObject('a', 1)[0]", "field(1)",
	} {
		t.Run(text, func(t *testing.T) {
			e, err := ParseExpression("[" + text + "]")
			if err != nil {
				return // refused when it is read
			}
			_ = e
			if v, err := evalText(t, text); err == nil {
				t.Errorf("%s, want an error", v)
			}
		})
	}
}

// An argument that was not delivered makes the result unknown, unless the
// result is the same whatever it is.
func TestFunctionsOfUnavailableValues(t *testing.T) {
	const hidden = "field('properties.hidden')"
	for text, want := range map[string]string{
		"concat('a', " + hidden + ")":                    "open",
		"equals(" + hidden + ", 1)":                      "open",
		"empty(createArray(" + hidden + "))":             "false",
		"length(createArray(" + hidden + "))":            "1",
		"and(false(), equals(" + hidden + ", 1))":        "false",
		"or(true(), equals(" + hidden + ", 1))":          "true",
		"and(true(), equals(" + hidden + ", 1))":         "open",
		"coalesce('x', " + hidden + ")":                  `"x"`,
		"coalesce(null(), " + hidden + ")":               "open",
		"if(equals(" + hidden + ", 1), 1, 2)":            "open",
		"if(true(), 'x', " + hidden + ")":                `"x"`,
		"createObject('a', " + hidden + ", 'b', 2).b":    "open",
		"tryGet(createObject('a', " + hidden + "), 'a')": "open",
	} {
		v, err := evalText(t, text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got := v.String()
		if v.Kind == Unavailable {
			got = "open"
		}
		if got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
}

// The tables of signatures and of implementations name the same functions.
func TestEveryFunctionIsImplemented(t *testing.T) {
	ofEvaluation := []string{"parameters", "field", "current", "requestcontext", "policy", "resourcegroup", "subscription", "utcnow", "if"}
	for _, name := range slices.Sorted(maps.Keys(signatures)) {
		if functions[name] == nil && !slices.Contains(ofEvaluation, name) {
			t.Errorf("%s() has a signature only", name)
		}
		if name != strings.ToLower(name) {
			t.Errorf("%s is not lower-case", name)
		}
	}
	for name := range functions {
		if _, ok := signatures[name]; !ok {
			t.Errorf("%s() has no signature", name)
		}
	}
}

func TestParseExpressionErrors(t *testing.T) {
	for text, want := range map[string]string{
		"plain":             "no expression",
		"[[escaped]":        "no expression",
		"[]":                "missing at the end",
		"['open]":           "no end",
		"[concat('a'":       "no expression",
		"[concat('a']":      "do not end in )",
		"[concat('a') 'b']": "unexpected",
		"[first(x)]":        "neither a value nor a call",
		"[a.b]":             "neither a value nor a call",
		"[field('a').]":     "a name is expected",
		"[field('a')[0]":    "does not end in ]",
		"[first()]":         "takes 1 argument, not 0",
		"[substring('a')]":  "takes 2 to 3 arguments, not 1",
		"[tryGet('a')]":     "takes 2 or more arguments, not 1",
		"[variables('x')]":  "belongs to deployment templates",
		"[frobnicate()]":    "there is no function frobnicate()",
		"[field('[*]')]":    "does not start with a name",
		strings.Repeat("[", 1) + "1" + strings.Repeat(" ", maxExpressionText) + "]": "longer than",
	} {
		if _, err := ParseExpression(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: error %v, want %q", text, err, want)
		}
	}
}
