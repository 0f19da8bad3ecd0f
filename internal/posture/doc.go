// Package posture judges the estate: it keeps, for every tenant, the verdicts
// of every resource against the assigned policies, rolls them up into
// assessments and the secure score, and answers every question about them from
// an index in memory.
//
// It must never import a face (api, web) or app.
package posture
