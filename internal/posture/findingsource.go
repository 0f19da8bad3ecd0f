package posture

import (
	"encoding/json"
	"strings"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/arm"
	"github.com/rampart-sec/rampart/internal/wire"
)

// baselineType and baselineName are where an agent puts the results of host
// checks, below the machine.
const (
	baselineType = "Microsoft.GuestConfiguration/guestConfigurationAssignments"
	baselineName = "RampartBaseline"
)

// source is where the findings of one recommendation are: in documents of a
// type below the resource, the reports.
type source struct {
	recommendation string // folded id
	typ, name      string // of the reports; an empty name is any
	selects        func(id string) bool
}

// newSource tells where the findings of a recommendation are, nil if it has none.
// Of the baseline they are the checks that are no recommendations of their own,
// of a list of vulnerabilities all, else the checks that the policy names.
func newSource(k *content.Recommendation, checks map[string]*content.Check) *source {
	if k == nil {
		return nil
	}
	var details struct{ Type, Name string }
	_ = json.Unmarshal(k.Details, &details) // content is validated; absent is no object
	s := &source{recommendation: arm.Fold(k.ID), typ: details.Type, name: details.Name}
	switch text := string(k.Details); {
	case k.FindingsOf == content.FindingsOfBaseline:
		if s.typ == "" {
			s.typ, s.name = baselineType, baselineName
		}
		s.selects = func(id string) bool { return checks[id] == nil || !checks[id].Recommended }
	case k.FindingsOf == content.FindingsOfReport:
		s.selects = func(string) bool { return true }
	case strings.Contains(text, "checks."):
		s.selects = func(id string) bool { return strings.Contains(text, "checks."+id+".") }
	default:
		return nil
	}
	return s
}

// holds reports whether a document is one of the source's reports.
func (s *source) holds(doc *wire.Document) bool {
	if len(doc.Type) != len(s.typ) || !strings.EqualFold(doc.Type, s.typ) {
		return false
	}
	return s.name == "" || strings.EqualFold(doc.ID[strings.LastIndexByte(doc.ID, '/')+1:], s.name)
}

// sources are those of all recommendations whose findings can be disabled. A
// check that is a recommendation of its own is not among them: that is exempted.
type sources struct {
	all []*source
	// types are the types of reports, each once; there are few.
	types []*source
}

func newSources(lib *content.Library, checks map[string]*content.Check) sources {
	var s sources
	for _, k := range lib.Recommendations {
		if k.FindingsOf == "" {
			continue
		}
		src := newSource(k, checks)
		if src == nil {
			continue
		}
		s.all = append(s.all, src)
		if s.first(func(t *source) bool { return strings.EqualFold(t.typ, src.typ) && strings.EqualFold(t.name, src.name) }) == nil {
			s.types = append(s.types, src)
		}
	}
	return s
}

func (s *sources) first(is func(*source) bool) *source {
	for _, t := range s.types {
		if is(t) {
			return t
		}
	}
	return nil
}

// report is the source that a document is a report of, nil if it is none.
func (s *sources) report(doc *wire.Document) *source {
	for _, t := range s.types {
		if t.holds(doc) {
			return t
		}
	}
	return nil
}

// of is the source of a recommendation, by folded id, nil if it has none.
func (s *sources) of(recommendation string) *source {
	for _, src := range s.all {
		if src.recommendation == recommendation {
			return src
		}
	}
	return nil
}

// lists reports whether a recommendation has a finding of a report's type among
// its own.
func (s *source) lists(report, id string) bool {
	return strings.EqualFold(s.typ, report) && s.selects(id)
}

// selectable reports whether any recommendation counts a finding.
func (s *sources) selectable(report, id string) bool {
	for _, src := range s.all {
		if src.lists(report, id) {
			return true
		}
	}
	return false
}

// knows reports whether reports of a source's type are taken note of.
func (s *sources) knows(src *source) bool {
	return s.first(func(t *source) bool {
		return strings.EqualFold(t.typ, src.typ) && (t.name == "" || strings.EqualFold(t.name, src.name))
	}) != nil
}
