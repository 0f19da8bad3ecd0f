// Package posture judges the estate: it keeps, for every tenant, the verdicts
// of every resource against the assigned policies, rolls them up into
// assessments and the secure score, and answers every question about them from
// an index in memory.
//
// What hangs on documents and rules alone lies below: finding reads and masks
// reports, risk tells levels, reopen remembers what exemptions excused, governance
// says whose a task is, cow holds what views share. Here is what joins them to
// rows, views and the judge.
//
// It must never import a face (api, web) or app.
package posture
