package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
	"github.com/rampart-sec/rampart/internal/posture/whatif"
)

// maxSupposed bounds what the what-if form takes: pasted, or as a file.
const maxSupposed = 5 << 20

// ifRows bounds each table of an answer on the page.
const ifRows = 100

// whatIfPage asks what would be, and shows it. Nothing is stored.
type whatIfPage struct {
	*frame
	On      string   // scope of the fixes and exemptions: a resource or larger
	Fixed   []string // titles of what is supposed to be fixed
	Exempt  []string
	Choices []ifChoice // what could be fixed
	Text    string     // as it was pasted
	Place   whatif.Place
	Report  *whatif.Report
	Problem string // why there is no answer
}

// ifChoice is a recommendation with something unhealthy.
type ifChoice struct {
	index.RecommendationRow
	Fixed, Exempt bool
}

// Change is what happens to the score, in percent points.
func (p *whatIfPage) Change() float64 { return p.Report.After.Percent - p.Report.Before.Percent }

// Cut is what a table of n rows leaves out.
func (p *whatIfPage) Cut(n int) int { return max(0, n-ifRows) }

// Changed are the controls of the score that change.
func (p *whatIfPage) Changed() []whatif.Control {
	return slices.DeleteFunc(slices.Clone(p.Report.Controls), func(c whatif.Control) bool { return !c.Changes() })
}

// Same is how many controls stay as they are.
func (p *whatIfPage) Same() int { return len(p.Report.Controls) - len(p.Changed()) }

// Recommendations, Unhealthy and Rejected are the rows that are shown.
func (p *whatIfPage) Recommendations() []whatif.Recommendation {
	return p.Report.Recommendations[:min(len(p.Report.Recommendations), ifRows)]
}

// Unhealthy are the resources that are shown.
func (p *whatIfPage) Unhealthy() []whatif.Resource {
	return p.Report.Unhealthy[:min(len(p.Report.Unhealthy), ifRows)]
}

// Rejected are the parts that were left out.
func (p *whatIfPage) Rejected() []whatif.Rejection {
	return p.Report.Rejected[:min(len(p.Report.Rejected), ifRows)]
}

// whatIfForm answers an address that names fixes and exemptions; without any
// it shows the form.
func whatIfForm(v *visit) (page, error) {
	return v.whatIf(v.query["fix"], v.query["exempt"], "", whatif.Place{})
}

// whatIfAsk answers the form, whose text is too long for an address.
func whatIfAsk(v *visit) (page, error) {
	text, err := v.supposedText()
	if err != nil {
		return page{}, err
	}
	place := whatif.Place{Subscription: resourceName(v.PostForm.Get("subscription")), ResourceGroup: strings.TrimSpace(v.PostForm.Get("group"))}
	return v.whatIf(v.PostForm["fix"], v.PostForm["exempt"], text, place)
}

// supposedText is the file of the form, else what was pasted.
func (v *visit) supposedText() (string, error) {
	if v.MultipartForm == nil || len(v.MultipartForm.File["file"]) == 0 {
		return v.PostForm.Get("resources"), nil
	}
	f, err := v.MultipartForm.File["file"][0].Open()
	if err != nil {
		return "", fmt.Errorf("open what was uploaded: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(io.LimitReader(f, maxSupposed+1))
	if err != nil {
		return "", fmt.Errorf("read what was uploaded: %w", err)
	}
	if len(text) > maxSupposed {
		return "", &arm.Error{Status: http.StatusRequestEntityTooLarge, Code: "RequestContentTooLarge", Message: "A file may have 5 MiB here; rampart what-if takes larger ones."}
	}
	if len(text) == 0 {
		return v.PostForm.Get("resources"), nil
	}
	return string(text), nil
}

func (v *visit) whatIf(fixed, exempt []string, text string, place whatif.Place) (page, error) {
	on := firstOf(v.Get("on"), v.scope.ID)
	if err := v.who.Allow(actionRead, on); err != nil {
		if on != "" {
			return page{}, err
		}
		return page{}, v.allowScope()
	}
	p := &whatIfPage{frame: v.newFrame("What if"), On: on, Text: text, Place: place}
	if p.Place.Subscription == "" {
		p.Place.Subscription = resourceName(v.scope.ID)
	}
	if len(text) > 64<<10 {
		p.Text = "" // too long to be edited here
	}
	if err := p.choose(v, fixed, exempt); err != nil {
		return page{}, err
	}
	if len(fixed)+len(exempt) == 0 && strings.TrimSpace(text) == "" {
		if v.Method == http.MethodPost {
			p.Problem = "There is nothing to try: paste resources, choose a file, or choose what is fixed or exempt."
		}
		return p.page(), nil
	}
	q := whatif.Question{Tenant: v.tenant, Scope: v.scope, At: v.now}
	if v.who.Allow(actionRead, v.scope.ID) != nil {
		q.Scope = index.Scope{ID: on}
	}
	target := v.scope
	if v.Get("on") != "" {
		target = index.Scope{ID: on}
	}
	ask := func(ctx context.Context) (*whatif.Report, error) {
		q := q
		err := q.Read(ctx, []byte(text), place, v.now)
		if err == nil {
			err = q.Fix(v.view, fixed, target)
		}
		if err == nil {
			err = q.Exempt(v.view, exempt, target)
		}
		if err != nil {
			return nil, err
		}
		return whatif.Ask(ctx, v.estate, v.server.opt.Compliance, q)
	}
	var err error
	if text == "" { // an address, which may be shared: answered once for all who open it
		p.Report, err = v.server.answers.Get(v.Context(), fmt.Sprintf("%q %q %q %q %q", v.tenant, q.Scope, target, fixed, exempt), v.view, time.Now, ask)
	} else {
		p.Report, err = ask(v.Context())
	}
	var known *arm.Error
	if errors.As(err, &known) {
		p.Problem, err = known.Message, nil
	}
	return p.page(), err
}

func (p *whatIfPage) page() page {
	if p.Problem != "" {
		return page{"whatif", p, http.StatusBadRequest}
	}
	return page{name: "whatif", data: p}
}

// choose lists what could be fixed, and marks what was chosen.
func (p *whatIfPage) choose(v *visit, fixed, exempt []string) error {
	rows, err := v.view.Recommendations(index.RecommendationQuery{Scope: index.Scope{ID: p.On}, State: []record.State{record.Unhealthy}, Sort: "risk", Limit: groupedRows})
	if err != nil {
		return err
	}
	for _, r := range rows.Rows {
		c := ifChoice{r, slices.Contains(fixed, r.ID) || slices.Contains(fixed, whatif.All), slices.Contains(exempt, r.ID) || slices.Contains(exempt, whatif.All)}
		p.Choices = append(p.Choices, c)
		if c.Fixed {
			p.Fixed = append(p.Fixed, r.Title)
		}
		if c.Exempt {
			p.Exempt = append(p.Exempt, r.Title)
		}
	}
	return nil
}
