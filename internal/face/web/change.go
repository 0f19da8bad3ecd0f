package web

import (
	"fmt"
	"time"

	"github.com/rampart-sec/rampart/internal/posture/history"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// change is one recommendation that moved the score, over all the resources on
// which it changed the same way for the same cause; or, without one, resources
// that came into the scope, left it, or count from now on.
type change struct {
	history.ScoreChange
	Resources []string
}

// Where names the only resource, or counts them.
func (c change) Where() string {
	if len(c.Resources) == 1 {
		return resourceName(c.Resources[0])
	}
	return count(len(c.Resources), "resource", "resources")
}

// first reports whether this is a first result, not a change of an earlier one.
func (c change) first() bool { return c.Recommendation != nil && c.From == record.NotApplicable }

// Mark says which way it went.
func (c change) Mark() mark {
	switch {
	case c.Recommendation == nil:
		return mark{"none", "unknown", "Scope"}
	case c.first() && c.To == record.Unhealthy:
		return mark{"high", "high", "Found"}
	case c.first() && c.To == record.Healthy:
		return mark{"ok", "ok", "In order"}
	}
	switch c.To {
	case record.Healthy:
		return mark{"ok", "ok", "Fixed"}
	case record.Unhealthy:
		return mark{"high", "high", "New"}
	case record.Unknown:
		return mark{"unknown", "unknown", "Unknown"}
	case record.Exempt:
		return mark{"exempt", "low", "Exempt"}
	}
	return mark{"none", "unknown", "Gone"}
}

// news is what happened to the score in a span of time. First results are
// summed up: of a machine that was just connected everything is new, and
// nothing of it is news.
type news struct {
	Changes    []change // latest first
	First      int
	FirstDelta float64
	Cut        bool // there were more than one answer of the index holds
}

// whyLimit is how many changes the index lists at once.
const whyLimit = 1000

// changes reads the news since a moment, at most limit groups of changes.
func (v *visit) changes(since time.Time, limit int) (news, error) {
	all, err := v.estate.History().Why(v.Context(), v.scope, since, v.now)
	if err != nil {
		return news{}, fmt.Errorf("explain score change: %w", err)
	}
	var n news
	kept := all[:0:0]
	for _, c := range all {
		if (change{ScoreChange: c}).first() {
			n.First++
			n.FirstDelta += c.Delta
			continue
		}
		kept = append(kept, c)
	}
	n.Changes, n.Cut = groupChanges(kept, limit), len(all) >= whyLimit
	return n, nil
}

// groupChanges joins changes that say the same of several resources; the group
// stands where its latest member stood and its deltas add up.
func groupChanges(all []history.ScoreChange, limit int) []change {
	type key struct {
		recommendation, cause string
		from, to              record.State
	}
	place := map[key]int{}
	var groups []change
	for _, c := range all {
		k := key{"", c.Cause, c.From, c.To}
		if c.Recommendation != nil {
			k.recommendation = c.Recommendation.ID
		}
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
