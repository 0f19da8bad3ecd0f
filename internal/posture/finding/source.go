package finding

import (
	"encoding/json"
	"strings"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/content/baselines"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/wire"
)

// BaselineType and BaselineName are where an agent puts the results of host
// checks, below the machine.
const (
	BaselineType = "Microsoft.GuestConfiguration/guestConfigurationAssignments"
	BaselineName = "RampartBaseline"
)

// Source is where the findings of one recommendation are: in documents of a
// type below the resource, the reports. It is immutable.
type Source struct {
	Recommendation string // folded id
	Type, Name     string // of the reports; an empty name is any
	checks         map[string]*baselines.Check
	selects        func(id string) bool
}

// newSource tells where the findings of a recommendation are, nil if it has none.
// Of the baseline they are the checks that are no recommendations of their own,
// of a list of vulnerabilities all, else the checks that the policy names.
func newSource(k *content.Recommendation, checks map[string]*baselines.Check) *Source {
	if k == nil {
		return nil
	}
	var details struct{ Type, Name string }
	_ = json.Unmarshal(k.Details, &details) // content is validated; absent is no object
	s := &Source{Recommendation: arm.Fold(k.ID), Type: details.Type, Name: details.Name, checks: checks}
	switch text := string(k.Details); {
	case k.FindingsOf == content.FindingsOfBaseline:
		if s.Type == "" {
			s.Type, s.Name = BaselineType, BaselineName
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

// Holds reports whether a document is one of the source's reports.
func (s *Source) Holds(doc *wire.Document) bool {
	if len(doc.Type) != len(s.Type) || !strings.EqualFold(doc.Type, s.Type) {
		return false
	}
	return s.Name == "" || strings.EqualFold(doc.ID[strings.LastIndexByte(doc.ID, '/')+1:], s.Name)
}

// Selects reports whether what one of the source's reports says under an id is a
// finding of the recommendation.
func (s *Source) Selects(id string) bool { return s.selects(id) }

// Lists reports whether the recommendation has a finding of a report's type among
// its own.
func (s *Source) Lists(report, id string) bool {
	return strings.EqualFold(s.Type, report) && s.selects(id)
}

// Open opens one of the source's reports.
func (s *Source) Open(body []byte) *Report { return open(arm.Fold(s.Type), s.checks, body) }

// Sources are those of all recommendations whose findings can be disabled. A
// check that is a recommendation of its own is not among them: that is exempted.
// They are immutable.
type Sources struct {
	checks map[string]*baselines.Check
	all    []*Source
	// types are the types of reports, each once; there are few.
	types []*Source
}

// NewSources finds the sources of a library. Texts of the checks of baselines
// are taken from those, whatever a host says of them.
func NewSources(lib *content.Library, all []*baselines.Baseline) *Sources {
	s := &Sources{checks: map[string]*baselines.Check{}}
	for _, b := range all {
		for _, c := range b.Checks {
			s.checks[c.ID] = c
		}
	}
	for _, k := range lib.Recommendations {
		if k.FindingsOf == "" {
			continue
		}
		src := newSource(k, s.checks)
		if src == nil {
			continue
		}
		s.all = append(s.all, src)
		if s.first(func(t *Source) bool {
			return strings.EqualFold(t.Type, src.Type) && strings.EqualFold(t.Name, src.Name)
		}) == nil {
			s.types = append(s.types, src)
		}
	}
	return s
}

func (s *Sources) first(is func(*Source) bool) *Source {
	for _, t := range s.types {
		if is(t) {
			return t
		}
	}
	return nil
}

// All are the sources; the caller must not change the slice.
func (s *Sources) All() []*Source { return s.all }

// Behind is where the findings of any recommendation are, also of one whose
// findings cannot be disabled; nil if it has none, or is nil.
func (s *Sources) Behind(k *content.Recommendation) *Source { return newSource(k, s.checks) }

// Report is the source that a document is a report of, nil if it is none.
func (s *Sources) Report(doc *wire.Document) *Source {
	for _, t := range s.types {
		if t.Holds(doc) {
			return t
		}
	}
	return nil
}

// Of is the source of a recommendation, by folded id, nil if it has none.
func (s *Sources) Of(recommendation string) *Source {
	for _, src := range s.all {
		if src.Recommendation == recommendation {
			return src
		}
	}
	return nil
}

// Selectable reports whether any recommendation counts a finding.
func (s *Sources) Selectable(report, id string) bool {
	for _, src := range s.all {
		if src.Lists(report, id) {
			return true
		}
	}
	return false
}

// Know reports whether every report of a source is a report of one of these.
func (s *Sources) Know(src *Source) bool {
	return s.first(func(t *Source) bool {
		return strings.EqualFold(t.Type, src.Type) && (t.Name == "" || strings.EqualFold(t.Name, src.Name))
	}) != nil
}

// Check demands that a rule names a recommendation with findings, or none. The
// error is an *arm.Error.
func (s *Sources) Check(r *Rule) error {
	if r.Recommendation == "" || s.Of(r.Recommendation) != nil {
		return nil
	}
	return invalidAt("recommendationId", "%q is no recommendation with findings; exempt what has none", r.Recommendation)
}
