package agent

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/rampart-sec/rampart/internal/base/wire"
)

// source owns every document of an agent.
const source = "agent"

// document is one resource before it is addressed.
type document struct {
	child       string // id below the machine's, "" for the machine itself
	kind        string // resource type
	name        string
	apiVersion  string
	location    string
	properties  any
	unavailable []string
}

// body is the ARM object of a document.
type body struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Type       string `json:"type"`
	Location   string `json:"location,omitempty"`
	Properties any    `json:"properties"`
}

// wire addresses a document and encodes it; equal facts give equal bytes. A
// document beyond the limit keeps its place but not its properties.
func (a *Agent) wire(d document, at time.Time) (wire.Document, error) {
	id := a.id.String() + d.child
	b := body{ID: id, Name: d.name, Type: d.kind, Location: d.location, Properties: d.properties}
	data, err := json.Marshal(b)
	if err == nil && len(data) > wire.MaxBody {
		b.Properties = struct{}{}
		d.unavailable = []string{fmt.Sprintf("properties larger than %d bytes", wire.MaxBody)}
		data, err = json.Marshal(b)
	}
	if err != nil {
		return wire.Document{}, fmt.Errorf("encoding %s: %w", id, err)
	}
	return wire.Document{
		ID: id, Type: d.kind, APIVersion: d.apiVersion, Source: source, SourceVersion: a.version,
		ObservedAt: at.UTC(), Unavailable: d.unavailable[:min(len(d.unavailable), wire.MaxUnavailable)], Body: data,
	}, nil
}

// childDocument is an extension resource of the machine.
func childDocument(provider, kind, name, apiVersion string) document {
	return document{
		child: "/providers/" + provider + "/" + kind + "/" + name,
		kind:  provider + "/" + kind, name: name, apiVersion: apiVersion,
	}
}
