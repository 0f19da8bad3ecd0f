package web

import (
	"fmt"
	"time"

	"github.com/rampart-sec/rampart/internal/posture"
)

// change is one recommendation that moved the score, over all the resources on
// which it changed the same way for the same cause.
type change struct {
	posture.ScoreChange
	Resources []string
}

// Where names the only resource, or counts them.
func (c change) Where() string {
	if len(c.Resources) == 1 {
		return resourceName(c.Resources[0])
	}
	return count(len(c.Resources), "resource", "resources")
}

// Mark says which way it went.
func (c change) Mark() mark {
	switch c.To {
	case posture.Healthy:
		return mark{"ok", "ok", "Fixed"}
	case posture.Unhealthy:
		return mark{"high", "high", "New"}
	case posture.Unknown:
		return mark{"unknown", "unknown", "Unknown"}
	case posture.Exempt:
		return mark{"exempt", "low", "Exempt"}
	}
	return mark{"none", "unknown", "Gone"}
}

// changes are the changes of the score since a moment, latest first, at most
// limit groups.
func (v *visit) changes(since time.Time, limit int) ([]change, error) {
	all, err := v.estate.Why(v.Context(), v.scope, since, v.now)
	if err != nil {
		return nil, fmt.Errorf("explain score change: %w", err)
	}
	return groupChanges(all, limit), nil
}

// groupChanges joins changes that say the same of several resources; the group
// stands where its latest member stood and its deltas add up.
func groupChanges(all []posture.ScoreChange, limit int) []change {
	type key struct {
		recommendation, cause string
		from, to              posture.State
	}
	place := map[key]int{}
	var groups []change
	for _, c := range all {
		if c.Recommendation == nil {
			continue
		}
		k := key{c.Recommendation.ID, c.Cause, c.From, c.To}
		i, known := place[k]
		switch {
		case known:
			groups[i].Resources = append(groups[i].Resources, c.ResourceID)
			groups[i].Delta += c.Delta
		case len(groups) < limit:
			place[k] = len(groups)
			groups = append(groups, change{c, []string{c.ResourceID}})
		}
	}
	return groups
}
