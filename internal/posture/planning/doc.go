// Package planning says what to do about an assessment and what would come of it:
// the evidence behind it, the fix that was proven on a copy, the plan of the steps
// that raise a score most, and what-if for documents, exemptions and fixes.
//
// It must never import a face (api, web) or app, and never reach into the judge: it
// tries things through judge.Trial.
package planning
