package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/face/api/apitest"
)

// failing is a recommendation that a resource of the sample estate fails.
func failing(t *testing.T, s *apitest.Server, resource string) string {
	t.Helper()
	for _, x := range s.List(resource + security + "assessments") {
		status, _ := x["properties"].(map[string]any)["status"].(map[string]any)
		if status["code"] == "Unhealthy" {
			return x["name"].(string)
		}
	}
	t.Fatalf("nothing is unhealthy on %s", resource)
	return ""
}

func assignments(scope, recommendation string) string {
	return scope + security + "assessments/" + recommendation + "/governanceAssignments"
}

func wish(owner string, due time.Time, more ...any) map[string]any {
	p := map[string]any{"owner": owner, "remediationDueDate": due.UTC().Format(time.RFC3339)}
	for i := 0; i+1 < len(more); i += 2 {
		p[more[i].(string)] = more[i+1]
	}
	return object(p)
}

func eta(at time.Time) map[string]any {
	return map[string]any{"eta": at.UTC().Format(time.RFC3339), "justification": "the vendor ships then"}
}

// eventually waits for the one assignment listed at a place.
func eventually(t *testing.T, s *apitest.Server, path string, holds func(map[string]any) bool) {
	t.Helper()
	apitest.Eventually(t, path, func() bool {
		all := s.List(path)
		return len(all) == 1 && holds(all[0]["properties"].(map[string]any))
	})
}

// newOwner is a reader with a way to sign in again.
func newOwner(t *testing.T, s *apitest.Server, name string) (token string, again func() string) {
	t.Helper()
	made := s.Want(http.StatusCreated, apitest.Call{Method: "POST", Path: "/rampart/v1/principals", Body: map[string]any{"kind": "service", "name": name}}).Body
	id, secret := made["clientId"].(string), made["clientSecret"].(string)
	s.Want(http.StatusCreated, apitest.Call{Method: "PUT", Path: s.Sub() + authorization + "roleAssignments/" + name,
		Body: object(map[string]any{"principalId": id, "roleDefinitionId": "Reader"})})
	again = func() string { return s.SignIn(id, secret) }
	return again(), again
}

func ruleOf(owner, severities, priority string) string {
	return `{"properties":{"displayName":"All in a week","rulePriority":` + priority + `,"remediationTimeframe":"7.00:00:00","ownerSource":{"type":"Manually","value":"` + owner + `"},
		"conditionSets":[{"conditions":[{"property":"$.Metadata.severity","operator":"In","value":"` + severities + `"}]}]}}`
}

const everySeverity = `[\"Low\",\"Medium\",\"High\",\"Critical\"]`

func TestAssignmentOfPeopleAndRules(t *testing.T) {
	s := apitest.New(t)
	s.Estate()
	rec := failing(t, s, s.Vault())
	path := assignments(s.Vault(), rec)
	rule := s.Sub() + security + "governanceRules/all"
	s.Want(201, apitest.Call{Method: "PUT", Path: rule, Body: ruleOf("rule@example.org", everySeverity, "100")})
	byRule := func(p map[string]any) bool {
		return p["owner"] == "rule@example.org" && p["governanceRuleName"] == "All in a week" && p["status"] == "onTime"
	}
	eventually(t, s, path, byRule)
	// A person's word wins, wherever it is kept; its end gives the rule its task back.
	due := s.Now().Add(72 * time.Hour)
	s.Want(201, apitest.Call{Method: "PUT", Path: path + "/by-hand", Body: wish("Ana@example.org", due)})
	byHand := func(p map[string]any) bool {
		return p["owner"] == "Ana@example.org" && p["governanceRuleId"] == nil && p["assignedBy"] != nil
	}
	eventually(t, s, path, byHand)
	s.Want(204, apitest.Call{Method: "DELETE", Path: path + "/by-hand"})
	s.Want(404, apitest.Call{Method: "GET", Path: path + "/by-hand"})
	eventually(t, s, path, byRule)
	// What a rule gave is found under the rule's name and cannot be deleted alone.
	s.Get(path + "/ALL")
	s.Fails(409, "AssignedElsewhere", apitest.Call{Method: "DELETE", Path: path + "/all"})
	// In bulk, at a wider scope; one assignment a scope.
	bulk := assignments(s.Sub(), rec)
	s.Want(201, apitest.Call{Method: "PUT", Path: bulk + "/one", Body: wish("Ana@example.org", due)})
	s.Want(201, apitest.Call{Method: "PUT", Path: bulk + "/two", Body: wish("Bo@example.org", due)})
	s.Want(404, apitest.Call{Method: "GET", Path: bulk + "/one"})
	eventually(t, s, path, func(p map[string]any) bool { return p["owner"] == "Bo@example.org" })
	// A rule fills what nobody has; told to override it takes what was assigned.
	s.Want(202, apitest.Call{Method: "POST", Path: rule + "/execute", Body: `{"override":false}`})
	s.Want(202, apitest.Call{Method: "POST", Path: rule + "/execute", Body: `{"override":true}`})
	eventually(t, s, path, byRule)
	s.Want(200, apitest.Call{Method: "PUT", Path: rule, Body: ruleOf("rule@example.org", everySeverity, "90")})
	eventually(t, s, path, byRule)
	// A deleted rule keeps what it had assigned.
	s.Want(204, apitest.Call{Method: "DELETE", Path: rule})
	apitest.Eventually(t, "the report tells that the rule was deleted", func() bool {
		return slices.ContainsFunc(s.List("/rampart/v1/governance/report?scope="+s.Sub()), func(row map[string]any) bool {
			return row["rule"] == "All in a week" && row["ruleIsDeleted"] == true && row["onTime"].(float64) > 0
		})
	})
	eventually(t, s, path, byRule)
	if csv := string(s.Get("/rampart/v1/governance/report?format=csv&scope=" + s.Sub()).Raw); !strings.Contains(csv, "rule@example.org,false,") {
		t.Errorf("report as CSV:\n%s", csv)
	}
}

func TestPromise(t *testing.T) {
	s := apitest.New(t)
	s.Estate()
	rec := failing(t, s, s.Vault())
	path := assignments(s.Vault(), rec)
	due := s.Now().Add(20 * time.Hour).Truncate(time.Second)
	other := newPrincipal(t, s, "other", "Reader", s.Sub())
	ana, again := newOwner(t, s, "ana")
	s.Want(201, apitest.Call{Method: "PUT", Path: path + "/k", Body: wish("ANA", due, "additionalData", map[string]any{"ticketNumber": 7})})
	eventually(t, s, path, func(p map[string]any) bool { return p["owner"] == "ANA" })
	late := eta(due.Add(24 * time.Hour))
	// The owner may promise, and nothing else; nobody else may without the role.
	s.Fails(403, "AuthorizationFailed", apitest.Call{Method: "PUT", Path: path + "/k", Token: other, Body: wish("ana", due, "remediationEta", late)})
	s.Fails(403, "AuthorizationFailed", apitest.Call{Method: "PUT", Path: path + "/k", Token: ana, Body: wish("ana", due.Add(time.Hour), "remediationEta", late)})
	s.Fails(403, "AuthorizationFailed", apitest.Call{Method: "PUT", Path: path + "/k", Token: ana, Body: wish("ana", due, "additionalData", map[string]any{"ticketNumber": 8})})
	p := s.Want(200, apitest.Call{Method: "PUT", Path: path + "/k", Token: ana, Body: wish("ana", due, "remediationEta", late)}).Properties()
	if p["etaIsLate"] != true || p["remediationDueDate"] != due.UTC().Format(time.RFC3339) || p["etaSetBy"] != "ana" || p["owner"] != "ANA" {
		t.Errorf("after the promise: %v", p)
	}
	if more, _ := p["additionalData"].(map[string]any); more["ticketNumber"] != 7.0 {
		t.Errorf("the promise lost the ticket: %v", p)
	}
	eventually(t, s, path, func(p map[string]any) bool { return p["etaIsLate"] == true })
	// It can be taken back, and ends with the assignment that it was made for.
	p = s.Want(200, apitest.Call{Method: "PUT", Path: path + "/k", Token: ana, Body: wish("ana", due)}).Properties()
	if p["remediationEta"] != nil {
		t.Errorf("a promise that was taken back: %v", p)
	}
	// One whose due date has passed may still be promised.
	s.Advance(21 * time.Hour)
	s.Token, ana = s.SignIn(s.Facts.ClientID, s.Facts.ClientSecret), again()
	s.Put("", s.Sub()) // wakes the judge, whose clock did not tick
	eventually(t, s, path, func(p map[string]any) bool { return p["status"] == "overdue" })
	p = s.Want(200, apitest.Call{Method: "PUT", Path: path + "/k", Token: ana, Body: wish("ana", due, "remediationEta", eta(s.Now().Add(time.Hour)))}).Properties()
	if p["etaIsLate"] != true {
		t.Errorf("a promise after the due date: %v", p)
	}
}

// TestPromiseForRule promises a date for what a rule assigned: the rule keeps its
// task, and what hangs on the promise goes with it.
func TestPromiseForRule(t *testing.T) {
	s := apitest.New(t)
	s.Estate()
	rec := failing(t, s, s.Vault())
	path := assignments(s.Vault(), rec)
	ana, _ := newOwner(t, s, "ana")
	s.Want(201, apitest.Call{Method: "PUT", Path: s.Sub() + security + "governanceRules/r", Body: ruleOf("ana", everySeverity, "1")})
	eventually(t, s, path, func(p map[string]any) bool { return p["owner"] == "ana" })
	given := s.Get(path + "/r")
	due, err := time.Parse(time.RFC3339, given.Properties()["remediationDueDate"].(string))
	if err != nil {
		t.Fatal(err)
	}
	tag := given.Header.Get("ETag")
	s.Fails(412, "PreconditionFailed", apitest.Call{Method: "PUT", Path: path + "/r", Token: ana, Body: wish("ana", due, "remediationEta", eta(due)), Header: map[string]string{"If-Match": "v0"}})
	p := s.Want(201, apitest.Call{Method: "PUT", Path: path + "/r", Token: ana, Body: wish("ana", due, "remediationEta", eta(due.Add(-time.Hour))), Header: map[string]string{"If-Match": tag}}).Properties()
	if p["etaIsLate"] != false || p["governanceRuleName"] != "All in a week" {
		t.Errorf("after the promise: %v", p)
	}
	s.Fails(412, "PreconditionFailed", apitest.Call{Method: "PUT", Path: path + "/r", Token: ana, Body: wish("ana", due, "remediationEta", eta(due)), Header: map[string]string{"If-Match": tag}})
	eventually(t, s, path, func(p map[string]any) bool {
		return p["etaSetBy"] == "ana" && p["governanceRuleName"] == "All in a week"
	})
	s.Want(204, apitest.Call{Method: "DELETE", Path: path + "/r"})
	eventually(t, s, path, func(p map[string]any) bool { return p["remediationEta"] == nil && p["owner"] == "ana" })
}

func TestAssignmentRefuses(t *testing.T) {
	s := apitest.New(t)
	s.Estate()
	rec := failing(t, s, s.Vault())
	path := assignments(s.Vault(), rec) + "/k"
	due := s.Now().Add(72 * time.Hour)
	put := func(status int, code, path string, body any) {
		t.Helper()
		s.Fails(status, code, apitest.Call{Method: "PUT", Path: path, Body: body})
	}
	put(400, "InvalidRequestContent", path, wish("", due))
	put(400, "InvalidRequestContent", path, wish(strings.Repeat("x", 257), due))
	put(400, "InvalidRequestContent", path, wish("ana", s.Now().Add(-time.Minute)))
	put(400, "InvalidRequestContent", path, `{"properties":{"owner":"ana"}}`)
	put(400, "InvalidRequestContent", path, wish("ana", due, "remediationEta", eta(s.Now().Add(-time.Minute))))
	put(400, "InvalidRequestContent", path, wish("ana", due, "remediationEta", map[string]any{"eta": due}))
	put(404, "ResourceNotFound", assignments(s.Vault(), "00000000-0000-0000-0000-000000000001")+"/k", wish("ana", due))
	put(404, "ResourceNotFound", assignments(s.Vault()+"x", rec)+"/k", wish("ana", due))

	first := s.Want(201, apitest.Call{Method: "PUT", Path: path, Body: wish("ana", due)})
	tag := first.Header.Get("ETag")
	s.Fails(412, "PreconditionFailed", apitest.Call{Method: "PUT", Path: path, Body: wish("bo", due), Header: map[string]string{"If-None-Match": "*"}})
	s.Want(200, apitest.Call{Method: "PUT", Path: path, Body: wish("bo", due), Header: map[string]string{"If-Match": tag}})
	s.Fails(412, "PreconditionFailed", apitest.Call{Method: "PUT", Path: path, Body: wish("cy", due), Header: map[string]string{"If-Match": tag}})
	s.Fails(412, "PreconditionFailed", apitest.Call{Method: "DELETE", Path: path, Header: map[string]string{"If-Match": tag}})

	rule := s.Sub() + security + "governanceRules/"
	s.Want(201, apitest.Call{Method: "PUT", Path: rule + "a", Body: ruleOf("ana", everySeverity, "5")})
	put(409, "GovernanceRuleConflict", rule+"b", ruleOf("bo", `[\"High\"]`, "5"))
	s.Want(201, apitest.Call{Method: "PUT", Path: rule + "b", Body: ruleOf("bo", `[\"High\"]`, "6")})
	s.Want(200, apitest.Call{Method: "PUT", Path: rule + "a", Body: ruleOf("ana", everySeverity, "5")})
}

// TestGoneOwner deletes the principal that owns a task.
func TestGoneOwner(t *testing.T) {
	s := apitest.New(t)
	s.Estate()
	rec := failing(t, s, s.Vault())
	path := assignments(s.Vault(), rec)
	made := s.Want(http.StatusCreated, apitest.Call{Method: "POST", Path: "/rampart/v1/principals", Body: map[string]any{"kind": "service", "name": "ana"}}).Body
	id, secret := made["clientId"].(string), made["clientSecret"].(string)
	s.Want(201, apitest.Call{Method: "PUT", Path: path + "/k", Body: wish("ana", s.Now().Add(time.Hour))})
	status := func(status string, gone any) {
		t.Helper()
		eventually(t, s, path, func(p map[string]any) bool { return p["status"] == status && p["ownerIsGone"] == gone })
	}
	status("onTime", nil)
	s.Want(204, apitest.Call{Method: "POST", Path: "/rampart/v1/principals/" + id + "/revoke"})
	status("unassigned", true)
	s.SignIn(id, secret)
	status("onTime", nil)
	s.Want(204, apitest.Call{Method: "DELETE", Path: "/rampart/v1/principals/" + id})
	status("unassigned", true)
	s.Fails(404, "ResourceNotFound", apitest.Call{Method: "DELETE", Path: "/rampart/v1/principals/" + id})
	s.Want(http.StatusCreated, apitest.Call{Method: "POST", Path: "/rampart/v1/principals", Body: map[string]any{"kind": "service", "name": "ana"}})
	status("onTime", nil)
	s.Want(204, apitest.Call{Method: "DELETE", Path: "/rampart/v1/principals/" + s.Facts.UserID})
	s.Fails(409, "LastOwner", apitest.Call{Method: "DELETE", Path: "/rampart/v1/principals/" + s.Facts.ClientID})
	var rows []store.AuditRow
	err := s.DB.View(t.Context(), func(tx *store.Tx) (err error) {
		rows, err = tx.AuditRows(t.Context(), store.AuditQuery{})
		return err
	})
	if err != nil || !slices.ContainsFunc(rows, func(r store.AuditRow) bool {
		return r.Action == "Microsoft.Security/assessments/governanceAssignments/write" && strings.HasSuffix(r.Target, "/governanceAssignments/k") && len(r.Detail) > 0
	}) {
		t.Errorf("audit %+v, %v", rows, err)
	}
}

// TestCompletedTask heals a resource and counts its task as done.
func TestCompletedTask(t *testing.T) {
	s := apitest.New(t)
	s.Estate()
	before := s.List("/rampart/v1/governance/report?scope=" + s.Sub())
	if len(before) != 1 || before[0]["assignedBy"] != "nobody" || before[0]["unassigned"].(float64) == 0 {
		t.Errorf("report before anything is assigned: %v", before)
	}
	s.Want(201, apitest.Call{Method: "PUT", Path: s.Sub() + security + "governanceRules/all", Body: ruleOf("ana@example.org", everySeverity, "1")})
	row := func(holds func(map[string]any) bool) {
		t.Helper()
		apitest.Eventually(t, "the report", func() bool {
			return slices.ContainsFunc(s.List("/rampart/v1/governance/report?scope="+s.Sub()), holds)
		})
	}
	row(func(r map[string]any) bool { return r["owner"] == "ana@example.org" && r["onTime"].(float64) > 1 })
	s.Heal()
	row(func(r map[string]any) bool { return r["owner"] == "ana@example.org" && r["completed"].(float64) > 0 })
}

// TestAssignmentTwoEditsAtOnce lets several clients edit what they all have read: one wins
// and the others are told.
func TestAssignmentTwoEditsAtOnce(t *testing.T) {
	s := apitest.New(t)
	s.Estate()
	path := assignments(s.Vault(), failing(t, s, s.Vault())) + "/k"
	due := s.Now().Add(72 * time.Hour)
	tag := s.Want(201, apitest.Call{Method: "PUT", Path: path, Body: wish("nobody yet", due)}).Header.Get("ETag")
	codes := make(chan int, 8)
	for i := range cap(codes) {
		go func() {
			codes <- s.Do(apitest.Call{Method: "PUT", Path: path, Body: wish(strings.Repeat("x", i+1), due), Header: map[string]string{"If-Match": tag}}).Status
		}()
	}
	got := map[int]int{}
	for range cap(codes) {
		got[<-codes]++
	}
	if got[200] != 1 || got[412] != cap(codes)-1 {
		t.Errorf("statuses %v, want one 200 and the others 412", got)
	}
}
