package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/rampart-sec/rampart/internal/agent/baseline"
)

// width is that of a plain terminal.
const width = 80

// WriteTable writes the report for people: what failed with what was found,
// what was wanted and what to do, worst first; what could not be told and
// why; and the counts. It is plain text of 80 columns.
func (r *Report) WriteTable(w io.Writer) error {
	t := &table{w: bufio.NewWriter(w)}
	t.line("%s", strings.Join(nonEmpty(r.Machine.Name, r.Machine.OS, "kernel "+r.Machine.Kernel), " · "))
	t.failed(r.byState(baseline.Fail))
	t.unknown(r.byState(baseline.Unknown))
	t.summary(r)
	if err := t.w.Flush(); err != nil {
		return fmt.Errorf("writing report: %w", err)
	}
	return nil
}

type table struct{ w *bufio.Writer }

func (t *table) line(format string, args ...any) {
	fmt.Fprintf(t.w, format+"\n", args...) // the writer keeps the error for Flush
}

func (t *table) failed(checks []Check) {
	severity := ""
	for _, c := range checks {
		if s := strings.ToUpper(string(c.Severity)); s != severity {
			severity = s
			t.line("\n── %s %s", s, strings.Repeat("─", width-4-len(s)))
		}
		t.line("")
		t.wrap("✗ ", "  ", c.Title)
		if found := c.Found(); found != "" {
			t.wrap("    found   ", "            ", found)
		}
		if c.Evidence.Wanted != "" {
			t.wrap("    wanted  ", "            ", c.Evidence.Wanted)
		}
		t.wrap("    fix     ", "            ", c.Remediation)
	}
}

func (t *table) unknown(checks []Check) {
	if len(checks) == 0 {
		return
	}
	t.line("\n── UNKNOWN %s", strings.Repeat("─", width-11))
	t.line("")
	for _, c := range checks {
		t.wrap("? ", "  ", c.Title)
		t.wrap("    ", "    ", c.Found())
	}
}

func (t *table) summary(r *Report) {
	s := r.Summary
	t.line("\n%s", strings.Repeat("─", width))
	t.line("%d checks: %d passed, %d failed, %d unknown, %d do not apply", s.Total, s.Passed, s.Failed, s.Unknown, s.NotApplicable)
	counts := map[string]int{}
	for _, c := range r.byState(baseline.Fail) {
		counts[string(c.Severity)]++
	}
	var parts []string
	for _, severity := range severities {
		if n := counts[string(severity)]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, severity))
		}
	}
	if len(parts) > 0 {
		t.line("failed: %s", strings.Join(parts, ", "))
	}
	if s.Unknown > 0 {
		t.line("run as root to see what is unknown now")
	}
}

// wrap writes text with a first and a following indent, broken between words;
// a word longer than the line is left whole so that paths can be copied.
func (t *table) wrap(first, rest, text string) {
	indent, column := first, 0
	for word := range strings.FieldsSeq(text) {
		n := utf8.RuneCountInString(word)
		switch {
		case column == 0:
			t.w.WriteString(indent)
			column = utf8.RuneCountInString(indent)
		case column+1+n > width:
			t.w.WriteString("\n" + rest)
			column = utf8.RuneCountInString(rest)
		default:
			t.w.WriteString(" ")
			column++
		}
		t.w.WriteString(word)
		column += n
	}
	t.w.WriteString("\n")
}

func nonEmpty(parts ...string) []string {
	var kept []string
	for _, p := range parts {
		if p != "" && p != "kernel " {
			kept = append(kept, p)
		}
	}
	return kept
}
