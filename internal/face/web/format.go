package web

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// number writes an integer with thousands separated: 12,408.
func number(n int) string {
	s := strconv.Itoa(n)
	start := 1
	if n < 0 {
		start = 2
	}
	for i := len(s) - 3; i >= start; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// count writes a number with the word it counts: "1 resource", "3 resources".
func count(n int, singular, plural string) string {
	if n == 1 {
		return "1 " + singular
	}
	return number(n) + " " + plural
}

// inWords writes small numbers as words, for headlines.
func inWords(n int) string {
	words := [...]string{"No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine"}
	if n >= 0 && n < len(words) {
		return words[n]
	}
	return number(n)
}

// percent writes a share of 0..100. It never rounds an incomplete share up to
// 100 or a present one down to 0.
func percent(p float64) string {
	whole := math.Round(p)
	switch {
	case whole >= 100 && p < 100:
		return "99 %"
	case whole == 0 && p > 0:
		return "<1 %"
	}
	return strconv.FormatFloat(whole, 'f', -1, 64) + " %"
}

// points writes points of the score with at most one decimal.
func points(p float64) string {
	return strings.TrimSuffix(strconv.FormatFloat(p, 'f', 1, 64), ".0")
}

// signed writes a change of the score in percent points, with a true minus.
func signed(d float64) string {
	s := strconv.FormatFloat(math.Abs(d), 'f', 1, 64) + " %"
	switch {
	case math.Abs(d) < 0.0005: // below what a float's sum may be off by
		return "0 %"
	case d > 0 && d < 0.05:
		return "<0.1 %"
	case d < 0 && d > -0.05:
		return ">−0.1 %"
	case d < 0:
		return "−" + s
	}
	return "+" + s
}

// clock writes times as one reader sees them.
type clock struct {
	now  time.Time
	zone *time.Location
}

// day writes a date, with the year only when it is another one.
func (c clock) day(t time.Time) string {
	t = t.In(c.zone)
	if t.Year() == c.now.In(c.zone).Year() {
		return t.Format("2 Jan")
	}
	return t.Format("2 Jan 2006")
}

// full writes date, time and zone, for the title of a short form.
func (c clock) full(t time.Time) string { return t.In(c.zone).Format("Mon 2 Jan 2006, 15:04:05 MST") }

// ago writes a past time relative up to a day, then as a date; a future one
// likewise.
func (c clock) ago(t time.Time) string {
	d := c.now.Sub(t)
	if d < 0 && d > -5*time.Second { // clocks of two machines differ a little
		d = 0
	}
	switch {
	case d < 0 && d > -24*time.Hour:
		return "in " + span(-d)
	case d < 0 || d >= 24*time.Hour:
		return c.day(t)
	case d < 5*time.Second:
		return "just now"
	}
	return span(d) + " ago"
}

// due writes a due date and how far away it is when that matters.
func (c clock) due(t time.Time) string {
	days := int(math.Ceil(t.Sub(c.now).Hours() / 24))
	switch {
	case t.Before(c.now):
		return fmt.Sprintf("overdue %d d", max(1, -days+1))
	case days <= 1:
		return "due today"
	}
	return c.day(t)
}

// span writes a duration in its largest unit.
func span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d d", int(d.Hours()/24))
}

// element is the time element of a moment, "never" for the zero time.
func (c clock) element(t time.Time, text string) template.HTML {
	if t.IsZero() {
		return "never"
	}
	return template.HTML(fmt.Sprintf(`<time datetime="%s" title="%s">%s</time>`,
		t.UTC().Format(time.RFC3339), template.HTMLEscapeString(c.full(t)), template.HTMLEscapeString(text)))
}

// clip shortens foreign text for a line; the whole stays in the data. What
// would turn or hide a part of it shows as a mark: a name must not look like
// another.
func clip(s string, limit int) string {
	r := []rune(strings.Map(visible, s))
	if len(r) <= limit {
		return string(r)
	}
	return string(r[:limit-1]) + "…"
}

// visible is a character as itself, or the mark of one that cannot be seen:
// controls, changes of direction, characters without width. Those that join
// letters into words or pictures stay.
func visible(r rune) rune {
	switch {
	case r == '\n' || r == '\t' || r == '\u200c' || r == '\u200d':
		return r
	case unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r):
		return '\ufffd'
	}
	return r
}

// byteSize is a file's size for people.
func byteSize(n int) string {
	switch {
	case n >= 1<<20:
		return strconv.FormatFloat(float64(n)/(1<<20), 'f', 1, 64) + " MiB"
	case n >= 1<<10:
		return strconv.Itoa(n>>10) + " KiB"
	}
	return count(n, "byte", "bytes")
}
