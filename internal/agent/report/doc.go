// Package report renders the results of one assessment of this machine for
// people (a table), for programs (JSON) and for code scanning tools (SARIF
// 2.1.0).
//
// It must never import another package of this module but content and the
// agent's baseline.
package report
