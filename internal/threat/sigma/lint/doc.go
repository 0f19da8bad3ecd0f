// Package lint checks Sigma files against the demands of the specification
// (version 2.1): what a detection rule, a correlation and a filter must have, the
// form of each member, and what in a detection says something else than its
// author can have meant. Each finding has file, line, column, the demand with the
// section of the specification, and, where nothing can go wrong, a mend.
//
// It must never import what correlates, alerts or serves.
package lint
