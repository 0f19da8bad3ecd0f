// Package policy is the Azure Policy language: documents (definitions,
// initiatives, assignments, exemptions, attestations), the rule and expression
// trees, alias tables, the function library, and a slow evaluator that is the
// oracle for every faster one and the explainer of every verdict.
//
// It must never import anything of this module but arm and wire, and it never
// reads a clock, a file of its own accord, or a network.
package policy
