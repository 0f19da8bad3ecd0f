// Package client talks to a running Rampart server with the credentials of its
// bootstrap file: what the command line's import and admin verbs need.
//
// It must never import another package of this module: what it knows of the
// server is the wire.
package client
