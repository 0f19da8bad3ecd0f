package sca

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// syntax is a dialect of regular expressions.
type syntax byte

const (
	pcre    syntax = iota // version 5, and version 4 where declared
	osRegex               // version 4's own
)

// maxPattern bounds one pattern.
const maxPattern = 8 << 10

// pattern is a conjunction of terms that must all hold for one line.
type pattern struct{ terms []term }

// term is a regular expression, a comparison of the number that one captures,
// or a literal line.
type term struct {
	negated bool
	re      *regexp.Regexp
	literal string
	compare func(a, b int64) bool // nil unless the term compares
	number  int64
}

// parsePattern reads terms joined by " && ".
func parsePattern(text string, s syntax) (*pattern, error) {
	if len(text) > maxPattern {
		return nil, fmt.Errorf("a pattern of more than %d bytes", maxPattern)
	}
	p := &pattern{}
	for part := range strings.SplitSeq(text, " && ") {
		t, err := parseTerm(strings.TrimSpace(part), s)
		if err != nil {
			return nil, err
		}
		p.terms = append(p.terms, t)
	}
	return p, nil
}

func parseTerm(text string, s syntax) (t term, err error) {
	if rest, ok := strings.CutPrefix(text, "!"); ok && isTerm(rest) {
		t.negated, text = true, rest
	}
	switch {
	case strings.HasPrefix(text, "r:"):
		t.re, err = compile(text[2:], s)
	case strings.HasPrefix(text, "n:"):
		expression, comparison, ok := strings.Cut(text[2:], " compare ")
		if !ok {
			return t, fmt.Errorf("%q has no comparison", text)
		}
		if t.re, err = compile(expression, s); err != nil {
			return t, err
		}
		if t.re.NumSubexp() == 0 {
			return t, fmt.Errorf("%q captures no number", text)
		}
		err = t.parseComparison(comparison)
	default:
		t.literal = text
	}
	return t, err
}

func isTerm(s string) bool { return strings.HasPrefix(s, "r:") || strings.HasPrefix(s, "n:") }

func (t *term) parseComparison(text string) error {
	f := strings.Fields(text)
	compare := map[string]func(a, b int64) bool{
		"<": func(a, b int64) bool { return a < b }, "<=": func(a, b int64) bool { return a <= b },
		">": func(a, b int64) bool { return a > b }, ">=": func(a, b int64) bool { return a >= b },
		"==": func(a, b int64) bool { return a == b }, "=": func(a, b int64) bool { return a == b },
		"!=": func(a, b int64) bool { return a != b },
	}
	if len(f) != 2 || compare[f[0]] == nil {
		return fmt.Errorf("comparison %q is not OPERATOR NUMBER", text)
	}
	n, err := strconv.ParseInt(f[1], 10, 64)
	if err != nil {
		return fmt.Errorf("comparison %q is not OPERATOR NUMBER", text)
	}
	t.compare, t.number = compare[f[0]], n
	return nil
}

// compile compiles without case, as both versions do.
func compile(text string, s syntax) (*regexp.Regexp, error) {
	if s == osRegex {
		text = fromOSRegex(text)
	}
	re, err := regexp.Compile("(?im)" + text)
	if err != nil {
		return nil, fmt.Errorf("pattern cannot be compiled: %w", err)
	}
	return re, nil
}

// matches reports whether one line meets every term. An error means that a
// number to compare is none.
func (p *pattern) matches(line string) (bool, error) {
	for _, t := range p.terms {
		ok, err := t.holds(line)
		if err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

func (t term) holds(line string) (bool, error) {
	switch {
	case t.re == nil:
		return line == t.literal, nil
	case t.compare == nil:
		return t.re.MatchString(line) != t.negated, nil
	}
	m := t.re.FindStringSubmatch(line)
	if m == nil {
		return false, nil
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		return false, fmt.Errorf("%.40q is not a number to compare", m[1])
	}
	return t.compare(n, t.number) != t.negated, nil
}

// inLines reports whether one of the lines meets the pattern.
func (p *pattern) inLines(data []byte) (bool, error) {
	text := strings.TrimSuffix(string(data), "\n")
	for line := range strings.SplitSeq(text, "\n") {
		ok, err := p.matches(strings.TrimSuffix(line, "\r"))
		if err != nil || ok {
			return ok, err
		}
	}
	return false, nil
}

// pcreOnly is what Wazuh's own dialect has no meaning for; where a file writes
// it, its patterns are meant as PCRE.
var pcreOnly = regexp.MustCompile(`(^|[^\\])(\[[^\]]+\]|\(\?|\{\d+(,\d*)?\}|\.[*+?]|\)[*+?])|\\[bBhAzZ]`)

func usesPCRE(rule string) bool {
	_, content, ok := strings.Cut(rule, separator)
	return ok && pcreOnly.MatchString(content)
}

// osClasses are the escapes of Wazuh's own dialect (os_regex): \. is any
// character there, \s a blank only, \w has - @ _ too.
var osClasses = map[byte]string{
	'.': `[\s\S]`, 'w': `[A-Za-z0-9@_-]`, 'W': `[^A-Za-z0-9@_-]`, 'd': `[0-9]`, 'D': `[^0-9]`, 's': ` `, 'S': `[^ ]`, 't': `\t`,
	'p': "[()*+,\\-.:;<=>?\\[\\]!\"'#%&$|{}]",
}

// fromOSRegex translates a pattern of that dialect. Only its escapes can be
// repeated, and . [ ] { } ? stand for themselves.
func fromOSRegex(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '\\' && i+1 < len(text):
			i++
			if class, ok := osClasses[text[i]]; ok {
				b.WriteString(class)
				if i+1 < len(text) && (text[i+1] == '+' || text[i+1] == '*') {
					i++
					b.WriteByte(text[i])
				}
				continue
			}
			b.WriteString(regexp.QuoteMeta(text[i : i+1]))
		case strings.IndexByte("^$|()", c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteString(regexp.QuoteMeta(text[i : i+1]))
		}
	}
	return b.String()
}
