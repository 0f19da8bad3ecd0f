// Package baseline judges a host by the checks of content/baselines: each
// procedure of a rule looks at the facts of package host and says pass, fail,
// notApplicable or unknown, with the evidence. It starts no program and
// changes nothing.
//
// It must never import another package of this module but content and the
// agent's host.
package baseline
