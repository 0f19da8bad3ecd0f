// Package compliance rolls assessments up into regulatory standards: per
// standard and control what passed, failed and could not be assessed, manual
// attestations, and the report that an auditor is handed.
//
// It must never import a face (api, web) or app.
package compliance
