package policy

import (
	"slices"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// Exemption frees the resources of its scope from an assignment, or from some
// members of the assigned initiative.
type Exemption struct {
	ID           string
	Name         string
	DisplayName  string
	Description  string
	Metadata     Value
	Scope        arm.ID
	AssignmentID string
	ReferenceIDs []string // empty means all members
	Mitigated    bool     // category Mitigated; otherwise Waiver
	ExpiresOn    time.Time
	Selectors    []Selector
	// ValidateScope is false for assignmentScopeValidation DoNotValidate.
	ValidateScope bool
	// Waiting is set while the exemption is requested and not approved, or was
	// rejected: it exempts nothing.
	Waiting bool
	// ReopenOnChange ends it for a resource when what the rule reads of it has
	// changed; BasedAt tells one renewal from the next.
	ReopenOnChange bool
	BasedAt        string
}

// The states of an exemption that is to be approved, in metadata.rampart.state.
// One without a state is in force.
const (
	ExemptionRequested = "requested"
	ExemptionApproved  = "approved"
	ExemptionRejected  = "rejected"
)

// ParseExemption reads a policy exemption. Errors are *DocumentError.
func ParseExemption(data []byte) (*Exemption, error) {
	props, id, name, err := envelope(data)
	if err != nil {
		return nil, err
	}
	x := &Exemption{ID: id, Name: name}
	x.DisplayName, x.Description, x.Metadata = headline(props, "")
	x.AssignmentID = props.required("policyAssignmentId")
	x.ReferenceIDs = props.texts("policyDefinitionReferenceIds", maxMembers)
	if props.text("exemptionCategory") == "" {
		props.fail("exemptionCategory", "is missing: Waiver or Mitigated")
	}
	x.Mitigated = props.oneOf("exemptionCategory", "Waiver", "Mitigated") == "Mitigated"
	x.ExpiresOn = props.time("expiresOn")
	x.Selectors = parseSelectors(props)
	for i, s := range x.Selectors {
		if len(s.Conditions) == 0 {
			props.fail(indexPath("resourceSelectors", i), "selects by nothing; leave it out to exempt everything in the scope")
		}
	}
	own := x.Metadata.Get("rampart")
	x.Waiting = own.Get("state").Str != "" && !equalFold(own.Get("state").Str, ExemptionApproved)
	x.ReopenOnChange, x.BasedAt = own.Get("reopenOnChange").Bool, own.Get("basedAt").Str
	x.ValidateScope = props.oneOf("assignmentScopeValidation", "Default", "DoNotValidate") == "Default"
	scope, _, ok := strings.Cut(folded(id), "/providers/microsoft.authorization/policyexemptions/")
	if x.Scope, err = arm.ParseID(id[:len(scope)] + "/"); err != nil || !ok {
		props.fail("", "the id %q does not say what is exempt", clip(id))
	}
	return x, *props.err
}

// Exempts reports whether the exemption holds at an instant for a resource and
// a member ("" outside an initiative) of the assignment that it names.
func (x *Exemption) Exempts(assignmentID, referenceID string, t Target, at time.Time) bool {
	return x.Names(assignmentID, referenceID, at) && t.within(x.Scope) && Selected(x.Selectors, t)
}

// Names is Exempts for the resources in the exemption's scope that its selectors
// select.
func (x *Exemption) Names(assignmentID, referenceID string, at time.Time) bool {
	if x.Waiting || !equalFold(x.AssignmentID, assignmentID) || x.Expired(at) {
		return false
	}
	return len(x.ReferenceIDs) == 0 || slices.ContainsFunc(x.ReferenceIDs, func(id string) bool { return equalFold(id, referenceID) })
}

// Expired reports whether the exemption is kept only as a record.
func (x *Exemption) Expired(at time.Time) bool {
	return !x.ExpiresOn.IsZero() && !at.Before(x.ExpiresOn)
}
