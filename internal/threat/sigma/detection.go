package sigma

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// node is a selection: items that all hold, or alternatives.
type node interface{ isNode() }

type (
	allOf []node
	anyOf []node
)

func (allOf) isNode() {}
func (anyOf) isNode() {}
func (*item) isNode() {}

// item compares one field, or with field "" the whole event (keywords).
type item struct {
	field   string
	all     bool // every value must be found, else one
	negate  bool
	values  []value
	line    int
	keyword bool
	text    string // as it stands in the rule, for explanations
}

// valueKind says how a value is compared.
type valueKind uint8

const (
	matchPattern valueKind = iota
	matchRegexp
	matchNetwork
	matchNull
	matchExists
	matchNumber
	matchField
)

// value is what a field is compared with.
type value struct {
	kind    valueKind
	pattern pattern
	cased   bool
	re      *regexp.Regexp
	network netip.Prefix
	exists  bool
	op      string // of numbers: lt lte gt gte, "" is equal
	number  float64
	part    string // of a time: minute hour day week month year; "" is the value itself
	ref     string // field to compare with
	how     string // startswith, endswith, contains; "" is equal
}

// Bounds of one rule.
const (
	maxValues    = 20_000
	maxNodeDepth = 20
	maxFanOut    = 1000 // values that modifiers make of one
)

func parseSelection(n *yaml.Node) (node, error) { return parseNode(n, 0) }

func parseNode(n *yaml.Node, depth int) (node, error) {
	if depth > maxNodeDepth {
		return nil, failAt(n, "it is nested too deep")
	}
	switch n.Kind {
	case yaml.MappingNode:
		return parseMap(n)
	case yaml.SequenceNode:
		return parseList(n, depth)
	case yaml.ScalarNode:
		it, err := parseItem("", nil, n, n)
		if err != nil {
			return nil, err
		}
		return it, nil
	case yaml.AliasNode:
		return parseNode(n.Alias, depth+1)
	}
	return nil, failAt(n, "a selection is a map or a list")
}

func parseMap(n *yaml.Node) (node, error) {
	if len(n.Content) == 0 {
		return nil, failAt(n, "a selection is empty")
	}
	var all allOf
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, v := n.Content[i], n.Content[i+1]
		parts := strings.Split(key.Value, "|")
		it, err := parseItem(parts[0], parts[1:], key, v)
		if err != nil {
			return nil, err
		}
		all = append(all, it)
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return all, nil
}

// parseList reads alternatives: maps, or texts, which are keywords.
func parseList(n *yaml.Node, depth int) (node, error) {
	if len(n.Content) == 0 {
		return nil, failAt(n, "a selection is empty")
	}
	var any anyOf
	var words yaml.Node
	for _, c := range n.Content {
		if c.Kind == yaml.ScalarNode {
			words.Content = append(words.Content, c)
			continue
		}
		alternative, err := parseNode(c, depth+1)
		if err != nil {
			return nil, err
		}
		any = append(any, alternative)
	}
	if len(words.Content) > 0 {
		words.Kind, words.Line = yaml.SequenceNode, n.Line
		it, err := parseItem("", nil, n, &words)
		if err != nil {
			return nil, err
		}
		any = append(any, it)
	}
	if len(any) == 1 {
		return any[0], nil
	}
	return any, nil
}

func parseItem(field string, modifiers []string, key, v *yaml.Node) (*item, error) {
	it := &item{field: strings.ReplaceAll(field, " ", ""), keyword: field == "", line: key.Line, text: key.Value}
	scalars := []*yaml.Node{v}
	if v.Kind == yaml.SequenceNode {
		scalars = v.Content
		if len(scalars) == 0 {
			return nil, failAt(v, "%q has no values", key.Value)
		}
	}
	if len(scalars) > maxValues {
		return nil, failAt(v, "%q has %d values, at most %d are possible", key.Value, len(scalars), maxValues)
	}
	for _, s := range scalars {
		if s.Kind == yaml.AliasNode {
			s = s.Alias
		}
		if s.Kind != yaml.ScalarNode {
			return nil, failAt(s, "a value of %q is no text, number or null", key.Value)
		}
		values, err := it.parseValue(modifiers, s)
		if err != nil {
			return nil, failAt(s, "%q: %s", key.Value, err)
		}
		it.values = append(it.values, values...)
	}
	return it, nil
}

// draft is a value while modifiers are applied.
type draft struct {
	value
	raw string // text of literal values, for encodings
}

func (it *item) parseValue(modifiers []string, s *yaml.Node) ([]value, error) {
	d := draft{raw: s.Value}
	switch s.Tag {
	case "!!null":
		d.kind = matchNull
	case "!!bool":
		d.pattern = pattern{{literal, strings.ToLower(s.Value)}}
	case "!!int":
		if n, err := strconv.ParseInt(s.Value, 0, 64); err == nil {
			d.raw = strconv.FormatInt(n, 10)
		}
		d.pattern = pattern{{literal, d.raw}}
	case "!!float":
		d.pattern = pattern{{literal, s.Value}}
	default:
		d.pattern = parsePattern(s.Value)
	}
	drafts := []draft{d}
	if it.keyword && d.kind == matchPattern && !hasModifier(modifiers, "re") {
		for i := range drafts {
			drafts[i].pattern = drafts[i].pattern.openStart().openEnd()
		}
	}
	for i, m := range modifiers {
		var err error
		if drafts, err = it.modify(strings.ToLower(m), modifiers[:i], drafts, s); err != nil {
			return nil, err
		}
		if len(drafts) > maxFanOut {
			return nil, fmt.Errorf("modifiers make more than %d values of one", maxFanOut)
		}
	}
	var values []value
	for _, d := range drafts {
		if d.kind == matchNull && len(modifiers) > 0 && !onlyLinking(modifiers) {
			return nil, fmt.Errorf("null takes no modifier")
		}
		values = append(values, d.value)
	}
	return values, nil
}

func hasModifier(modifiers []string, name string) bool {
	for _, m := range modifiers {
		if strings.EqualFold(m, name) {
			return true
		}
	}
	return false
}

func onlyLinking(modifiers []string) bool {
	for _, m := range modifiers {
		if m := strings.ToLower(m); m != "all" && m != "neq" {
			return false
		}
	}
	return true
}

// modify applies one modifier, in the order in which they stand.
func (it *item) modify(name string, before []string, drafts []draft, s *yaml.Node) ([]draft, error) {
	switch name {
	case "all":
		it.all = true
		return drafts, nil
	case "neq":
		it.negate = true
		return drafts, nil
	case "i", "ignorecase", "m", "multiline", "s", "dotall":
		if !hasModifier(before, "re") {
			return nil, fmt.Errorf("modifier %s belongs to re", name)
		}
		return drafts, nil
	case "expand":
		return nil, fmt.Errorf("placeholder %s has no values", s.Value)
	}
	if f, ok := fanOut[name]; ok {
		var out []draft
		for _, d := range drafts {
			more, err := f(d)
			if err != nil {
				return nil, fmt.Errorf("modifier %s: %w", name, err)
			}
			out = append(out, more...)
		}
		return out, nil
	}
	f, ok := single[name]
	if !ok {
		return nil, fmt.Errorf("unknown modifier %q", name)
	}
	flags := it.text
	for i := range drafts {
		if err := f(&drafts[i], flags); err != nil {
			return nil, fmt.Errorf("modifier %s: %w", name, err)
		}
	}
	return drafts, nil
}

var errNotText = fmt.Errorf("the value is no text")

// single are the modifiers that change one value.
var single = map[string]func(d *draft, key string) error{
	"contains":   func(d *draft, _ string) error { return d.widen("contains") },
	"startswith": func(d *draft, _ string) error { return d.widen("startswith") },
	"endswith":   func(d *draft, _ string) error { return d.widen("endswith") },
	"cased": func(d *draft, _ string) error {
		d.cased = true
		return nil
	},
	"windash": func(d *draft, _ string) error {
		if d.kind != matchPattern {
			return errNotText
		}
		d.pattern = d.pattern.withDashes()
		return nil
	},
	"re":       (*draft).regexp,
	"cidr":     (*draft).cidr,
	"exists":   (*draft).existence,
	"fieldref": (*draft).reference,
	"lt":       numeric("lt"), "lte": numeric("lte"), "gt": numeric("gt"), "gte": numeric("gte"),
	"minute": timePart("minute"), "hour": timePart("hour"), "day": timePart("day"), "week": timePart("week"), "month": timePart("month"), "year": timePart("year"),
}

func (d *draft) widen(how string) error {
	switch d.kind {
	case matchField:
		d.how = how
		return nil
	case matchPattern:
	default:
		return errNotText
	}
	if how != "startswith" {
		d.pattern = d.pattern.openStart()
	}
	if how != "endswith" {
		d.pattern = d.pattern.openEnd()
	}
	return nil
}

// maxRegexp bounds a regular expression.
const maxRegexp = 32 << 10

func (d *draft) regexp(key string) error {
	if len(d.raw) > maxRegexp {
		return fmt.Errorf("it is longer than %d bytes", maxRegexp)
	}
	flags := ""
	for _, m := range strings.Split(key, "|")[1:] {
		switch strings.ToLower(m) {
		case "i", "ignorecase":
			flags += "i"
		case "m", "multiline":
			flags += "m"
		case "s", "dotall":
			flags += "s"
		}
	}
	text := d.raw
	if flags != "" {
		text = "(?" + flags + ")" + text
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return err
	}
	d.kind, d.re = matchRegexp, re
	return nil
}

func (d *draft) cidr(string) error {
	p, err := netip.ParsePrefix(d.raw)
	if err != nil {
		if a, aerr := netip.ParseAddr(d.raw); aerr == nil {
			p, err = a.Prefix(a.BitLen())
		}
	}
	if err != nil {
		return fmt.Errorf("%q is no network", d.raw)
	}
	d.kind, d.network = matchNetwork, p.Masked()
	return nil
}

func (d *draft) existence(string) error {
	switch strings.ToLower(d.raw) {
	case "true", "yes":
		d.exists = true
	case "false", "no":
	default:
		return fmt.Errorf("%q is neither true nor false", d.raw)
	}
	d.kind = matchExists
	return nil
}

func (d *draft) reference(string) error {
	if d.raw == "" {
		return fmt.Errorf("it names no field")
	}
	how := ""
	if n := len(d.pattern); n > 0 { // startswith and its like may stand before it
		start, end := d.pattern[0].kind == anyText, d.pattern[n-1].kind == anyText
		switch {
		case start && end:
			how = "contains"
		case start:
			how = "endswith"
		case end:
			how = "startswith"
		}
	}
	d.kind, d.ref, d.how = matchField, strings.ReplaceAll(d.raw, " ", ""), how
	return nil
}

func numeric(op string) func(*draft, string) error {
	return func(d *draft, _ string) error {
		if d.kind != matchNumber || d.part == "" {
			n, err := strconv.ParseFloat(d.raw, 64)
			if err != nil || n != n {
				return fmt.Errorf("%q is no number", d.raw)
			}
			d.number = n
		}
		d.kind, d.op = matchNumber, op
		return nil
	}
}

func timePart(part string) func(*draft, string) error {
	return func(d *draft, _ string) error {
		n, err := strconv.ParseFloat(d.raw, 64)
		if err != nil || n != n {
			return fmt.Errorf("%q is no number", d.raw)
		}
		d.kind, d.number, d.part = matchNumber, n, part
		return nil
	}
}
