// Package engine is the fast side of the policy language: it compiles bound
// policies into programs over slots, decodes resource documents into compact
// rows that hold only the slots in use, and keeps an estate of resident rows
// that is re-evaluated incrementally. What a rule means is defined by the
// tree-walking evaluator of package policy; this package must give the same
// verdict for every rule and document, faster, and falls back to that
// evaluator for the few leaves that it has no fast form for.
//
// It imports policy, arm and wire only. It must never import posture or
// anything above it, open a file or a socket, or read the clock by itself.
package engine
