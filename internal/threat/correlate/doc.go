// Package correlate finds patterns over several rule matches: Sigma correlation
// rules (specification 2.1, "Sigma Correlation Rules Specification"). It counts
// matches, distinct values and numbers in sliding windows of event time, per
// group of field values, and finds rules that match together or in order.
//
// # How it flows
//
// [Parse] reads one correlation document. [New] links documents to the rules
// they name and to one another. Each match of a base rule becomes an
// [Occurrence]; [Engine.Add] gives every [Detection] that it completes, those of
// chained correlations included. [Engine.Route] and [Engine.Apply] are the two
// halves of Add, for callers that spread the work: Route finds the groups that an
// occurrence belongs to, [Entry.Partition] says which worker owns a group, Apply
// adds to its state.
//
// # Semantics
//
// A window is closed on both sides: events count together when the last is at
// most the timespan after the first. Windows slide with every event and are
// judged in event time. An event that comes out of order is put where it belongs
// and completes any window that it is part of. An event that is more than
// [Options.Lateness] behind the newest of its own source is left out and counted.
//
// A correlation holds at an event when the condition is true of a window that
// the event is part of. The first such event gives a Detection; later ones, up
// to a timespan after the last, give one marked Repeat, which belongs to the same
// alert. Chained correlations see both kinds.
//
// An event that is delivered again counts once and gives its detection again, for
// callers that failed to store the first.
//
// An event without one of the group-by fields belongs to no group and is counted
// in [Stats]. Group values are compared byte by byte.
//
// # Bounds
//
// Each group keeps a bounded number of events, the engine a bounded number in
// all ([Options]); what is given up is counted. value_count is exact up to
// [ExactValues] distinct values in a group, then a deterministic sample with the
// Detection marked Approximate.
//
// The same occurrences in the same order give the same detections, on every run
// and after [Engine.Restore]. An Engine is not safe for concurrent use.
//
// The package must never import a room of its area but event and sigma, and no
// store.
package correlate
