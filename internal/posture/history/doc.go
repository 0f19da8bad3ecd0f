// Package history answers what was: every change of a row's statuses is kept in
// blocks in the store, now and then a frame with the states of all rows, and the
// scores that each transaction made. A Log writes and compacts them, and replays
// them into a Snapshot for scores over time, scores as of a time, and why a score
// changed.
//
// It must never import the judge, which writes it, or a face.
package history
