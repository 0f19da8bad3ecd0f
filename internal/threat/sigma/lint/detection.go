package lint

import (
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

func (l *linter) logSource(n *yaml.Node) {
	v := get(n, "logsource")
	if v == nil || v.Kind != yaml.MappingNode {
		l.at(n, "logsource", nil, "there is no logsource map")
		return
	}
	named := 0
	for i := 0; i+1 < len(v.Content); i += 2 {
		key, value := v.Content[i], v.Content[i+1]
		switch key.Value {
		case "category", "product", "service":
			named++
		case "definition":
		default:
			l.at(key, "logsource-member", nil, "%q is no member of a log source", key.Value)
			continue
		}
		if value.Kind != yaml.ScalarNode {
			l.at(value, "logsource-member", nil, "%s is no text", key.Value)
		}
	}
	if named == 0 {
		l.at(v, "logsource", nil, "it names neither category nor product nor service")
	}
}

func (l *linter) detection(n *yaml.Node) {
	v := get(n, "detection")
	if v == nil || v.Kind != yaml.MappingNode {
		l.at(n, "detection", nil, "there is no detection map")
		return
	}
	l.selections(v, "detection")
}

// selections checks the selections of a detection or filter and its condition.
func (l *linter) selections(v *yaml.Node, demand string) {
	var names []*yaml.Node
	for i := 0; i+1 < len(v.Content); i += 2 {
		key := v.Content[i]
		switch key.Value {
		case "condition", "timeframe", "rules":
			continue
		}
		names = append(names, key)
		l.selection(v.Content[i+1], 0)
	}
	condition := get(v, "condition")
	if condition == nil {
		l.at(v, demand, nil, "there is no condition")
		return
	}
	texts := []*yaml.Node{condition}
	if condition.Kind == yaml.SequenceNode {
		texts = condition.Content
	}
	used := map[string]bool{}
	for _, t := range texts {
		l.condition(t, names, used)
	}
	for _, name := range names {
		if !used[name.Value] && !strings.HasPrefix(name.Value, "_") {
			l.at(name, "selection-unused", nil, "no condition uses %q", name.Value)
		}
	}
}

var (
	conditionWord = regexp.MustCompile(`[^\s()|]+`)
	reserved      = []string{"and", "or", "not", "of", "them", "all", "any"}
)

// condition checks the words of one condition and marks the selections that it
// uses.
func (l *linter) condition(t *yaml.Node, names []*yaml.Node, used map[string]bool) {
	words := conditionWord.FindAllString(t.Value, -1)
	for i, w := range words {
		lower := strings.ToLower(w)
		isName := slices.ContainsFunc(names, func(n *yaml.Node) bool { return n.Value == w })
		if !isName && w != lower && slices.Contains(reserved, lower) {
			l.at(t, "condition-case", nil, "%q is written in lower case", w)
		}
		if i > 0 && strings.EqualFold(words[i-1], "of") {
			l.pattern(t, w, names, used)
			continue
		}
		if isName {
			used[w] = true
		}
	}
}

// pattern checks what stands behind "of".
func (l *linter) pattern(t *yaml.Node, pattern string, names []*yaml.Node, used map[string]bool) {
	them := strings.EqualFold(pattern, "them")
	form := regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*") + "$")
	n := 0
	for _, name := range names {
		if them && !strings.HasPrefix(name.Value, "_") || !them && form.MatchString(name.Value) {
			used[name.Value] = true
			n++
		}
	}
	switch {
	case them && n == 1:
		l.at(t, "condition-them", nil, "there is one selection only")
	case n == 0:
		l.at(t, "of-nothing", nil, "%q fits no selection, so it never holds", pattern)
	}
}

// selection checks the maps and lists of a selection.
func (l *linter) selection(n *yaml.Node, depth int) {
	if depth > 20 {
		return
	}
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			l.item(n.Content[i], n.Content[i+1])
		}
	case yaml.SequenceNode:
		for _, c := range n.Content {
			if c.Kind == yaml.MappingNode {
				l.selection(c, depth+1)
			}
		}
		l.values(nil, n)
	}
}

// item checks one field with its modifiers and values.
func (l *linter) item(key, v *yaml.Node) {
	parts := strings.Split(key.Value, "|")
	modifiers := parts[1:]
	has := func(names ...string) bool {
		return slices.ContainsFunc(modifiers, func(m string) bool { return slices.Contains(names, strings.ToLower(m)) })
	}
	values := []*yaml.Node{v}
	if v.Kind == yaml.SequenceNode {
		values = v.Content
	}
	if has("all") && len(values) == 1 {
		l.at(key, "all-single", nil, "%q has one value", key.Value)
	}
	if has("all") && len(values) > 1 && parts[0] != "" && len(modifiers) == 1 && !slices.ContainsFunc(values, wild) {
		l.at(key, "all-equal", nil, "%q can never hold", parts[0])
	}
	for _, x := range values {
		l.wildcards(x, has)
	}
	l.values(has, v)
}

func wild(n *yaml.Node) bool { return strings.ContainsAny(n.Value, "*?") }

func (l *linter) wildcards(x *yaml.Node, has func(...string) bool) {
	text := x.Value
	switch {
	case has("re"):
		if text != "" && regexp.QuoteMeta(text) == text {
			l.at(x, "regexp-plain", nil, "%q has nothing of a regular expression", text)
		}
	case x.Tag != "!!str" || len(text) < 2:
	case has("contains") && (text[0] == '*' || endsWild(text)),
		has("startswith") && endsWild(text),
		has("endswith") && text[0] == '*':
		l.at(x, "wildcard-modifier", nil, "%q has a * where the modifier puts one", text)
	}
}

func endsWild(s string) bool { return strings.HasSuffix(s, "*") && !strings.HasSuffix(s, `\*`) }

// values checks the values of a list against one another.
func (l *linter) values(has func(...string) bool, v *yaml.Node) {
	if v.Kind != yaml.SequenceNode {
		return
	}
	if has == nil {
		has = func(...string) bool { return false }
	}
	exactCase := has("re", "cased", "base64", "base64offset")
	seen := map[string]bool{}
	for _, x := range v.Content {
		if x.Kind != yaml.ScalarNode {
			continue
		}
		if x.Tag == "!!null" {
			l.at(x, "null-in-list", nil, "null stands among other values")
			continue
		}
		text := x.Value
		if !exactCase {
			text = strings.ToLower(text)
		}
		if seen[text] {
			l.at(x, "value-repeated", nil, "%q stands twice", x.Value)
		}
		seen[text] = true
	}
	if has("contains") && !has("all", "windash", "base64", "base64offset", "re", "wide", "utf16", "utf16le", "utf16be", "expand", "fieldref") {
		l.covered(v, exactCase)
	}
}

// maxCovered bounds the comparison of each value with each.
const maxCovered = 300

// covered finds values that hold another one.
func (l *linter) covered(v *yaml.Node, exactCase bool) {
	if len(v.Content) > maxCovered {
		return
	}
	fold := func(s string) string {
		if exactCase {
			return s
		}
		return strings.ToLower(s)
	}
	for _, x := range v.Content {
		for _, y := range v.Content {
			a, b := fold(x.Value), fold(y.Value)
			if a != b && b != "" && !strings.ContainsAny(a+b, `*?\`) && strings.Contains(a, b) {
				l.at(x, "value-covered", nil, "%q is found wherever %q is", x.Value, y.Value)
				break
			}
		}
	}
}
