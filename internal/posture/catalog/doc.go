// Package catalog is what policies are assigned: it parses the policy objects of a
// tenant beside the built-in ones into the evaluator's input, and says which
// recommendation each member of it speaks for.
//
// It must never import the judge, the index, or a face.
package catalog
