// Package conformance runs the official Go clients of the public cloud against
// this server, unmodified. It is a module of its own, so that they stay out of
// the product's dependencies.
package conformance
