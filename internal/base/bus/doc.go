// Package bus carries wake-ups between nodes and event batches to their
// workers over NATS JetStream: a server embedded in this process without a
// listener, or an external one by URL.
//
// It carries nothing that would be missed: the truth is in package store, and
// a lost wake-up is made good by the next look at the feed.
//
// It is ground: it must never import another package of this module.
package bus
