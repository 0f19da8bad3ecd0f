// Package wire is what the agent and the server agree on: fact documents, the
// requests of the agent listener, batches. Both link it, so it stays small.
//
// It must never import another package of this module but arm.
package wire

import (
	"encoding/json"
	"time"
)

// Limits of one document; a document beyond them is refused, alone.
const (
	MaxBody        = 4 << 20 // bytes of JSON
	MaxDepth       = 64      // nested objects and arrays
	MaxUnavailable = 256     // declared paths
)

// Document is a resource document with its envelope (contracts.md, "Resource
// documents"): one ARM resource as one source saw it at one time. Body is the
// whole ARM object (id, name, type, location, tags, properties ...).
type Document struct {
	Tenant     string `json:"tenant,omitempty"` // "" is the default tenant
	ID         string `json:"id"`
	Type       string `json:"type"`
	APIVersion string `json:"apiVersion,omitempty"`
	// Source owns the document: "agent", "import", "azure", ... Another source
	// may not overwrite it.
	Source string `json:"source,omitempty"`
	// SourceVersion orders documents of one source; together with ObservedAt
	// an older one is dropped.
	SourceVersion int64     `json:"sourceVersion,omitempty"`
	ObservedAt    time.Time `json:"observedAt"`
	// Unavailable names paths of the body ("properties.networkAcls",
	// "properties.checks.audit-rules.state") or related types below the
	// document ("Microsoft.Insights/diagnosticSettings") that the source did
	// not deliver, each with the reason after the first space if there is one.
	Unavailable []string        `json:"unavailable,omitempty"`
	Body        json.RawMessage `json:"body,omitempty"`
	// Deleted marks the document as gone; Body is empty then.
	Deleted bool `json:"deleted,omitempty"`
}
