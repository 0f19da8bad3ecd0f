package policy

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode"
)

// generator makes random rules and resources over a small vocabulary, so that
// they meet often.
type generator struct{ *rand.Rand }

func (g generator) pick(list ...string) string { return list[g.IntN(len(list))] }

func (g generator) scalar() string {
	return g.pick(`"a"`, `"B"`, `"10"`, `10`, `9.5`, `true`, `"TRUE"`, `""`, `null`, `"a*"`)
}

func (g generator) body() string {
	var rules []string
	for range g.IntN(4) {
		rules = append(rules, fmt.Sprintf(`{"port": %s, "tags": [%s, %s]}`, g.scalar(), g.scalar(), g.scalar()))
	}
	body := fmt.Sprintf(`"type": "N.S/things", "name": "x", "properties": {"one": %s, "two": {"deep": %s}`, g.scalar(), g.scalar())
	if g.IntN(3) > 0 {
		body += `, "rules": [` + strings.Join(rules, ", ") + `]`
	}
	return "{" + body + "}}"
}

func (g generator) unavailable() []string {
	if g.IntN(3) > 0 {
		return nil
	}
	return []string{g.pick("properties.one", "properties.two", "properties.rules", "properties.rules[*].port", "properties.two.gone")}
}

func (g generator) leaf() string {
	op := g.pick("equals", "notEquals", "like", "notLike", "in", "notIn", "contains", "notContains", "exists",
		"containsKey", "less", "greaterOrEquals", "match", "notMatchInsensitively")
	right := g.scalar()
	switch op {
	case "exists":
		right = g.pick("true", "false")
	case "in", "notIn":
		right = "[" + g.scalar() + ", " + g.scalar() + "]"
	}
	left := fmt.Sprintf(`"field": %q`, "properties."+g.pick("one", "two", "two.deep", "two.gone", "gone", "rules[*].port", "rules[*].tags[*]", "rules"))
	switch g.IntN(5) {
	case 0:
		left = fmt.Sprintf(`"value": %q`, "["+g.pick("field('properties.one')", "length(field('properties.rules[*]'))",
			"concat(field('name'), 'y')", "field('properties.two').deep", "int(field('properties.one'))", "first(field('properties.rules[*].port'))")+"]")
	case 1:
		left = fmt.Sprintf(`"count": {"field": "properties.rules[*]", "where": %s}`,
			fmt.Sprintf(`{"field": "properties.rules[*].%s", "%s": %s}`, g.pick("port", "tags[*]", "gone"), g.pick("equals", "notEquals"), g.scalar()))
		op, right = g.pick("equals", "greater", "lessOrEquals"), g.pick("0", "1", "2")
	}
	return fmt.Sprintf(`{%s, %q: %s}`, left, op, right)
}

func (g generator) condition(depth int) string {
	if depth == 0 || g.IntN(3) == 0 {
		return g.leaf()
	}
	if g.IntN(4) == 0 {
		return `{"not": ` + g.condition(depth-1) + `}`
	}
	var of []string
	for range 1 + g.IntN(3) {
		of = append(of, g.condition(depth-1))
	}
	return fmt.Sprintf(`{%q: [%s]}`, g.pick("allOf", "anyOf"), strings.Join(of, ", "))
}

// truthOfRule evaluates a bare condition.
func truthOfRule(t *testing.T, cond, body string, unavailable []string) Truth {
	t.Helper()
	d, err := bareRule([]byte(`{"if": ` + cond + `, "then": {"effect": "audit"}}`))
	if err != nil {
		t.Fatalf("%s: %v", cond, err)
	}
	b, err := Bind(d, nil, Options{})
	if err != nil {
		t.Fatalf("%s: %v", cond, err)
	}
	r := parseResource(t, body, unavailable)
	truth, _ := (&Evaluator{Options: Options{DirectPaths: true}}).Match(b, r, Environment{})
	return truth
}

// rewriteCase changes the letter case of every second letter outside operator
// words and escapes, which mean the same in any case.
func rewriteCase(s string) string {
	out := []rune(s)
	for i := 1; i < len(out); i += 2 {
		if unicode.IsUpper(out[i]) {
			out[i] = unicode.ToLower(out[i])
		} else {
			out[i] = unicode.ToUpper(out[i])
		}
	}
	return string(out)
}

// keepWords undoes rewriteCase for what JSON itself spells one way.
func keepWords(s string) string {
	for _, word := range []string{"true", "false", "null"} {
		for i := 0; i+len(word) <= len(s); i++ {
			if strings.EqualFold(s[i:i+len(word)], word) && !strings.HasPrefix(s[max(0, i-1):], `"`) {
				s = s[:i] + word + s[i+len(word):]
			}
		}
	}
	return s
}

func TestMetamorphic(t *testing.T) {
	g := generator{rand.New(rand.NewPCG(7, 11))}
	seen := map[Truth]int{}
	for range 3000 {
		cond, body, unavailable := g.condition(3), g.body(), g.unavailable()
		if 2*strings.Count(cond, `"count"`) > maxFieldCounts {
			continue // a variant would break the documented limit
		}
		want := truthOfRule(t, cond, body, unavailable)
		seen[want]++
		variants := map[string]struct {
			cond string
			want Truth
		}{
			"not-not":        {`{"not": {"not": ` + cond + `}}`, want},
			"negation":       {`{"not": ` + cond + `}`, want.not()},
			"all-of-one":     {`{"allOf": [` + cond + `]}`, want},
			"any-of-twice":   {`{"anyOf": [` + cond + `, ` + cond + `]}`, want},
			"with-true":      {`{"allOf": [{"allOf": []}, ` + cond + `]}`, want},
			"with-false":     {`{"anyOf": [` + cond + `, {"anyOf": []}]}`, want},
			"decided-before": {`{"anyOf": [` + cond + `, {"allOf": []}]}`, True},
		}
		for name, v := range variants {
			if got := truthOfRule(t, v.cond, body, unavailable); got != v.want {
				t.Fatalf("%s: %s, want %s\n%s\n%s %v", name, got, v.want, cond, body, unavailable)
			}
		}
	}
	for _, truth := range []Truth{False, True, Open, Failed} {
		if seen[truth] < 30 {
			t.Errorf("only %d of the random rules are %s: the generator is too narrow", seen[truth], truth)
		}
	}
}

// Keys and values in another letter case mean the same; match and functions
// that cut text are left out, as they look at letters.
func TestLetterCaseDoesNotMatter(t *testing.T) {
	g := generator{rand.New(rand.NewPCG(3, 5))}
	for range 2000 {
		cond, body := g.condition(2), g.body()
		if strings.Count(cond, `"count"`) > maxFieldCounts || strings.Contains(cond, "match") || strings.Contains(cond, "Match") {
			continue
		}
		want := truthOfRule(t, cond, body, nil)
		if got := truthOfRule(t, keepWords(rewriteCase(cond)), body, nil); got != want {
			t.Fatalf("%s in another letter case: %s, want %s\n%s", cond, got, want, body)
		}
		if got := truthOfRule(t, cond, keepWords(rewriteCase(body)), nil); got != want {
			t.Fatalf("resource %s in another letter case: %s, want %s\n%s", body, got, want, cond)
		}
	}
}

// A verdict that is known with a path unavailable must be the same whatever
// the path's value turns out to be.
func TestUnknownIsSound(t *testing.T) {
	body := func(one, deep, rules string) string {
		return `{"type": "N.S/things", "name": "x", "properties": {` + one + `"two": {` + deep + `"k": 1}` + rules + `}}`
	}
	const deep, rules = `"deep": "a", `, `, "rules": [{"port": 10, "tags": ["a", "B"]}, {"port": "a"}]`
	tests := []struct {
		path, delivered string
		possible        []string
	}{
		{"properties.one", body("", deep, rules), []string{
			body("", deep, rules), body(`"one": "a", `, deep, rules), body(`"one": 10, `, deep, rules), body(`"one": {"k": 1}, `, deep, rules), body(`"one": null, `, deep, rules)}},
		{"properties.two.deep", body("", "", rules), []string{
			body("", "", rules), body("", deep, rules), body("", `"deep": true, `, rules)}},
		{"properties.rules", body("", deep, ""), []string{
			body("", deep, ""), body("", deep, rules), body("", deep, `, "rules": []`), body("", deep, `, "rules": null`), body("", deep, `, "rules": [{"port": "B"}]`)}},
		{"properties.rules[*].port", body("", deep, rules), []string{
			body("", deep, rules), body("", deep, `, "rules": [{"port": "a", "tags": ["a", "B"]}, {}]`), body("", deep, `, "rules": [{"tags": ["a", "B"]}, {"port": null}]`)}},
		{"properties.gone.below", body("", deep, rules), []string{
			body("", deep, rules), body(`"gone": {"below": 1}, `, deep, rules), body(`"gone": {}, `, deep, rules)}},
	}
	for _, test := range tests {
		t.Run(test.path, func(t *testing.T) {
			g := generator{rand.New(rand.NewPCG(13, 17))}
			decided := 0
			for range 1000 {
				cond := g.condition(2)
				if strings.Count(cond, `"count"`) > maxFieldCounts {
					continue
				}
				known := truthOfRule(t, cond, test.delivered, []string{test.path})
				if known != True && known != False {
					continue
				}
				decided++
				for _, possible := range test.possible {
					if got := truthOfRule(t, cond, possible, nil); got != known && got != Failed {
						t.Fatalf("%s is %s without %s, but %s with\n%s", cond, known, test.path, got, possible)
					}
				}
			}
			if decided < 100 {
				t.Errorf("only %d rules were decided", decided)
			}
		})
	}
}

// count greater 0 is the negation of count equals 0.
func TestCountOfSomeIsNotCountOfNone(t *testing.T) {
	g := generator{rand.New(rand.NewPCG(19, 23))}
	for range 500 {
		where, body, unavailable := g.leaf(), g.body(), g.unavailable()
		count := func(op string) string {
			return `{"count": {"field": "properties.rules[*]", "where": ` + where + `}, ` + op + `}`
		}
		some := truthOfRule(t, count(`"greater": 0`), body, unavailable)
		none := truthOfRule(t, count(`"equals": 0`), body, unavailable)
		if some != none.not() {
			t.Fatalf("greater 0 is %s, equals 0 is %s\n%s\n%s", some, none, where, body)
		}
	}
}
