package policy

import (
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// Attestation is what a person states about a resource for a manual
// definition.
type Attestation struct {
	ID             string
	Name           string
	Scope          arm.ID
	AssignmentID   string
	ReferenceID    string
	State          State
	Owner          string
	Comments       string
	AssessmentDate time.Time
	ExpiresOn      time.Time
	Evidence       []Evidence
}

// Evidence is a document that supports an attestation.
type Evidence struct{ Description, SourceURI string }

// maxEvidence bounds the documents of one attestation.
const maxEvidence = 50

// ParseAttestation reads an attestation. Errors are *DocumentError.
func ParseAttestation(data []byte) (*Attestation, error) {
	props, id, name, err := envelope(data)
	if err != nil {
		return nil, err
	}
	a := &Attestation{
		ID: id, Name: name, AssignmentID: props.required("policyAssignmentId"),
		ReferenceID: props.text("policyDefinitionReferenceId"), Owner: props.text("owner"), Comments: props.text("comments"),
		AssessmentDate: props.time("assessmentDate"), ExpiresOn: props.time("expiresOn"),
	}
	switch props.oneOf("complianceState", "Unknown", "Compliant", "NonCompliant") {
	case "Compliant":
		a.State = Compliant
	case "NonCompliant":
		a.State = NonCompliant
	default:
		a.State = Unknown
	}
	props.each("evidence", maxEvidence, func(s section) {
		a.Evidence = append(a.Evidence, Evidence{Description: s.text("description"), SourceURI: s.text("sourceUri")})
	})
	scope, _, ok := strings.Cut(folded(id), "/providers/microsoft.policyinsights/attestations/")
	if a.Scope, err = arm.ParseID(id[:len(scope)]); err != nil || !ok {
		props.fail("", "the id %q does not say what is attested", clip(id))
	}
	return a, *props.err
}

// Attested is the state of a manual definition on a resource: that of the
// latest attestation that has not expired, else the definition's default.
func (b *Bound) Attested(list []*Attestation, assignmentID, referenceID string, id arm.ID, at time.Time) State {
	state, latest := b.Manual, time.Time{}
	for _, a := range list {
		valid := a.ExpiresOn.IsZero() || at.Before(a.ExpiresOn)
		if !valid || !a.Scope.Equal(id) || !equalFold(a.AssignmentID, assignmentID) ||
			a.ReferenceID != "" && !equalFold(a.ReferenceID, referenceID) {
			continue
		}
		if latest.IsZero() || a.AssessmentDate.After(latest) {
			state, latest = a.State, a.AssessmentDate
		}
	}
	return state
}
