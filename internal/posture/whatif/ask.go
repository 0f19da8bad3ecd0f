package whatif

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/compliance"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/judge"
	"github.com/rampart-sec/rampart/internal/posture/planning"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// Question is what to try, and for which scope the answer is.
type Question struct {
	Tenant string
	// Scope bounds the answer and what may be supposed: a resource outside it is
	// rejected. The caller has checked that the asker may read it.
	Scope index.Scope
	Supposed
	At time.Time
}

// Report is what would be.
type Report struct {
	Before, After index.Score
	Controls      []Control // those with anything to assess, those that change first
	Flips         []record.Assessment
	// Recommendations are those with flips, the most flips first.
	Recommendations []Recommendation
	Standards       []Standard
	// Unhealthy are supposed resources that would be unhealthy, and others that
	// would become so.
	Unhealthy     []Resource
	Tried         int // changes
	Rejected      []Rejection
	RejectedTotal int
}

// Control is a control's share of the score, before and after.
type Control struct{ Before, After index.ControlScore }

// Changes reports whether the control's points or counts change.
func (c Control) Changes() bool {
	b, a := c.Before, c.After
	return b.Current != a.Current || b.Healthy != a.Healthy || b.Unhealthy != a.Unhealthy || b.Unknown != a.Unknown
}

// Recommendation is a recommendation that changes on some resources.
type Recommendation struct {
	*record.Recommendation
	Before, After record.Counts
	Flips         int
}

// Standard is a standard before and after.
type Standard struct {
	*compliance.Standard
	Before, After compliance.Counts
	Controls      []ControlState // those that change
}

// ControlState is a standard's control that changes.
type ControlState struct {
	Number   string
	From, To compliance.State
}

// Resource is one that would be unhealthy.
type Resource struct {
	ID, Name, Type string
	New            bool // it is not in the estate
	Open           []record.Assessment
}

// Standards reads the tenant's standards and attestations; *compliance.Records
// does.
type Standards interface {
	Standards(ctx context.Context, tenant string, v *index.View) ([]*compliance.Standard, error)
	Attestations(ctx context.Context, tenant string, scope index.Scope) ([]compliance.Attestation, error)
}

// Ask tries what is supposed. The error is an *arm.Error if nothing of it can
// be tried.
func Ask(ctx context.Context, e *judge.Estate, standards Standards, q Question) (*Report, error) {
	r := &Report{Rejected: q.Rejected, RejectedTotal: q.RejectedTotal}
	changes := r.allowed(e.View(), &q)
	if len(changes) == 0 {
		if len(r.Rejected) > 0 {
			return nil, arm.Invalid("Nothing could be tried: %s.", r.Rejected[len(r.Rejected)-1])
		}
		return nil, arm.Invalid("There is nothing to try.")
	}
	result, err := planning.WhatIf(ctx, e, changes)
	if err != nil {
		return nil, err
	}
	for _, x := range result.Refused {
		r.reject(changes[x.Index].ResourceID, x.Reason)
	}
	r.Tried = len(changes) - len(result.Refused)
	r.Before, r.After = result.Is.Score(q.Scope), result.Would.Score(q.Scope)
	r.controls(&result, q.Scope)
	within := newScope(result.Is, q.Scope.ID)
	for i := range result.Changes {
		if within.holds(result.Changes[i].ResourceID) {
			r.Flips = append(r.Flips, result.Changes[i])
		}
	}
	r.recommendations(&result, q.Scope)
	r.unhealthy(&result, within)
	return r, r.standards(ctx, standards, &result, &q)
}

func (r *Report) reject(id string, reason error) {
	text := reason.Error()
	var known *arm.Error
	if errors.As(reason, &known) {
		text = known.Message
	}
	r.RejectedTotal++
	if len(r.Rejected) < maxRejected {
		r.Rejected = append(r.Rejected, Rejection{ID: id, Reason: text})
	}
}

// allowed leaves out what lies outside the scope, and new resources where
// nothing is assigned, as nothing would judge them.
func (r *Report) allowed(v *index.View, q *Question) []planning.Hypothetical {
	within := newScope(v, q.Scope.ID)
	kept := make([]planning.Hypothetical, 0, len(q.Changes))
	for _, h := range q.Changes {
		id, err := arm.ParseID(cmp.Or(h.ResourceID, "/"))
		switch {
		case err != nil:
			r.reject(h.ResourceID, err)
		case !within.holds(h.ResourceID):
			r.reject(h.ResourceID, fmt.Errorf("it is outside of %s", q.Scope.ID))
		case h.Body != nil && id.SubscriptionID() != "" && !v.Holds(id.SubscriptionID()):
			r.reject(h.ResourceID, fmt.Errorf("no subscription %s is known here, so no policy is assigned to it", id.Subscription()))
		default:
			kept = append(kept, h)
		}
	}
	return kept
}

func (r *Report) controls(result *planning.WhatIfResult, scope index.Scope) {
	after := result.Would.Controls(scope)
	for _, b := range result.Is.Controls(scope) {
		i := slices.IndexFunc(after, func(a index.ControlScore) bool { return a.Control == b.Control })
		if i < 0 {
			continue
		}
		c := Control{b, after[i]}
		if c.Before.Healthy+c.Before.Unhealthy+c.Before.Unknown+c.After.Healthy+c.After.Unhealthy+c.After.Unknown > 0 {
			r.Controls = append(r.Controls, c)
		}
	}
	slices.SortStableFunc(r.Controls, func(a, b Control) int {
		switch {
		case a.Changes() == b.Changes():
			return 0
		case a.Changes():
			return -1
		}
		return 1
	})
}

func (r *Report) recommendations(result *planning.WhatIfResult, scope index.Scope) {
	is, would := result.Is.Tally(scope), result.Would.Tally(scope)
	place := map[*record.Recommendation]int{}
	for i := range r.Flips {
		rec := r.Flips[i].Recommendation
		n, ok := place[rec]
		if !ok {
			n = len(r.Recommendations)
			place[rec] = n
			r.Recommendations = append(r.Recommendations, Recommendation{Recommendation: rec, Before: is.Of(rec), After: would.Of(rec)})
		}
		r.Recommendations[n].Flips++
	}
	slices.SortStableFunc(r.Recommendations, func(a, b Recommendation) int {
		return cmp.Or(cmp.Compare(b.Flips, a.Flips), strings.Compare(a.Title, b.Title))
	})
}

func (r *Report) unhealthy(result *planning.WhatIfResult, within scope) {
	place := map[string]int{}
	for _, a := range result.Unhealthy {
		if !within.holds(a.ResourceID) {
			continue
		}
		n, ok := place[a.ResourceID]
		if !ok {
			n = len(r.Unhealthy)
			place[a.ResourceID] = n
			_, known := result.Is.Resource(a.ResourceID)
			r.Unhealthy = append(r.Unhealthy, Resource{ID: a.ResourceID, Name: a.ResourceName, Type: a.ResourceType, New: !known})
		}
		r.Unhealthy[n].Open = append(r.Unhealthy[n].Open, a)
	}
}

// standards evaluates each standard before and after.
func (r *Report) standards(ctx context.Context, from Standards, result *planning.WhatIfResult, q *Question) error {
	all, err := from.Standards(ctx, q.Tenant, result.Is)
	if err != nil {
		return fmt.Errorf("read standards: %w", err)
	}
	attested, err := from.Attestations(ctx, q.Tenant, q.Scope)
	if err != nil {
		return fmt.Errorf("read attestations: %w", err)
	}
	for _, std := range all {
		is := compliance.Evaluate(result.Is, std, q.Scope, attested, q.At)
		would := compliance.Evaluate(result.Would, std, q.Scope, attested, q.At)
		s := Standard{Standard: std, Before: is.Counts, After: would.Counts}
		for i := range is.Controls {
			if from, to := is.Controls[i].State, would.Controls[i].State; from != to {
				s.Controls = append(s.Controls, ControlState{is.Controls[i].Number, from, to})
			}
		}
		r.Standards = append(r.Standards, s)
	}
	return nil
}

// scope tells what lies in it.
type scope struct {
	id            arm.ID
	subscriptions map[string]bool // folded ids, of a management group; nil otherwise
	all           bool
}

func newScope(v *index.View, id string) scope {
	parsed, err := arm.ParseID(cmp.Or(id, "/"))
	s := scope{id: parsed, all: err == nil && parsed.String() == "/"}
	if parsed.Type() == arm.TypeManagementGroup {
		s.subscriptions = map[string]bool{}
		for _, sub := range v.SubscriptionIDs(id) {
			s.subscriptions[arm.Fold(sub)] = true
		}
	}
	return s
}

func (s scope) holds(resource string) bool {
	if s.all {
		return true
	}
	id, err := arm.ParseID(resource)
	if err != nil {
		return false
	}
	return id.Within(s.id) || s.subscriptions[arm.Fold(id.SubscriptionID())]
}
