package sigma

import "strings"

// atom is one step of a pattern.
type atom struct {
	kind atomKind
	text string // of a literal
}

type atomKind uint8

const (
	literal atomKind = iota
	anyText          // *
	anyOne           // ?
	anyDash          // one of the characters that windash takes for a dash
)

// dashes are the characters of windash.
const dashes = "-/\u2013\u2014\u2015"

// pattern is what a value is compared with: atoms, neighbouring literals joined.
type pattern []atom

// parsePattern reads a Sigma string. A backslash escapes *, ? and, before one of
// these, itself; before anything else it is a backslash.
func parsePattern(s string) pattern {
	var p pattern
	var lit strings.Builder
	flush := func() {
		if lit.Len() > 0 {
			p = append(p, atom{literal, lit.String()})
			lit.Reset()
		}
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '*', '?':
			flush()
			kind := anyText
			if c == '?' {
				kind = anyOne
			}
			if kind == anyText && len(p) > 0 && p[len(p)-1].kind == anyText {
				continue
			}
			p = append(p, atom{kind: kind})
		case '\\':
			if i+1 < len(s) && (s[i+1] == '*' || s[i+1] == '?' || s[i+1] == '\\') {
				i++
				lit.WriteByte(s[i])
				continue
			}
			lit.WriteByte('\\')
		default:
			lit.WriteByte(c)
		}
	}
	flush()
	return p
}

// literalText is the text of a pattern without wildcards.
func (p pattern) literalText() (string, bool) {
	switch {
	case len(p) == 0:
		return "", true
	case len(p) == 1 && p[0].kind == literal:
		return p[0].text, true
	}
	return "", false
}

// mapLiterals gives a pattern with its literals changed.
func (p pattern) mapLiterals(f func(string) string) pattern {
	out := make(pattern, len(p))
	for i, a := range p {
		if a.kind == literal {
			a.text = f(a.text)
		}
		out[i] = a
	}
	return out
}

func (p pattern) openStart() pattern {
	if len(p) > 0 && p[0].kind == anyText {
		return p
	}
	return append(pattern{{kind: anyText}}, p...)
}

func (p pattern) openEnd() pattern {
	if len(p) > 0 && p[len(p)-1].kind == anyText {
		return p
	}
	return append(append(pattern{}, p...), atom{kind: anyText})
}

// withDashes makes each hyphen or slash that starts a word stand for any dash: one
// that no word character precedes and one follows.
func (p pattern) withDashes() pattern {
	var out pattern
	word := func(c byte) bool {
		return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
	}
	for _, a := range p {
		if a.kind != literal {
			out = append(out, a)
			continue
		}
		from := 0
		for i := 0; i < len(a.text); i++ {
			c := a.text[i]
			if c != '-' && c != '/' || i > 0 && word(a.text[i-1]) || i+1 >= len(a.text) || !word(a.text[i+1]) {
				continue
			}
			if i > from {
				out = append(out, atom{literal, a.text[from:i]})
			}
			out = append(out, atom{kind: anyDash})
			from = i + 1
		}
		if from < len(a.text) {
			out = append(out, atom{literal, a.text[from:]})
		}
	}
	return out
}

var escapeWildcards = strings.NewReplacer("*", `\*`, "?", `\?`)

// String writes the pattern as a Sigma string.
func (p pattern) String() string {
	var b strings.Builder
	for _, a := range p {
		switch a.kind {
		case anyText:
			b.WriteByte('*')
		case anyOne:
			b.WriteByte('?')
		case anyDash:
			b.WriteString("[-/]")
		default:
			b.WriteString(escapeWildcards.Replace(a.text))
		}
	}
	return b.String()
}
