// Package finding says what a report found on a resource, and holds the rules
// that disable findings: a failed check or a vulnerability that somebody has
// decided not to count, for a reason and perhaps for a time.
//
// It is pure: it reads documents that others keep. It must never import store,
// posture, a face or app.
package finding
