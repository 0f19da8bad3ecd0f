package api

import (
	"math"
	"strings"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/index"
)

// scoreName is the one secure score of a subscription; clients know it by this
// name.
const scoreName = "ascScore"

// points is a score on the wire: points rounded to two places and the share of
// the maximum, between 0 and 1, to four.
type points struct {
	Max        int     `json:"max"`
	Current    float64 `json:"current"`
	Percentage float64 `json:"percentage"`
}

func pointsOf(current float64, max int) points {
	p := points{Max: max, Current: round(current, 100)}
	if max > 0 {
		p.Percentage = round(current/float64(max), 10000)
	}
	return p
}

func round(x, scale float64) float64 { return math.Round(x*scale) / scale }

// secureScores lists the one score of a subscription.
func (a *API) secureScores(r *request) (response, error) {
	_, view, err := a.estate(r)
	if err != nil {
		return response{}, err
	}
	return ok(list{Value: []any{scoreBody(r.scope, view.Score(r.postureScope()))}})
}

// secureScore shows it.
func (a *API) secureScore(r *request) (response, error) {
	if err := r.checkScoreName(); err != nil {
		return response{}, err
	}
	_, view, err := a.estate(r)
	if err != nil {
		return response{}, err
	}
	return ok(scoreBody(r.scope, view.Score(r.postureScope())))
}

func (r *request) checkScoreName() error {
	if strings.EqualFold(r.vars["score"], scoreName) {
		return nil
	}
	return arm.NotFound(scoreID(r.scope) + "/" + r.vars["score"])
}

func scoreID(scope arm.ID) string {
	return scope.String() + "/providers/Microsoft.Security/secureScores"
}

// scoreBody adds to the reference's shape how much of the estate the score
// rests on, and between what it could lie if the rest were known.
func scoreBody(scope arm.ID, s index.Score) map[string]any {
	return resource(scoreID(scope)+"/"+scoreName, "Microsoft.Security/secureScores", map[string]any{
		"displayName": "ASC score",
		"score":       pointsOf(s.Current, s.Max),
		"weight":      s.Weight,
		"coverage":    map[string]any{"known": s.Known, "applicable": s.Applicable},
		"range":       map[string]any{"low": round(s.Low/100, 10000), "high": round(s.High/100, 10000)},
	})
}

// scoreControls lists the controls of a subscription's score.
func (a *API) scoreControls(r *request) (response, error) {
	if r.vars["score"] != "" {
		if err := r.checkScoreName(); err != nil {
			return response{}, err
		}
	}
	_, view, err := a.estate(r)
	if err != nil {
		return response{}, err
	}
	items := []any{}
	for _, c := range view.Controls(r.postureScope()) {
		items = append(items, a.controlBody(r, c))
	}
	return slice(a, r, items)
}

// controlBody counts what is unknown as not applicable: the wire has no third
// count, and the score leaves both out.
func (a *API) controlBody(r *request, c index.ControlScore) map[string]any {
	properties := map[string]any{
		"displayName":                c.Control.Title,
		"score":                      pointsOf(c.Current, c.Max),
		"healthyResourceCount":       c.Healthy,
		"unhealthyResourceCount":     c.Unhealthy,
		"notApplicableResourceCount": c.NotApplicable + c.Unknown,
		"unknownResourceCount":       c.Unknown,
		"weight":                     c.Healthy + c.Unhealthy,
	}
	if r.expands("definition") {
		properties["definition"] = a.controlDefinition(c.Control)
	}
	id := scoreID(r.scope) + "/" + scoreName + "/secureScoreControls/" + c.Control.Name
	return resource(id, "Microsoft.Security/secureScores/secureScoreControls", properties)
}

// controlDefinitions lists what the controls are, whatever the estate.
func (a *API) controlDefinitions(r *request) (response, error) {
	items := []any{}
	for _, c := range a.Library.Controls {
		items = append(items, a.controlDefinition(c))
	}
	return slice(a, r, items)
}

func (a *API) controlDefinition(c *content.Control) map[string]any {
	links := []any{}
	for _, rec := range a.Library.Recommendations {
		if rec.Control == c.ID {
			links = append(links, map[string]any{"id": metadataPrefix + rec.ID})
		}
	}
	const kind = "Microsoft.Security/secureScoreControlDefinitions"
	return resource("/providers/"+kind+"/"+c.Name, kind, map[string]any{
		"displayName": c.Title, "description": c.Description, "maxScore": c.Max,
		"source": map[string]any{"sourceType": "BuiltIn"}, "assessmentDefinitions": links,
	})
}

// resource is an ARM object.
func resource(id, kind string, properties any) map[string]any {
	return map[string]any{"id": id, "name": id[strings.LastIndexByte(id, '/')+1:], "type": kind, "properties": properties}
}
