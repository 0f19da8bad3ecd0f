package posture

import (
	"slices"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/policy"
	"github.com/rampart-sec/rampart/internal/store"
)

// excuse finds the exemption that excuses a verdict: the first that holds for
// the member and is not re-opened for the row. Of those that are, reopened says
// what has changed.
func (ru *rollup) excuse(r *row, v verdict, assignment string, over *rowExemptions, at time.Time) (x *policy.Exemption, reopened string) {
	m := &ru.catalog.members[v.member]
	for _, x := range over.all {
		if !x.Exempts(assignment, m.ReferenceID, over.target, at) {
			continue
		}
		if !x.ReopenOnChange {
			return x, ""
		}
		change := ru.bases.reopened(x, r.handle, v, m)
		if change == "" {
			return x, ""
		}
		reopened = "exemption " + titleOf(x) + " re-opened: " + change
	}
	return nil, reopened
}

// causeWords is a cause in words. What an exemption no longer excuses since the
// resource changed is told apart: mostly it was re-opened.
func causeWords(cause Cause, from, to State) string {
	if cause == ResourceChanged && from == Exempt && to == Unhealthy {
		return "resource changed under its exemption"
	}
	return cause.String()
}

// about notes, before a batch of documents is taken in, the values in words
// that are about to go, and has the resources judged again whose related ones
// change: their verdicts need not.
func (e *Estate) about(v *View, docs []store.Resource, b *edits) {
	if len(e.bases.by) == 0 {
		return
	}
	for i := range docs {
		if b.read[docs[i].Handle] {
			e.aboutOne(v, docs[i].Handle, docs[i].Doc.ID)
		}
	}
	for handle := range b.gone {
		if r := v.rows.at(handle); r != nil {
			e.aboutOne(v, handle, r.id)
		}
	}
}

// aboutMasked is about for reports that are shown anew, with other findings
// disabled.
func (e *Estate) aboutMasked(v *View, docs []store.Resource) {
	if len(e.bases.by) == 0 {
		return
	}
	for i := range docs {
		e.aboutOne(v, docs[i].Handle, docs[i].Doc.ID)
	}
}

func (e *Estate) aboutOne(v *View, handle uint32, id string) {
	e.noteReadings(handle)
	for end := strings.LastIndexByte(id, '/'); end > 0; end = strings.LastIndexByte(id[:end], '/') {
		if r := v.byID(id[:end]); r != nil && len(e.bases.by[r.handle]) > 0 {
			e.noteReadings(r.handle)
			e.recheck.Add(r.handle)
		}
	}
}

// noteReadings keeps the values that the bases of a resource were made of, as
// long as it still has them.
func (e *Estate) noteReadings(handle uint32) {
	b := e.bases
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.by[handle]
	if !slices.ContainsFunc(all, func(o *base) bool { return o.was == nil }) {
		return
	}
	texts := map[placePrint]placeText{}
	for _, v := range e.eval.verdicts(handle, nil) {
		b.reads(handle, v.member, func(r *policy.Reading) {
			if r.Known() {
				texts[placePrint{r.Key(), r.Print()}] = placeText{placeName(r), r.Text(wordedValue)}
			}
		})
	}
	for _, o := range all {
		if o.was != nil {
			continue
		}
		for _, p := range o.prints {
			if text, ok := texts[p]; ok {
				if o.was == nil {
					o.was = map[uint64]placeText{}
				}
				o.was[p.place] = text
			}
		}
	}
}

// Reopened is the number of resources that each exemption in force, by its
// folded id, is re-opened for.
func (e *Estate) Reopened() map[string]int {
	e.bases.mu.Lock()
	defer e.bases.mu.Unlock()
	out := map[string]int{}
	for _, all := range e.bases.by {
		seen := map[string]bool{}
		for _, o := range all {
			if id := e.bases.live[o.exemption]; o.open && !seen[id] {
				seen[id] = true
				out[id]++
			}
		}
	}
	return out
}
