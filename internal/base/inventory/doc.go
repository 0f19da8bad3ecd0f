// Package inventory takes resource documents in: it validates them, applies
// the rules of ownership and order, makes up the containers that nobody
// delivered and writes them to the store, whose change feed everything above
// follows.
//
// It may import the ground (store, bus, wire, arm) and nothing above it.
package inventory
