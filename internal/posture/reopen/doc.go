// Package reopen remembers what policies read of the resources that exemptions
// cover and that end on change, and says what has changed of them since.
//
// It knows resources by number alone; its one client, posture, lends it the reader
// of the evaluator's rows. It must never import posture, a face or app.
package reopen
