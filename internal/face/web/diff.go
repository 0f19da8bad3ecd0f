package web

import "strings"

// diffLine is one line of a comparison.
type diffLine struct {
	Mark  string // "-", "+" or " "
	Class string // "del", "add" or ""
	Text  string
}

// diff compares two short texts line by line: what they begin and end with in
// common is context, what is between was replaced. A fix changes one place, so
// nothing finer is needed.
func diff(before, after string) []diffLine {
	a, b := lines(before), lines(after)
	start := 0
	for start < len(a) && start < len(b) && a[start] == b[start] {
		start++
	}
	end := 0
	for end < len(a)-start && end < len(b)-start && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}
	var out []diffLine
	add := func(mark, class string, texts []string) {
		for _, t := range texts {
			out = append(out, diffLine{mark, class, t})
		}
	}
	add(" ", "", a[:start])
	add("-", "del", a[start:len(a)-end])
	add("+", "add", b[start:len(b)-end])
	add(" ", "", a[len(a)-end:])
	return out
}

// lines takes a text apart; an empty text has none.
func lines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimRight(text, "\n"), "\n")
}
