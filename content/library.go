package content

import (
	"cmp"
	"slices"
	"strings"
)

// Library is everything of content/, read and cross-checked. It is immutable
// and safe for concurrent use.
type Library struct {
	Recommendations []*Recommendation // sorted by Name
	Controls        []*Control        // by points, then title
	Standards       []*Standard       // by ID
	Producers       []Producer        // in file order

	byID     map[string]*Recommendation
	controls map[string]*Control
}

// Recommendation returns the recommendation with an id, or nil. Case does not
// matter.
func (l *Library) Recommendation(id string) *Recommendation { return l.byID[strings.ToLower(id)] }

// Control returns the control with an id (its slug), or nil.
func (l *Library) Control(id string) *Control { return l.controls[id] }

// Producer returns who delivers the data that a recommendation judges, and
// false when the control plane itself does.
func (l *Library) Producer(recommendation string) (Producer, bool) {
	for _, p := range l.Producers {
		if strings.EqualFold(p.Recommendation, recommendation) {
			return p, true
		}
	}
	return Producer{}, false
}

// index sorts the parts and fills the lookups.
func (l *Library) index() {
	slices.SortFunc(l.Recommendations, func(a, b *Recommendation) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(l.Controls, func(a, b *Control) int {
		return cmp.Or(cmp.Compare(b.Max, a.Max), cmp.Compare(a.Title, b.Title))
	})
	slices.SortFunc(l.Standards, func(a, b *Standard) int { return cmp.Compare(a.ID, b.ID) })
	l.byID = make(map[string]*Recommendation, len(l.Recommendations))
	for _, r := range l.Recommendations {
		l.byID[strings.ToLower(r.ID)] = r
	}
	for i := range l.Producers {
		if r := l.byID[strings.ToLower(l.Producers[i].Recommendation)]; r != nil && l.Producers[i].Package == NotYet {
			r.awaits = &l.Producers[i]
		}
	}
	l.controls = make(map[string]*Control, len(l.Controls))
	for _, c := range l.Controls {
		l.controls[c.ID] = c
	}
}
