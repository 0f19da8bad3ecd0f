// Package logfmt decodes lines of key=value pairs, as Go services write them:
// values may be quoted with the escapes of Go and JSON, a key without a value is
// true.
//
// It must never import a package above the event area.
package logfmt
