package whatif

import (
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/planning"
)

// All stands for every recommendation that has something unhealthy.
const All = "all"

// maxChoices bounds the recommendations that one question names.
const maxChoices = 1000

// Fix supposes that recommendations are followed everywhere in a scope, a
// resource's id or a larger one, not a tag. The error is an *arm.Error.
func (s *Supposed) Fix(v *index.View, recommendations []string, on index.Scope) error {
	return s.choose(v, recommendations, on, func(id string) planning.Hypothetical {
		return planning.Hypothetical{ResourceID: on.ID, Fixed: id}
	})
}

// Exempt supposes that a scope is exempt from recommendations.
func (s *Supposed) Exempt(v *index.View, recommendations []string, on index.Scope) error {
	return s.choose(v, recommendations, on, func(id string) planning.Hypothetical {
		return planning.Hypothetical{ResourceID: on.ID, Exempt: id}
	})
}

func (s *Supposed) choose(v *index.View, recommendations []string, on index.Scope, change func(id string) planning.Hypothetical) error {
	if len(recommendations) > maxChoices {
		return arm.Invalid("At most %d recommendations can be named.", maxChoices)
	}
	if len(recommendations) == 0 {
		return nil
	}
	if on.Tag != "" {
		return arm.Invalid("A fix or an exemption is tried in a scope with an id; a tag is none.")
	}
	if !v.Holds(on.ID) {
		return arm.NotFound(on.ID)
	}
	var chosen []string
	for _, name := range recommendations {
		found := find(v, name)
		if strings.EqualFold(name, All) {
			found = unhealthy(v, on)
		}
		if len(found) == 0 {
			return arm.Invalid("There is no recommendation %q with anything unhealthy.", clip(name))
		}
		for _, id := range found {
			if !slices.Contains(chosen, id) {
				chosen = append(chosen, id)
			}
		}
	}
	for _, id := range chosen {
		s.Changes = append(s.Changes, change(id))
	}
	return nil
}

// find is the recommendation with an id or a name of the content.
func find(v *index.View, name string) []string {
	if r := v.Recommendation(name); r != nil {
		return []string{r.ID}
	}
	for _, r := range v.AllRecommendations() {
		if r.Content != nil && strings.EqualFold(r.Content.Name, name) {
			return []string{r.ID}
		}
	}
	return nil
}

// unhealthy are the recommendations with something unhealthy in a scope.
func unhealthy(v *index.View, on index.Scope) (ids []string) {
	counts := v.Tally(on)
	for _, r := range v.AllRecommendations() {
		if counts.Of(r).Unhealthy > 0 {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

func clip(s string) string {
	const most = 100
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}
