package posture

import (
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// Assessment is what one recommendation says of one resource; ok is false when
// it does not apply or one of the two is not known.
func (v *View) Assessment(resourceID, recommendationID string) (Assessment, bool) {
	r := v.byID(strings.TrimSuffix(resourceID, "/"))
	slot, known := v.shape.slot(recommendationID)
	if r == nil || !known {
		return Assessment{}, false
	}
	if _, ok := r.cell(slot); !ok {
		return Assessment{}, false
	}
	return v.assessment(r, slot), true
}

// assessment describes one cell of a row.
func (v *View) assessment(r *row, slot uint16) Assessment {
	c, _ := r.cell(slot)
	a := Assessment{
		Handle: r.handle, ResourceID: r.id, ResourceName: r.name(), ResourceType: typeOf(r.id),
		Recommendation: v.shape.slots[slot], State: c.state, Reason: v.names.reasons.name(c.reason),
		FirstSeen: unixTime(int64(c.first)), Since: unixTime(int64(c.since)),
		ObservedAt: r.observedAt(), Stale: r.stale, Pending: v.isPending(slot),
	}
	if c.state == Unhealthy {
		a.Risk = v.shape.riskOf(slot, r.factors)
		a.RiskFactors = v.shape.risk.Words(a.Recommendation.Severity, r.factors)
	}
	v.assign(&a, r, c)
	return a
}

// typeOf is the type in an id, as it is written there.
func typeOf(id string) string {
	parsed, err := arm.ParseID(id)
	if err != nil {
		return ""
	}
	return parsed.Type()
}

func equalIDs(a, b string) bool { return strings.EqualFold(a, b) }
