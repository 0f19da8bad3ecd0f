// Package simulate makes a realistic estate for trials, demos and benchmarks: a
// seeded stream of resource documents whose types, properties and faults come
// from the examples of the content library, so that every recommendation finds
// something to judge.
//
// It must never import judgement (policy, posture) or a face: it knows nothing
// of verdicts.
package simulate
