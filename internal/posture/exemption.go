package posture

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/arm"
)

// exemption takes policy states of an assignment out of the score at a scope.
// It may name any assignment, user-made ones included, and any of its members.
type exemption struct {
	id         string
	name       string // display name, else the last segment of the id
	category   string // Waiver or Mitigated
	scope      string // folded
	assignment string // folded
	references []string
	expires    time.Time // zero: never
}

// reason is what an exempt assessment says.
func (x *exemption) reason() string {
	text := "exempt by " + x.name + " (" + x.category + ")"
	if !x.expires.IsZero() {
		text += " until " + x.expires.Format(time.DateOnly)
	}
	return text
}

// exemptions finds those over a row. The zero value has none.
type exemptions struct {
	byScope map[string][]*exemption
}

func newExemptions(all []*exemption) exemptions {
	x := exemptions{byScope: map[string][]*exemption{}}
	for _, e := range all {
		x.byScope[e.scope] = append(x.byScope[e.scope], e)
	}
	return x
}

// find is an exemption in force for a policy state, nil if there is none.
// chain are the scopes that hold the resource.
func (x exemptions) find(chain []string, assignment, reference string, at time.Time) *exemption {
	for _, scope := range chain {
		for _, e := range x.byScope[scope] {
			if e.covers(assignment, reference) && (e.expires.IsZero() || at.Before(e.expires)) {
				return e
			}
		}
	}
	return nil
}

func (x *exemption) covers(assignment, reference string) bool {
	if x.assignment != assignment {
		return false
	}
	for _, r := range x.references {
		if r == reference {
			return true
		}
	}
	return len(x.references) == 0
}

// parseExemption reads a policyExemption object; the scope is what its id
// hangs on.
func parseExemption(id string, body []byte) (*exemption, error) {
	var doc struct {
		Properties struct {
			PolicyAssignmentID           string     `json:"policyAssignmentId"`
			PolicyDefinitionReferenceIDs []string   `json:"policyDefinitionReferenceIds"`
			ExemptionCategory            string     `json:"exemptionCategory"`
			DisplayName                  string     `json:"displayName"`
			ExpiresOn                    *time.Time `json:"expiresOn"`
		} `json:"properties"`
	}
	parsed, err := arm.ParseID(id)
	if err != nil {
		return nil, arm.Invalid("exemption id: %v", err)
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		return nil, arm.Invalid("the exemption is not the JSON that is wanted: %v", err)
	}
	p := doc.Properties
	if p.PolicyAssignmentID == "" {
		return nil, arm.Invalid("properties.policyAssignmentId is needed")
	}
	scope, _ := parsed.Parent()
	x := &exemption{
		id: id, name: p.DisplayName, category: p.ExemptionCategory, scope: scope.Key(),
		assignment: arm.Fold(strings.TrimSuffix(p.PolicyAssignmentID, "/")),
	}
	if x.name == "" {
		x.name = parsed.Name()
	}
	if x.category == "" {
		x.category = "Waiver"
	}
	for _, r := range p.PolicyDefinitionReferenceIDs {
		x.references = append(x.references, arm.Fold(r))
	}
	if p.ExpiresOn != nil {
		x.expires = *p.ExpiresOn
	}
	return x, nil
}
