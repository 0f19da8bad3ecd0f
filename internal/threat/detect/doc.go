// Package detect runs rules and correlations over records: what the command line
// does over files and the server over what agents and clouds send.
//
// A [Program] is a set of rules made ready; a [Run] is its state over one sequence
// of records. The same records in the same order give the same hits.
//
// It may import event, sigma, correlate and alert, and must never import what
// reads from a network or shows pages.
package detect
