package reopen

import (
	"testing"

	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// TestExemptionsAreKeptApart numbers exemptions whose ids have one hash of 32
// bits, and one that was renewed.
func TestExemptionsAreKeptApart(t *testing.T) {
	seen := map[uint64]string{}
	for _, x := range []*policy.Exemption{{ID: "costarring"}, {ID: "liquid"}, {ID: "liquid", BasedAt: "2026-01-01"}, {ID: "liquid2026-01-01"}} {
		n := numberOf(x)
		if other, ok := seen[n]; ok {
			t.Errorf("%s%s has the number of %s", x.ID, x.BasedAt, other)
		}
		seen[n] = x.ID + x.BasedAt
	}
	if numberOf(&policy.Exemption{ID: "/Subscriptions/A"}) != numberOf(&policy.Exemption{ID: "/subscriptions/a"}) {
		t.Error("an id counts in its case")
	}
}
