package index

import (
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// Assessment is what one recommendation says of one resource; ok is false when
// it does not apply or one of the two is not known.
func (v *View) Assessment(resourceID, recommendationID string) (record.Assessment, bool) {
	r := v.Find(strings.TrimSuffix(resourceID, "/"))
	slot, known := v.schema.Slot(recommendationID)
	if r == nil || !known {
		return record.Assessment{}, false
	}
	if _, ok := r.StatusOf(slot); !ok {
		return record.Assessment{}, false
	}
	return v.AssessmentOf(r, slot), true
}

// AssessmentOf describes one status of a row.
func (v *View) AssessmentOf(r *record.Row, slot uint16) record.Assessment {
	c, _ := r.StatusOf(slot)
	a := record.Assessment{
		Handle: r.Handle, ResourceID: r.ID, ResourceName: r.Name(), ResourceType: typeOf(r.ID),
		Recommendation: v.schema.Slots[slot], State: c.State, Reason: v.names.Reasons.Name(c.Reason),
		FirstSeen: record.UnixTime(int64(c.First)), Since: record.UnixTime(int64(c.Since)),
		ObservedAt: r.ObservedAt(), Stale: r.Stale, Pending: v.isPending(slot),
	}
	if c.State == record.Unhealthy {
		a.Risk = v.schema.RiskOf(slot, r.Factors)
		a.RiskFactors = v.schema.Risk.Words(a.Recommendation.Severity, r.Factors)
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

// EqualIDs compares ARM ids without case.
func EqualIDs(a, b string) bool { return strings.EqualFold(a, b) }
