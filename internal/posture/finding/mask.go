package finding

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/content/baselines"
	"github.com/rampart-sec/rampart/internal/base/rawjson"
	"github.com/rampart-sec/rampart/internal/base/wire"
)

// A report is judged without its disabled findings: what the evaluator gets is a
// copy in which their checks pass, or in which the list lacks them, and in which
// the counts that policies read are those of the others. The copy is made by
// replacing the few bytes that differ.

// edit replaces a part of a body.
type edit struct {
	from, to int
	with     []byte
}

// masker makes the copy of one report.
type masker struct {
	body  []byte
	edits []edit
	// dark is set when what is left of the baseline cannot be told.
	dark int
}

// Mask is a copy of one of the source's reports without the findings that off
// names; the document itself if it has none of them.
func (s *Source) Mask(doc *wire.Document, off func(*Result) bool) *wire.Document {
	return mask(doc, s.Open(doc.Body), off)
}

// mask is Mask for a report that was opened.
func mask(doc *wire.Document, r *Report, off func(*Result) bool) *wire.Document {
	m := &masker{body: doc.Body}
	sum := baselineSum{}
	var gone []*Result
	r.Each(func(it *Result) {
		hidden := it.Outcome == Fail && off(it)
		sum.add(it, r.checks[it.ID], hidden)
		if hidden {
			kept := *it
			gone = append(gone, &kept)
		}
	})
	if len(gone) == 0 {
		return doc
	}
	m.checks(gone)
	m.without(r.property("vulnerabilities"), gone)
	if r.property("checks") != nil {
		m.baseline(r, &sum)
	}
	m.counts(r, gone)
	masked := *doc
	masked.Body = m.apply()
	if m.dark > 0 {
		masked.Unavailable = append(slices.Clone(doc.Unavailable), fmt.Sprintf("properties.baseline.state %d checks could not be made", m.dark))
	}
	return &masked
}

// replace notes an edit of a value, which is a part of the body: a part of a
// slice ends where the slice's memory ends, so its capacity tells its place.
func (m *masker) replace(value []byte, with string) {
	if value == nil {
		return
	}
	from := cap(m.body) - cap(value)
	m.edits = append(m.edits, edit{from, from + len(value), []byte(with)})
}

func (m *masker) apply() []byte {
	slices.SortFunc(m.edits, func(a, b edit) int { return a.from - b.from })
	out := make([]byte, 0, len(m.body))
	at := 0
	for _, e := range m.edits {
		out = append(out, m.body[at:e.from]...)
		out = append(out, e.with...)
		at = e.to
	}
	return append(out, m.body[at:]...)
}

// checks lets the disabled checks pass.
func (m *masker) checks(gone []*Result) {
	for _, it := range gone {
		m.replace(it.stateText, `"pass"`)
	}
}

// without takes the disabled findings out of a list.
func (m *masker) without(list []byte, gone []*Result) {
	places := map[int]bool{}
	for _, it := range gone {
		if it.stateText == nil {
			places[cap(it.raw)] = true
		}
	}
	if len(places) == 0 {
		return
	}
	kept := []byte{'['}
	rawjson.Elements(list, func(value []byte) {
		if places[cap(value)] {
			return
		}
		if len(kept) > 1 {
			kept = append(kept, ',')
		}
		kept = append(kept, value...)
	})
	m.replace(list, string(append(kept, ']')))
}

// baselineSum is what a baseline says of its checks as a whole. Its state is over
// the checks of high or medium severity that are no recommendations of their
// own, as the agent computes it.
type baselineSum struct {
	failed, unknown, hidden int // of all checks
	bad, dark               int // of those that count
}

func (s *baselineSum) add(it *Result, known *baselines.Check, hidden bool) {
	counts := it.Severity != content.Low && (known == nil || !known.Recommended)
	switch {
	case hidden:
		s.hidden++
	case it.Outcome == Fail:
		s.failed++
		if counts {
			s.bad++
		}
	case it.Outcome == Unknown:
		s.unknown++
		if counts {
			s.dark++
		}
	}
}

// baseline sums up the checks that are left.
func (m *masker) baseline(r *Report, s *baselineSum) {
	summary := r.property("baseline")
	if state := rawjson.Lookup(summary, "state"); rawjson.Text(state) == "fail" && s.bad == 0 {
		word := "pass"
		if s.dark > 0 {
			word, m.dark = "unknown", s.dark
		}
		m.replace(state, strconv.Quote(word))
	}
	m.less(rawjson.Lookup(summary, "failed"), s.hidden)
	m.less(rawjson.Lookup(summary, "passed"), -s.hidden)
	if status := r.property("complianceStatus"); rawjson.Text(status) == "NonCompliant" && s.failed == 0 {
		word := "Compliant"
		if s.unknown > 0 {
			word = "Pending"
		}
		m.replace(status, strconv.Quote(word))
	}
}

// counted are the properties that count the entries of a list, by severity or
// as one number, and which entries they count.
var counted = map[string]func(*Result) bool{
	"findings":  func(*Result) bool { return true },
	"counts":    func(*Result) bool { return true },
	"count":     func(*Result) bool { return true },
	"fixable":   func(it *Result) bool { return it.Patchable != nil && *it.Patchable },
	"exploited": func(it *Result) bool { return it.exploited },
}

// counts takes the disabled findings out of what a list is counted by.
func (m *masker) counts(r *Report, gone []*Result) {
	for name, counts := range counted {
		group := r.property(name)
		if group == nil {
			continue
		}
		less := map[string]int{}
		all := 0
		for _, it := range gone {
			if it.stateText == nil && counts(it) {
				less[string(it.Severity)]++
				all++
			}
		}
		if group[0] != '{' {
			m.less(group, all)
			continue
		}
		for severity, n := range less {
			m.less(rawjson.Lookup(group, severity), n)
		}
	}
}

// less lowers a number, never below 0; what is no number stays.
func (m *masker) less(number []byte, by int) {
	n, err := strconv.Atoi(string(number))
	if err == nil && by != 0 {
		m.replace(number, strconv.Itoa(max(n-by, 0)))
	}
}
