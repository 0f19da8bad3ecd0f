package inventory

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/wire"
)

// Decode makes a valid document of the JSON of one ARM resource, or of one
// wire.Document (a "body" beside the "id"). now is when it was observed if it
// does not say; source becomes its owner, whatever it says. Its errors say
// what is wrong with the document, for people. The result may share memory
// with b.
func Decode(b []byte, now time.Time, source string) (wire.Document, error) {
	m, err := scanObject(b)
	if err != nil {
		return wire.Document{}, err
	}
	if m.id == "" {
		return wire.Document{}, errors.New("it has no id")
	}
	id, err := arm.ParseID(m.id)
	if err != nil {
		return wire.Document{ID: m.id}, err
	}
	doc := wire.Document{ID: id.String(), APIVersion: m.apiVersion, Source: source, ObservedAt: now}
	if doc.Type, err = typeOf(id, m.typ); err != nil {
		return doc, err
	}
	if err := checkSubscription(id, m.isEnvelope() && string(m.deleted) == "true"); err != nil {
		return doc, err
	}
	if m.isEnvelope() {
		return m.envelope(doc, id, now)
	}
	if !m.hasProperties && !isContainer(id) {
		// az resource list and the like name resources without describing
		// them: what they leave out is unknown, not absent.
		doc.Unavailable = []string{"properties the source listed the resource without them"}
	}
	doc.Body = m.complete(b, id, doc.Type)
	return doc, checkEnvelope(&doc)
}

func isContainer(id arm.ID) bool {
	switch id.Type() {
	case arm.TypeSubscription, arm.TypeResourceGroup, arm.TypeManagementGroup:
		return true
	}
	return false
}

// isEnvelope tells a wire.Document from an ARM resource.
func (m *members) isEnvelope() bool {
	return !m.hasProperties && (m.body != nil || string(m.deleted) == "true")
}

// envelope completes doc with what a wire.Document says about itself.
func (m *members) envelope(doc wire.Document, id arm.ID, now time.Time) (wire.Document, error) {
	if m.observed != nil {
		var at time.Time
		if err := json.Unmarshal(m.observed, &at); err != nil {
			return doc, fmt.Errorf("its observedAt %s is not a time", clip(string(m.observed)))
		}
		doc.ObservedAt = observed(at, now)
	}
	if m.version != nil {
		n, err := strconv.ParseInt(string(m.version), 10, 64)
		if err != nil {
			return doc, fmt.Errorf("its sourceVersion %s is not a whole number", clip(string(m.version)))
		}
		doc.SourceVersion = n
	}
	if m.unavailable != nil && json.Unmarshal(m.unavailable, &doc.Unavailable) != nil {
		return doc, errors.New("its unavailable is not a list of texts")
	}
	if string(m.deleted) == "true" {
		doc.Deleted, doc.Unavailable = true, nil
		return doc, checkEnvelope(&doc)
	}
	doc.Body = m.body
	if err := checkEnvelope(&doc); err != nil {
		return doc, err
	}
	return doc, checkBody(&doc, id)
}
