package posture

import (
	"github.com/rampart-sec/rampart/content"
)

// Score is the secure score of a scope by the reference formula: per control
// max/(healthy+unhealthy)*healthy, summed over controls that have something to
// assess.
type Score struct {
	Current float64 // points
	Max     int     // points of controls with something to assess
	Percent float64 // 0..100; 0 when Max is 0
	// Low and High are Percent if every unknown were unhealthy or healthy.
	Low, High float64
	// Known of Applicable (resource, control) pairs have a verdict.
	Known, Applicable int
	Weight            int // number of assessed resources, weight of a subscription among several
}

// ControlScore is one control's share of a Score.
type ControlScore struct {
	Control                                    *content.Control
	Current                                    float64
	Max                                        int
	Healthy, Unhealthy, Unknown, NotApplicable int
	Low, High                                  float64 // points
	PotentialIncrease                          float64 // points, reference formula
	// LeftOnResource answers "n of m left before this control gives its points"
	// for scopes that are a single resource: unhealthy and all counted checks.
	LeftOnResource, ChecksOnResource int
}
