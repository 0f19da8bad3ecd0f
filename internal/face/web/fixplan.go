package web

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// planPage is what to fix next: the most points for the effort first.
type planPage struct {
	*frame
	Steps []planStep
	Spans []int // numbers of steps to choose from
	N     int
	All   string // what if all of it were done
	Sum   float64
}

// planStep is a step with what all up to it bring.
type planStep struct {
	step
	Sum float64
}

// planSpans are the numbers of steps that the page offers.
var planSpans = []int{5, 10, 25, 50, 100}

func planOfFixes(v *visit) (page, error) {
	if err := v.allowScope(); err != nil {
		return page{}, err
	}
	n := 10
	if text := v.Get("steps"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil || !slices.Contains(planSpans, n) {
			return page{}, arm.Invalid("A plan has 5, 10, 25, 50 or 100 steps, not %q.", clip(text, 20))
		}
	}
	steps, err := v.server.fixes.Plan(v.Context(), v.tenant, v.view, v.scope, n)
	if err != nil {
		return page{}, fmt.Errorf("make a plan: %w", err)
	}
	p := &planPage{frame: v.newFrame("What to fix next", "plan"), Spans: planSpans, N: n}
	fixes := url.Values{}
	if v.scope.ID != "" {
		fixes.Set("scope", v.scope.ID)
	}
	for _, s := range newSteps(steps) {
		p.Sum += s.Gain
		p.Steps = append(p.Steps, planStep{s, p.Sum})
		fixes.Add("fix", s.ID)
	}
	p.All = v.join("/what-if", fixes)
	return page{name: "plan", data: p}, nil
}
