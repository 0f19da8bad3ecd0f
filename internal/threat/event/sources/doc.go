// Package sources lists the decoders by the name of the source that a user
// gives. A new decoder is one line here.
//
// It must never import rules or anything above the event area.
package sources
