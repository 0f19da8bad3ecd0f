// Package cow holds what the views of an estate are made of: sets and tables that
// are copied on write. Each part belongs to the epoch, the number of a view, that
// wrote it last; a writer of that epoch changes it in place, one of a later epoch
// copies it first. So views share what did not change, and readers need no lock.
// One goroutine writes at a time.
//
// It must never import another room.
package cow
