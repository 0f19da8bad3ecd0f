package api_test

import (
	"testing"

	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/face/api/apitest"
)

// recordOf is metadata.rampart of an exemption.
func recordOf(a apitest.Answer) map[string]any {
	metadata, _ := a.Properties()["metadata"].(map[string]any)
	own, _ := metadata["rampart"].(map[string]any)
	return own
}

// waiverWith is a waiver of the built-in initiative with a record.
func waiverWith(s *apitest.Server, own, more map[string]any) map[string]any {
	properties := map[string]any{"policyAssignmentId": s.Sub() + authorization + "policyAssignments/SecurityCenterBuiltIn", "exemptionCategory": "Waiver"}
	if own != nil {
		properties["metadata"] = map[string]any{"rampart": own, "mine": "kept"}
	}
	for k, v := range more {
		properties[k] = v
	}
	return object(properties)
}

func TestExemptionIsRequestedAndApproved(t *testing.T) {
	s := apitest.New(t)
	s.Estate()
	asker := newPrincipal(t, s, "asker", "Resource Policy Contributor", s.Sub())
	admin := newPrincipal(t, s, "admin", "Security Admin", s.Sub())
	path := s.Vault() + authorization + "policyExemptions/e"
	put := func(token string, own, more map[string]any) apitest.Answer {
		t.Helper()
		a := s.Do(apitest.Call{Method: "PUT", Path: path, Body: waiverWith(s, own, more), Token: token})
		if a.Status != 200 && a.Status != 201 {
			t.Fatalf("%d %s", a.Status, a.Raw)
		}
		return a
	}
	decide := func(verb, token string) apitest.Call {
		return apitest.Call{Method: "POST", Path: path + "/" + verb, Token: token, Body: "{}"}
	}

	// The asker cannot say who approved it.
	forged := map[string]any{"state": "requested", "approvedBy": "the boss", "approvedAt": "2026-01-01T00:00:00Z", "requestedBy": "somebody", "ticket": " SEC-7 ", "reopenOnChange": true}
	own := recordOf(put(asker, forged, nil))
	if own["state"] != "requested" || own["requestedBy"] != "asker" || own["approvedBy"] != nil || own["ticket"] != "SEC-7" || own["reopenOnChange"] != true || own["basedAt"] == nil {
		t.Fatalf("record %v", own)
	}
	forged["state"] = "approved"
	if own = recordOf(put(asker, forged, map[string]any{"displayName": "another name"})); own["state"] != "requested" || own["approvedBy"] != nil {
		t.Fatalf("the same terms again: record %v", own)
	}
	s.Fails(403, "AuthorizationFailed", decide("approve", asker))

	a := s.Want(200, decide("approve", admin))
	if own = recordOf(a); own["state"] != "approved" || own["approvedBy"] != "admin" || own["approvedAt"] == nil || own["requestedBy"] != "asker" {
		t.Fatalf("approved: record %v", own)
	}
	s.Fails(409, "ExemptionAlreadyApproved", decide("approve", admin))
	s.Fails(409, "ExemptionAlreadyApproved", decide("reject", admin))

	// Words and a ticket do not end the approval, other terms do.
	if own = recordOf(put(asker, map[string]any{"ticket": "SEC-8", "reopenOnChange": true}, map[string]any{"description": "why"})); own["approvedBy"] != "admin" || own["ticket"] != "SEC-8" {
		t.Errorf("other words: record %v", own)
	}
	if own = recordOf(put(asker, nil, nil)); own["approvedBy"] != "admin" || own["ticket"] != "SEC-8" {
		t.Errorf("a client that knows nothing of it took the record away: %v", own)
	}
	if own = recordOf(put(asker, nil, map[string]any{"expiresOn": "2099-01-01T00:00:00Z"})); own["state"] != "requested" || own["approvedBy"] != nil {
		t.Errorf("other terms: record %v", own)
	}
	if own = recordOf(s.Want(200, decide("reject", admin))); own["state"] != "rejected" || own["rejectedBy"] != "admin" {
		t.Errorf("rejected: record %v", own)
	}
	s.Fails(409, "ExemptionRejected", decide("approve", admin))
	s.Fails(409, "ExemptionNotInForce", decide("renew", admin))
	s.Fails(404, "ResourceNotFound", apitest.Call{Method: "POST", Path: path + "none/approve", Token: admin, Body: "{}"})

	var actions []string
	if err := s.DB.View(t.Context(), func(tx *store.Tx) error {
		rows, err := tx.AuditRows(t.Context(), store.AuditQuery{})
		for _, r := range rows {
			if r.Target == path {
				actions = append(actions, r.Actor+" "+r.Action[len("Microsoft.Authorization/policyExemptions/"):])
			}
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	want := []string{"admin reject/action", "asker write", "asker write", "asker write", "admin approve/action", "asker write", "asker write"}
	if len(actions) != len(want) {
		t.Fatalf("audit trail %q", actions)
	}
	for i := range want {
		if actions[i] != want[i] {
			t.Errorf("audit row %d is %q, want %q", i, actions[i], want[i])
		}
	}
}

func TestExemptionRules(t *testing.T) {
	s := apitest.New(t)
	s.Estate()
	asker := newPrincipal(t, s, "asker", "Resource Policy Contributor", s.Sub())
	admin := newPrincipal(t, s, "admin", "Security Admin", s.Sub())
	path := s.Vault() + authorization + "policyExemptions/"
	put := func(name, token string, own map[string]any) map[string]any {
		t.Helper()
		return recordOf(s.Want(201, apitest.Call{Method: "PUT", Path: path + name, Body: waiverWith(s, own, nil), Token: token}))
	}
	if own := put("plain", asker, nil); own != nil {
		t.Errorf("without rules a plain exemption got the record %v", own)
	}
	rules := apitest.Call{Method: "PUT", Path: "/rampart/v1/exemption-rules", Body: map[string]any{"approvalRequired": true}}
	rules.Token = admin
	s.Fails(403, "AuthorizationFailed", rules)
	rules.Token = ""
	s.Want(200, rules)
	if own := put("asked", asker, nil); own["state"] != "requested" {
		t.Errorf("approval required: record %v", own)
	}
	if own := put("admins", admin, nil); own["state"] != "approved" || own["approvedBy"] != "admin" {
		t.Errorf("approval required, written by who may approve: record %v", own)
	}
	rules.Body = map[string]any{"approvalRequired": true, "fourEyes": true}
	s.Want(200, rules)
	if own := put("own", admin, nil); own["state"] != "requested" {
		t.Errorf("four eyes: record %v", own)
	}
	s.Fails(403, "ApproverIsRequester", apitest.Call{Method: "POST", Path: path + "own/approve", Token: admin, Body: "{}"})
	s.Want(200, apitest.Call{Method: "POST", Path: path + "own/approve", Body: "{}"})
	if got := s.Want(200, apitest.Call{Method: "GET", Path: "/rampart/v1/exemption-rules"}); got.Body["fourEyes"] != true {
		t.Errorf("rules are %s", got.Raw)
	}
}

// TestDecisionsThatCannotBe refuses each with one clear error.
func TestDecisionsThatCannotBe(t *testing.T) {
	s := apitest.New(t)
	s.Estate()
	asker := newPrincipal(t, s, "asker", "Resource Policy Contributor", s.Sub())
	path := s.Vault() + authorization + "policyExemptions/"
	approve := func(name string) apitest.Call {
		return apitest.Call{Method: "POST", Path: path + name + "/approve", Body: "{}"}
	}
	put := func(name string, own, more map[string]any) apitest.Answer {
		t.Helper()
		return s.Want(201, apitest.Call{Method: "PUT", Path: path + name, Body: waiverWith(s, own, more), Token: asker})
	}
	put("plain", nil, nil)
	s.Fails(409, "ExemptionNotRequested", approve("plain"))
	s.Fails(409, "ExemptionDoesNotReopen", apitest.Call{Method: "POST", Path: path + "plain/renew", Body: "{}"})

	// Two who decide at once: the second has not seen what the first did.
	etag, _ := put("two", map[string]any{"state": "requested"}, nil).Body["etag"].(string)
	s.Want(200, apitest.Call{Method: "PUT", Path: path + "two", Body: waiverWith(s, map[string]any{"ticket": "T"}, nil), Token: asker})
	stale := approve("two")
	stale.Header = map[string]string{"If-Match": `"` + etag + `"`}
	s.Fails(412, "PreconditionFailed", stale)

	// The assignment goes while the request waits.
	def, assignment := s.Sub()+authorization+"policyDefinitions/d", s.Sub()+authorization+"policyAssignments/gone"
	s.Want(201, apitest.Call{Method: "PUT", Path: def, Body: object(map[string]any{"policyRule": map[string]any{
		"if": map[string]any{"field": "location", "equals": "x"}, "then": map[string]any{"effect": "audit"}}})})
	s.Want(201, apitest.Call{Method: "PUT", Path: assignment, Body: object(map[string]any{"policyDefinitionId": def})})
	put("orphan", map[string]any{"state": "requested"}, map[string]any{"policyAssignmentId": assignment})
	s.Want(204, apitest.Call{Method: "DELETE", Path: assignment})
	s.Fails(400, "PolicyAssignmentNotFound", approve("orphan"))

	// Who asked is gone: the request stands, and can be approved.
	put("widow", map[string]any{"state": "requested"}, nil)
	s.Want(204, apitest.Call{Method: "DELETE", Path: s.Sub() + authorization + "roleAssignments/asker"})
	if own := recordOf(s.Want(200, approve("widow"))); own["requestedBy"] != "asker" || own["state"] != "approved" {
		t.Errorf("record %v", own)
	}

	for name, more := range map[string]map[string]any{
		"noValues":    {"resourceSelectors": []any{map[string]any{"name": "s", "selectors": []any{map[string]any{"kind": "resourceType"}}}}},
		"noCondition": {"resourceSelectors": []any{map[string]any{"name": "s"}}},
		"kind":        {"resourceSelectors": []any{map[string]any{"name": "s", "selectors": []any{map[string]any{"kind": "colour", "in": []string{"red"}}}}}},
	} {
		t.Run(name, func(t *testing.T) {
			a := s.Do(apitest.Call{Method: "PUT", Path: path + "bad", Body: waiverWith(s, nil, more)})
			if a.Status != 400 {
				t.Errorf("%d %s", a.Status, a.Raw)
			}
		})
	}
	for name, own := range map[string]map[string]any{"ticket": {"ticket": 7}, "reopen": {"reopenOnChange": "yes"}, "state": {"state": "granted"}} {
		t.Run(name, func(t *testing.T) {
			s.Fails(400, "InvalidRequestContent", apitest.Call{Method: "PUT", Path: path + "bad", Body: waiverWith(s, own, nil)})
		})
	}
}
