package exemption

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/base/access"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// The actions of an exemption. Whoever may write one need not be allowed to
// approve it.
const (
	ActionWrite   = "Microsoft.Authorization/policyExemptions/write"
	ActionApprove = "Microsoft.Authorization/policyExemptions/approve/action"
	ActionReject  = "Microsoft.Authorization/policyExemptions/reject/action"
	ActionRules   = "Microsoft.Authorization/exemptionRules/write"
)

// Write is one exemption about to be stored.
type Write struct {
	By            access.Principal
	Scope         string // ARM id of what is exempted
	Rules         Rules
	At            time.Time
	Before, After map[string]any // properties; Before is nil for a new one
}

// Settle completes After by what only the server may say. An exemption of which
// nobody asks more is in force at once, as clients expect. It waits for approval
// if the tenant demands that, if the writer asks for it (state "requested"), or
// if it was under approval before and its terms are others now. What is wrong
// with it is an *arm.Error.
func (w Write) Settle() error {
	given, asked := block(w.After), false
	own := map[string]any{}
	if given == nil {
		maps.Copy(own, block(w.Before)) // clients that know nothing of it do not take it away
	} else {
		maps.Copy(own, given)
		asked = given["state"] == policy.ExemptionRequested
	}
	if err := checkOwn(own); err != nil {
		return err
	}
	for _, name := range serverOwned {
		delete(own, name)
		if before, ok := block(w.Before)[name]; ok {
			own[name] = before
		}
	}
	if w.Before == nil || !sameTerms(w.Before, w.After, own) {
		w.enter(own, asked)
	}
	if given == nil && block(w.Before) == nil && own["state"] == nil {
		clear(own) // who knows nothing of the record gets none without need
	}
	setBlock(w.After, own)
	return nil
}

// enter begins the life of new terms.
func (w Write) enter(own map[string]any, asked bool) {
	under := own["state"] != nil
	for _, name := range serverOwned {
		delete(own, name)
	}
	own["basedAt"] = w.At.UTC().Format(time.RFC3339Nano)
	own["requestedBy"], own["requestedById"], own["requestedAt"] = w.By.Name, w.By.ID, w.At.UTC().Format(time.RFC3339)
	switch {
	case !w.Rules.ApprovalRequired && !asked && !under:
	case asked || w.Rules.FourEyes || w.By.Allow(ActionApprove, w.Scope) != nil:
		own["state"] = policy.ExemptionRequested
	default:
		approve(own, w.By, w.At)
	}
}

func approve(own map[string]any, by access.Principal, at time.Time) {
	own["state"] = policy.ExemptionApproved
	own["approvedBy"], own["approvedAt"] = by.Name, at.UTC().Format(time.RFC3339)
}

// checkOwn refuses what a client's part of the record may not be.
func checkOwn(own map[string]any) error {
	for name, want := range map[string]string{"ticket": "a text", "reopenOnChange": "true or false"} {
		v, given := own[name]
		_, text := v.(string)
		_, flag := v.(bool)
		if given && (name == "ticket" && !text || name == "reopenOnChange" && !flag) {
			return invalidAt("metadata.rampart."+name, "It must be %s.", want)
		}
	}
	ticket, _ := own["ticket"].(string)
	if ticket = strings.TrimSpace(ticket); len(ticket) > maxTicket {
		return invalidAt("metadata.rampart.ticket", "It is longer than %d characters.", maxTicket)
	}
	if _, given := own["ticket"]; given {
		own["ticket"] = ticket
	}
	if state, given := own["state"]; given && !slices.Contains([]any{"", policy.ExemptionRequested, policy.ExemptionApproved, policy.ExemptionRejected}, state) {
		return invalidAt("metadata.rampart.state", "A client can only write %q, to ask for approval.", policy.ExemptionRequested)
	}
	return nil
}

func invalidAt(property, format string, args ...any) error {
	e := arm.Invalid(format, args...)
	e.Target = "properties." + property
	return e
}

// sameTerms reports whether nothing differs but words: name, description,
// ticket and other metadata.
func sameTerms(before, after, own map[string]any) bool {
	return reopens(block(before)) == reopens(own) && reflect.DeepEqual(terms(before), terms(after))
}

func reopens(own map[string]any) bool { b, _ := own["reopenOnChange"].(bool); return b }

// terms are the deciding properties in one form, however they were decoded.
func terms(properties map[string]any) any {
	deciding := map[string]any{}
	for name, v := range properties {
		if v != nil && name != "displayName" && name != "description" && name != "metadata" {
			deciding[name] = v
		}
	}
	b, err := json.Marshal(deciding)
	if err != nil {
		return fmt.Sprint(deciding) // decoded JSON can be encoded
	}
	var out any
	_ = json.Unmarshal(b, &out) // it was encoded just now
	return out
}
