package judge

import (
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/policy"
	"github.com/rampart-sec/rampart/internal/posture/record"
	"github.com/rampart-sec/rampart/internal/posture/reopen"
)

// newBases makes what an estate remembers for exemptions that end on change.
func newBases(e *Estate) *reopen.Bases {
	return reopen.New(
		func(handle, member uint32, visit func(*policy.Reading)) { e.eval.reads(handle, member, visit) },
		func() {
			e.judge.opt.Log.Warn("exemptions cover too many resources; further ones are not re-opened on change", "tenant", e.tenant, "limit", reopen.Max)
		})
}

// excuse finds the exemption that excuses a verdict: the first that holds for
// the member and is not re-opened for the row. Of those that are, reopened says
// what has changed.
func (ru *rollup) excuse(r *record.Row, v verdict, assignment string, over *rowExemptions, at time.Time) (x *policy.Exemption, reopened string) {
	m := &ru.catalog.Members[v.member]
	for _, x := range over.all {
		if !x.Names(assignment, m.ReferenceID, at) || len(x.Selectors) > 0 && !policy.Selected(x.Selectors, over.target(ru, r)) {
			continue
		}
		if !x.ReopenOnChange {
			return x, ""
		}
		change := ru.bases.Changed(x, reopen.Verdict{Handle: r.Handle, Member: v.member, Of: m, State: v.state})
		if change == "" {
			return x, ""
		}
		reopened = "exemption " + titleOf(x) + " re-opened: " + change
	}
	return nil, reopened
}

// about notes, before a batch of documents is taken in, the values in words
// that are about to go, and has the resources judged again whose related ones
// change: their verdicts need not.
func (e *Estate) about(v *index.View, docs []store.Resource, b *edits) {
	if e.bases.Empty() {
		return
	}
	for i := range docs {
		if b.read[docs[i].Handle] {
			e.aboutOne(v, docs[i].Handle, docs[i].Doc.ID)
		}
	}
	for handle := range b.gone {
		if r := v.Row(handle); r != nil {
			e.aboutOne(v, handle, r.ID)
		}
	}
}

// aboutMasked is about for reports that are shown anew, with other findings
// disabled.
func (e *Estate) aboutMasked(v *index.View, docs []store.Resource) {
	if e.bases.Empty() {
		return
	}
	for i := range docs {
		e.aboutOne(v, docs[i].Handle, docs[i].Doc.ID)
	}
}

func (e *Estate) aboutOne(v *index.View, handle uint32, id string) {
	e.noteReadings(handle)
	for end := strings.LastIndexByte(id, '/'); end > 0; end = strings.LastIndexByte(id[:end], '/') {
		if r := v.Find(id[:end]); r != nil && e.bases.Has(r.Handle) {
			e.noteReadings(r.Handle)
			e.recheck.Add(r.Handle)
		}
	}
}

// noteReadings keeps the values that the bases of a resource were made of.
func (e *Estate) noteReadings(handle uint32) {
	e.bases.Note(handle, func() []uint32 {
		var members []uint32
		for _, v := range e.eval.verdicts(handle, nil) {
			members = append(members, v.member)
		}
		return members
	})
}

// Reopened is the number of resources that each exemption in force, by its
// folded id, is re-opened for.
func (e *Estate) Reopened() map[string]int { return e.bases.Open() }
