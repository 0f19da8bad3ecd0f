package compliance

import (
	"slices"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// State of a control; the names are the reference's.
type State string

// The states of a control. A control fails if any of its assessments has an
// unhealthy resource; it passes if one was assessed and none failed; it is
// skipped while nothing was assessed. A control without automatic assessment
// has the state of its attestation, or is unsupported.
const (
	Passed      State = "Passed"
	Failed      State = "Failed"
	Skipped     State = "Skipped"
	Unsupported State = "Unsupported"
)

// Report is one standard over one scope at one moment.
type Report struct {
	Standard *Standard
	Scope    index.Scope
	At       time.Time
	Controls []Control // in the standard's order
	Counts
}

// Counts are numbers of controls by state.
type Counts struct {
	Passed, Failed, Skipped, Unsupported int
}

// Control is the result of one numbered control.
type Control struct {
	content.StandardControl
	State       State
	Assessments []Assessment // by title
	Attestation *Attestation // nil without one that is valid now
	Expired     *Attestation // the last one, if it has run out and none is valid
}

// Assessment is one recommendation's share of a control.
type Assessment struct {
	Recommendation *record.Recommendation
	record.Counts
	State State
}

// Evaluate rolls up one standard, at an instant, over the parts of the scope in
// which it applies. attestations are those of the scope; ones that have run out
// are passed over. Everything comes from the counts that the view keeps.
func Evaluate(v *index.View, std *Standard, scope index.Scope, attestations []Attestation, at time.Time) Report {
	r := Report{Standard: std, Scope: scope, At: at}
	b := std.bind(v)
	counts := b.counts(scope)
	for i, c := range std.Controls {
		control := Control{StandardControl: c, Attestation: latest(attestations, std.ID, c.Number, at)}
		for _, rec := range b.serves[i] {
			n := counts(rec)
			control.Assessments = append(control.Assessments, Assessment{Recommendation: rec, Counts: n, State: stateOf(n)})
		}
		if control.Attestation == nil {
			control.Expired = newest(attestations, std.ID, c.Number)
		}
		control.State = b.state(i, control.Attestation, counts)
		r.Controls = append(r.Controls, control)
		r.count(control.State)
	}
	return r
}

// bound is a standard in one view: what serves each control, by title.
type bound struct {
	*Standard
	view   *index.View
	serves [][]*record.Recommendation
}

// bind finds the recommendations of a view that serve a standard; what the view
// does not know, or what is switched off, serves nothing.
func (s *Standard) bind(v *index.View) bound {
	b := bound{s, v, make([][]*record.Recommendation, len(s.serves))}
	for i, ids := range s.serves {
		for _, id := range ids {
			if r := v.Recommendation(id); r != nil && !r.Disabled && !slices.Contains(b.serves[i], r) {
				b.serves[i] = append(b.serves[i], r)
			}
		}
		slices.SortFunc(b.serves[i], func(x, y *record.Recommendation) int { return strings.Compare(x.Title, y.Title) })
	}
	return b
}

// counts gives the resources of recommendations in the parts of a scope in
// which the standard applies.
func (b bound) counts(scope index.Scope) func(*record.Recommendation) record.Counts {
	shares := b.shares(b.view, scope)
	tallies := make([]index.Tally, len(shares))
	for i, s := range shares {
		tallies[i] = b.view.Tally(s.Scope)
	}
	return func(r *record.Recommendation) record.Counts {
		var sum record.Counts
		for i, t := range tallies {
			n := t.Of(r)
			sum.Healthy += shares[i].sign * n.Healthy
			sum.Unhealthy += shares[i].sign * n.Unhealthy
			sum.Unknown += shares[i].sign * n.Unknown
			sum.Exempt += shares[i].sign * n.Exempt
			sum.Stale += shares[i].sign * n.Stale
		}
		return sum
	}
}

// state is that of a control by its position.
func (b bound) state(control int, attested *Attestation, counts func(*record.Recommendation) record.Counts) State {
	if attested != nil {
		return attested.State
	}
	if len(b.serves[control]) == 0 {
		return Unsupported
	}
	state := Skipped
	for _, r := range b.serves[control] {
		switch stateOf(counts(r)) {
		case Failed:
			return Failed
		case Passed:
			state = Passed
		}
	}
	return state
}

// stateOf is the state of one assessment: unknown resources neither pass nor
// fail, exempt ones count as passed.
func stateOf(n record.Counts) State {
	switch {
	case n.Unhealthy > 0:
		return Failed
	case n.Healthy+n.Exempt > 0:
		return Passed
	}
	return Skipped
}

func (n *Counts) count(s State) {
	switch s {
	case Passed:
		n.Passed++
	case Failed:
		n.Failed++
	case Skipped:
		n.Skipped++
	default:
		n.Unsupported++
	}
}

// Percent is the share of passed controls among those that passed or failed,
// 0..100; 0 when none did.
func (n Counts) Percent() float64 {
	if n.Passed+n.Failed == 0 {
		return 0
	}
	return 100 * float64(n.Passed) / float64(n.Passed+n.Failed)
}
