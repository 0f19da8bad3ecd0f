// Package governance decides who should fix what by when: rules that give
// unhealthy assessments an owner, a due date and a grace period, and the
// assignments that people make by hand.
//
// It is pure: it reads documents that others keep. It must never import store,
// posture, a face or app.
package governance
