// Package agent is the host side: it collects the facts of the machine that it
// runs on and the results of the hardening baselines as ARM documents, again
// whenever something they depend on changes, and delivers what changed.
//
// It must never import another package of this module but arm, wire, content
// and its own host, baseline and report. It starts no program and writes
// nothing on the host.
package agent
