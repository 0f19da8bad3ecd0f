// Package record is what is kept of one resource: its row with one status per
// recommendation, what changes of it, the strings behind its numbers (Names), what
// slots and controls mean (Schema), and the packed form of all that in the store.
// It is data without behavior of its own; index, history and judge share it.
//
// It must never import another part of posture that works on rows (index, history,
// judge, planning), nor a face.
package record
