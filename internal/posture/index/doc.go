// Package index answers every question about an estate of the present from memory:
// a View is one immutable epoch of all rows, with a set of resources per
// recommendation and state and with counts per scope, so that lists, counts and the
// secure score are intersections and sums, never scans. A Writer makes the next
// epoch; epochs share what did not change.
//
// It must never import the judge, the history, or a face: it knows rows, not where
// they come from.
package index
