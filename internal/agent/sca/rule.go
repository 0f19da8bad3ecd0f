package sca

import (
	"errors"
	"fmt"
	"strings"
)

// Kind is what a rule looks at.
type Kind byte

// The kinds, by the letter that begins a rule.
const (
	KindFile      Kind = 'f'
	KindDirectory Kind = 'd'
	KindProcess   Kind = 'p'
	KindCommand   Kind = 'c'
	KindRegistry  Kind = 'r'
)

// Rule is one rule of a check.
type Rule struct {
	Text    string
	Negated bool
	Kind    Kind
	Subject []string // paths, a command line, a process or registry keys
	// Name is the pattern of file names of a directory rule, or the name of a
	// registry value; nil if the rule has none.
	Name    *pattern
	Value   string   // the name of a registry value as text
	Content *pattern // nil if existence is enough
	Err     error    // why the rule cannot be judged, nil if it can
}

// separator of the parts of a rule; the blanks are part of it.
const separator = " -> "

// parseRule reads "[not] KIND:SUBJECT[ -> NAME][ -> CONTENT]".
func parseRule(text string, s syntax) *Rule {
	r := &Rule{Text: text}
	rest := strings.TrimSpace(text)
	if after, ok := strings.CutPrefix(rest, "not "); ok {
		r.Negated, rest = true, strings.TrimSpace(after)
	} else if after, ok := strings.CutPrefix(rest, "!"); ok {
		r.Negated, rest = true, strings.TrimSpace(after)
	}
	kind, rest, ok := strings.Cut(rest, ":")
	if !ok || len(kind) != 1 || !strings.Contains("fdpcr", kind) {
		r.Err = errors.New("a rule begins with one of f: d: p: c: r: and does not")
		return r
	}
	r.Kind = Kind(kind[0])
	r.Err = r.parts(strings.Split(rest, separator), s)
	return r
}

func (r *Rule) parts(parts []string, s syntax) (err error) {
	subject := strings.TrimSpace(parts[0])
	if subject == "" {
		return errors.New("the rule names nothing to look at")
	}
	most := 2
	switch r.Kind {
	case KindDirectory, KindRegistry:
		most = 3
	}
	if len(parts) > most { // an arrow inside the pattern belongs to it
		parts = append(parts[:most-1:most-1], strings.Join(parts[most-1:], separator))
	}
	r.Subject = []string{subject}
	if r.Kind == KindFile || r.Kind == KindDirectory || r.Kind == KindRegistry {
		r.Subject = splitList(subject)
	}
	switch {
	case len(parts) > 1 && r.Kind == KindRegistry:
		r.Value = strings.TrimSpace(parts[1])
	case len(parts) > 1 && r.Kind == KindDirectory:
		if r.Name, err = parsePattern(parts[1], s); err != nil {
			return err
		}
	case len(parts) > 1:
		r.Content, err = parsePattern(parts[1], s)
		return err
	}
	if len(parts) > 2 {
		r.Content, err = parsePattern(parts[2], s)
	}
	if r.Kind == KindCommand && err == nil {
		_, err = splitCommand(subject)
	}
	return err
}

func splitList(s string) []string {
	var all []string
	for item := range strings.SplitSeq(s, ",") {
		if item = strings.TrimSpace(item); item != "" {
			all = append(all, item)
		}
	}
	return all
}

// splitCommand splits a command line at blanks as a program start does: quotes
// and backslashes only group, nothing is expanded.
func splitCommand(line string) ([]string, error) {
	var argv []string
	var word strings.Builder
	quote, inWord := byte(0), false
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote == '\'':
			word.WriteByte(c)
		case c == '\\' && i+1 < len(line) && (quote == 0 || strings.IndexByte("\"\\$`", line[i+1]) >= 0):
			i++
			word.WriteByte(line[i])
			inWord = true
		case quote == 0 && (c == '"' || c == '\''):
			quote, inWord = c, true
		case quote == 0 && (c == ' ' || c == '\t'):
			if inWord {
				argv = append(argv, word.String())
				word.Reset()
				inWord = false
			}
		default:
			word.WriteByte(c)
			inWord = true
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("the command has an open quote %c", quote)
	}
	if inWord {
		argv = append(argv, word.String())
	}
	if len(argv) == 0 {
		return nil, errors.New("the command is empty")
	}
	return argv, nil
}

// Evaluable says why a rule cannot be judged on a host of its kind, nil if it
// can: it cannot be read, or its command needs approval first.
func (r *Rule) Evaluable() error {
	if r.Err != nil || r.Kind != KindCommand {
		return r.Err
	}
	argv, err := splitCommand(r.Subject[0])
	if err == nil && !allowed(argv) {
		err = errApproval
	}
	return err
}
