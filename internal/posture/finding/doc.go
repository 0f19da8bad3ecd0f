// Package finding reads what reports find on resources, and holds the rules that
// disable findings: a failed check or a vulnerability that somebody has decided
// not to count, for a reason and perhaps for a time.
//
// A Source says in which reports the findings of a recommendation are. It opens a
// Report, whose Results are the checks or vulnerabilities in it, and makes the
// copy of a report that policies judge when a RuleSet disables some of them. A
// Dict numbers what is alike on many resources.
//
// It is pure: it reads documents that others keep. It must never import store,
// posture, a face or app.
package finding
