package compliance

import (
	"time"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/posture"
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
	Standard *content.Standard
	Scope    posture.Scope
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
}

// Assessment is one recommendation's share of a control.
type Assessment struct {
	Recommendation *posture.Recommendation
	posture.Counts
	State State
}

// Evaluate rolls up one standard. attestations are those of the scope; ones
// that have run out are passed over.
func Evaluate(v *posture.View, std *content.Standard, scope posture.Scope, attestations []Attestation) (Report, error) {
	rows, err := rowsOf(v, std.ID, scope)
	if err != nil {
		return Report{}, err
	}
	byControl := map[string][]posture.RecommendationRow{}
	for _, row := range rows {
		if row.Content == nil || row.Disabled {
			continue
		}
		for _, number := range row.Content.Standards[std.ID] {
			byControl[number] = append(byControl[number], row)
		}
	}
	r := Report{Standard: std, Scope: scope, At: v.At()}
	for _, c := range std.Controls {
		control := Control{StandardControl: c, Attestation: latest(attestations, std.ID, c.Number, v.At())}
		control.assess(byControl[c.Number])
		r.Controls = append(r.Controls, control)
		r.count(control.State)
	}
	return r, nil
}

// rowsOf pages through all recommendations of a standard.
func rowsOf(v *posture.View, standard string, scope posture.Scope) ([]posture.RecommendationRow, error) {
	q := posture.RecommendationQuery{Scope: scope, Standard: standard, Sort: "title", Limit: 1000}
	var rows []posture.RecommendationRow
	for {
		page, err := v.Recommendations(q)
		if err != nil {
			return nil, err
		}
		rows = append(rows, page.Rows...)
		if page.Next == "" {
			return rows, nil
		}
		q.After = page.Next
	}
}

func (c *Control) assess(rows []posture.RecommendationRow) {
	for _, row := range rows {
		c.Assessments = append(c.Assessments, Assessment{Recommendation: row.Recommendation, Counts: row.Counts, State: stateOf(row.Counts)})
	}
	c.State = c.rollUp()
}

func (c *Control) rollUp() State {
	if c.Attestation != nil {
		return c.Attestation.State
	}
	if len(c.Assessments) == 0 {
		return Unsupported
	}
	state := Skipped
	for _, a := range c.Assessments {
		switch a.State {
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
func stateOf(n posture.Counts) State {
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
