package assess

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/inventory"
	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/exposure"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/judge"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// Options say what is judged and how. Resources and Now must be set.
type Options struct {
	Resources io.Reader
	Group     string          // where an ARM template is deployed, as inventory.ImportOptions has it
	Policies  []string        // folders of further policy definitions, judged beside the built-in initiative
	Aliases   *policy.Aliases // nil: the built-in table
	States    io.Writer       // a line per resource and recommendation; nil: none
	Now       func() time.Time
}

// Report is the result; its JSON is the output of `rampart assess --format json`.
type Report struct {
	Resources       int              `json:"resources"`
	Policies        int              `json:"policies"`
	Evaluations     int              `json:"evaluations"` // assessments that apply
	Score           Score            `json:"score"`
	Controls        []Control        `json:"controls"`
	Recommendations []Recommendation `json:"recommendations"`
	Rejected        []Rejection      `json:"rejected"`
	RejectedTotal   int              `json:"rejectedTotal"`
	Template        *Placed          `json:"template,omitempty"` // where an ARM template's resources are
	Problems        []Problem        `json:"problems,omitempty"` // policies that can't be used
	Seconds         Seconds          `json:"seconds"`
}

// Score is the estate's secure score with its range.
type Score struct {
	Percent float64 `json:"percent"`
	Current float64 `json:"current"`
	Max     int     `json:"max"`
	Low     float64 `json:"low"`
	High    float64 `json:"high"`
}

// Control is one control's share of the score.
type Control struct {
	Name      string  `json:"name"`
	Max       int     `json:"max"`
	Current   float64 `json:"current"`
	Healthy   int     `json:"healthy"`
	Unhealthy int     `json:"unhealthy"`
	Unknown   int     `json:"unknown"`
}

// Recommendation counts resources by state.
type Recommendation struct {
	ID            string           `json:"id"`
	Name          string           `json:"name"`
	Severity      content.Severity `json:"severity"`
	Healthy       int              `json:"healthy"`
	Unhealthy     int              `json:"unhealthy"`
	NotApplicable int              `json:"notApplicable"`
	Unknown       int              `json:"unknown"`
	Exempt        int              `json:"exempt,omitempty"`
}

// Rejection is a line that could not be used.
type Rejection struct {
	Line   int    `json:"line"`
	Reason string `json:"reason"`
}

// Placed is the resource group in which a template's resources are; Assumed says
// that nobody named it.
type Placed struct {
	ResourceGroup string `json:"resourceGroup"`
	Assumed       bool   `json:"assumed"`
}

// Problem is a policy that could not be used.
type Problem struct {
	Policy string `json:"policy"`
	Reason string `json:"reason"`
}

// Seconds are wall times.
type Seconds struct {
	Load     float64 `json:"load"`
	Evaluate float64 `json:"evaluate"`
}

// Run judges everything. Broken lines and policies are in the report; the error
// is for what concerns all of it.
func Run(ctx context.Context, opt Options) (*Report, error) {
	library, err := content.Load()
	if err != nil {
		return nil, fmt.Errorf("content: %w", err)
	}
	judge, err := judge.NewOffline(judge.Options{Library: library, Aliases: opt.Aliases, Now: opt.Now})
	if err != nil {
		return nil, err
	}
	r := &Report{Rejected: []Rejection{}, Recommendations: []Recommendation{}, Controls: []Control{}}
	if err := r.addPolicies(judge, opt.Policies); err != nil {
		return nil, err
	}
	start := opt.Now()
	if err := r.load(ctx, judge, opt); err != nil {
		return nil, err
	}
	loaded := opt.Now()
	view, err := judge.Judge(ctx)
	if err != nil {
		return nil, err
	}
	r.Seconds = Seconds{loaded.Sub(start).Seconds(), opt.Now().Sub(loaded).Seconds()}
	for _, p := range judge.Problems() {
		r.Problems = append(r.Problems, Problem{p.ID, p.Reason})
	}
	if err := r.fill(view); err != nil {
		return nil, err
	}
	if opt.States != nil {
		return r, writeStates(opt.States, view)
	}
	return r, nil
}

func (r *Report) addPolicies(judge *judge.Offline, dirs []string) error {
	if len(dirs) == 0 {
		return nil
	}
	failed, err := policy.EachDefinition(dirs, func(id string, body []byte) error {
		if d, err := policy.ParseDefinition(body); err == nil {
			for _, w := range d.AliasWarnings(judge.Aliases()) {
				r.Problems = append(r.Problems, Problem{id, w})
			}
		}
		return judge.AddPolicy(id, body)
	})
	if err != nil {
		return err
	}
	for _, f := range failed {
		r.Problems = append(r.Problems, Problem{f.File, f.Reason})
	}
	return nil
}

// load reads the documents and adds what the product itself computes of them.
func (r *Report) load(ctx context.Context, judge *judge.Offline, opt Options) error {
	network := exposure.NewNetwork()
	res, err := inventory.Each(ctx, opt.Resources, inventory.EachOptions{Source: "import", Group: opt.Group, Now: opt.Now(), Take: func(doc *wire.Document) error {
		again, err := judge.Add(ctx, doc)
		if err == nil && exposure.Matters(doc.Type) {
			err = network.Put(doc.ID, doc.Type, doc.Body, doc.Unavailable)
		}
		if err == nil && again {
			return fmt.Errorf("%s is given again; the last one counts", doc.ID)
		}
		return err
	}})
	if err != nil {
		return err
	}
	for _, doc := range network.Documents(opt.Now()) {
		if doc.Deleted {
			continue
		}
		if _, err := judge.Add(ctx, &doc); err != nil {
			return fmt.Errorf("exposure of %s: %w", doc.ID, err)
		}
	}
	r.Resources, r.RejectedTotal = res.Created, res.RejectedTotal
	if t := res.Template; t.Group != "" {
		r.Template = &Placed{t.Group, t.Assumed}
	}
	for _, x := range res.Rejected {
		r.Rejected = append(r.Rejected, Rejection{x.Line, x.Reason})
	}
	return nil
}

func (r *Report) fill(v *index.View) error {
	s := v.Score(index.Scope{})
	r.Score = Score{s.Percent, s.Current, s.Max, s.Low, s.High}
	for _, c := range v.Controls(index.Scope{}) {
		r.Controls = append(r.Controls, Control{c.Control.Title, c.Max, c.Current, c.Healthy, c.Unhealthy, c.Unknown})
	}
	q := index.RecommendationQuery{Limit: 1000}
	for {
		page, err := v.Recommendations(q)
		if err != nil {
			return err
		}
		for _, row := range page.Rows {
			r.Recommendations = append(r.Recommendations, Recommendation{row.ID, row.Title, row.Severity,
				row.Healthy, row.Unhealthy, row.NotApplicable, row.Unknown, row.Exempt})
			r.Evaluations += row.Healthy + row.Unhealthy + row.Unknown + row.Exempt
		}
		if q.After = page.Next; q.After == "" {
			break
		}
	}
	r.Policies = len(v.AllRecommendations())
	return nil
}

// state is one line of the states file.
type state struct {
	ResourceID     string `json:"resourceId"`
	Recommendation string `json:"recommendation"`
	State          string `json:"state"`
	Reason         string `json:"reason,omitempty"`
}

func writeStates(w io.Writer, v *index.View) error {
	out := bufio.NewWriterSize(w, 1<<20)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	for a := range v.EachAssessment() {
		if err := enc.Encode(state{a.ResourceID, a.Recommendation.ID, a.State.String(), a.Reason}); err != nil {
			return fmt.Errorf("write states: %w", err)
		}
	}
	return out.Flush()
}
