package planning

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/judge"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// Hypothetical is one change to try: exactly one of Patch, Body, Exempt and
// Fixed is set.
type Hypothetical struct {
	// ResourceID is a resource; for Exempt and Fixed also a larger scope, "" the
	// estate: what is unhealthy there is meant.
	ResourceID  string
	Patch       json.RawMessage // RFC 6902, of the stored body
	Body        json.RawMessage // a whole new body; the resource may be new
	Unavailable []string        // beside Body: what is not known of it, as documents declare it
	Exempt      string          // id of a recommendation to exempt the resource from
	Fixed       string          // id of a recommendation to take as healthy, however that is done
}

// Refusal is a change that could not be tried.
type Refusal struct {
	Index  int // of the change
	Reason error
}

// WhatIfResult is what hypothetical changes would do to the estate.
type WhatIfResult struct {
	Before, After index.Score
	Changes       []record.Assessment // in their new state
	// Unhealthy is what would be unhealthy on the resources that have a new
	// document, and what would become so elsewhere.
	Unhealthy []record.Assessment
	Refused   []Refusal   // what was left out, by index
	Is, Would *index.View // the estate that was asked and the one that would be, to be read only
}

// WhatIf evaluates hypothetical changes against the current epoch and changes
// nothing. The judge waits meanwhile. A change that cannot be tried is left out
// and listed; if none is left, the first one's *arm.Error is the answer.
func WhatIf(ctx context.Context, e *judge.Estate, changes []Hypothetical) (WhatIfResult, error) {
	if len(changes) > judge.MaxHypotheses {
		return WhatIfResult{}, arm.Invalid("At most %d changes can be tried at once.", judge.MaxHypotheses)
	}
	trial := e.Try()
	defer trial.End()
	v := trial.Base()
	h, err := newHypothesis(ctx, e, trial, changes)
	if err != nil {
		return WhatIfResult{}, err
	}
	next, flips, refused, err := trial.Run()
	if err != nil {
		return WhatIfResult{}, err
	}
	h.refuse(refused)
	if n := len(h.refused); n > 0 && n == len(changes) {
		return WhatIfResult{}, h.refused[0].Reason
	}
	out := WhatIfResult{Before: v.Score(index.Scope{}), After: next.Score(index.Scope{}), Refused: h.refused, Is: v, Would: next}
	for _, f := range flips {
		a := next.AssessmentOf(next.Row(f.Handle), f.Slot)
		a.State = f.To
		out.Changes = append(out.Changes, a)
	}
	out.Unhealthy = h.unhealthy(next, flips)
	return out, nil
}

// refuse adds documents that could not be judged, by handle.
func (t *hypothesis) refuse(refused map[uint32]error) {
	for handle, reason := range refused {
		t.refused = append(t.refused, Refusal{t.index[handle], reason})
	}
	slices.SortFunc(t.refused, func(a, b Refusal) int { return cmp.Compare(a.Index, b.Index) })
}

// unhealthy lists what would be unhealthy: all of it on resources with a new
// document, only what is new on others.
func (t *hypothesis) unhealthy(next *index.View, flips []record.Change) (all []record.Assessment) {
	for _, handle := range slices.Sorted(maps.Keys(t.index)) {
		r := next.Row(handle)
		if r == nil || t.Changed(handle) == nil {
			continue
		}
		for _, c := range r.Statuses {
			if c.State == record.Unhealthy {
				all = append(all, next.AssessmentOf(r, c.Slot))
			}
		}
	}
	for _, f := range flips {
		if f.To == record.Unhealthy && t.Changed(f.Handle) == nil {
			all = append(all, next.AssessmentOf(next.Row(f.Handle), f.Slot))
		}
	}
	return all
}
