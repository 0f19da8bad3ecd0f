// Package app wires the rooms into one running server and owns its lifecycle:
// what is built in which order, what listens where, and how all of it stops.
//
// It may import every room; only cmd may import it, so nothing else ever does:
// a room that needs app is wrong, and app must never import cmd.
package app
