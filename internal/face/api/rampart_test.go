package api_test

import (
	"bytes"
	"encoding/csv"
	"math"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/face/api/apitest"
)

func TestHealthNeedsNoToken(t *testing.T) {
	s := apitest.New(t)
	for _, path := range []string{"/rampart/v1/health", "/rampart/v1/ready"} {
		if a := s.Plain(path); a.Status != 200 || a.Body["version"] != "test" {
			t.Errorf("%s: %d %s", path, a.Status, a.Raw)
		}
	}
}

// TestImportTakesTheGoodLines: one bad line fails alone, with its number.
func TestImportTakesTheGoodLines(t *testing.T) {
	s := apitest.New(t)
	id := s.Sub() + "/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/v"
	lines := []string{
		`{"id":"` + id + `1","type":"Microsoft.KeyVault/vaults","properties":{}}`,
		`{"id":"not an id","type":"x"}`,
		`{"id":"` + id + `2","type":"Microsoft.KeyVault/vaults","properties":{}}`,
		`{"id":`,
	}
	a := s.Want(200, apitest.Call{Method: "POST", Path: "/rampart/v1/import", Body: strings.Join(lines, "\n")})
	if a.Body["created"] != 2.0 || a.Body["rejectedTotal"] != 2.0 {
		t.Fatalf("%s", a.Raw)
	}
	for i, want := range []float64{2, 4} {
		if r := a.Body["rejected"].([]any)[i].(map[string]any); r["line"] != want || r["reason"] == "" {
			t.Errorf("rejection %v, want line %v", r, want)
		}
	}
	s.Get(id + "2")
}

// TestImportedSubscriptionIsRegistered: a subscription that nobody set up is
// judged as soon as it is asked for.
func TestImportedSubscriptionIsRegistered(t *testing.T) {
	s := apitest.New(t)
	const sub = "/subscriptions/11111111-2222-3333-4444-555555555555"
	s.Put("", sub)
	a := s.Want(200, apitest.Call{Method: "POST", Path: sub + security + "register"})
	if a.Body["registrationState"] != "Registered" {
		t.Errorf("%s", a.Raw)
	}
	s.Judged("", sub+"/resourceGroups/Web/providers/Microsoft.KeyVault/vaults/Secrets")
	if tier := s.Get(sub + security + "pricings/Arm").Properties()["pricingTier"]; tier != "Free" {
		t.Errorf("tier %v", tier)
	}
}

// TestImportOfNoSubscription: a row whose subscription is no GUID is told with its
// line, the rest lands, and no such subscription is listed.
func TestImportOfNoSubscription(t *testing.T) {
	s := apitest.New(t)
	s.Estate()
	const kind = "/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/"
	lines := `{"id":"` + s.Sub() + kind + `good","properties":{}}` + "\n" + `{"id":"/subscriptions/nope` + kind + `bad","properties":{}}` + "\n"
	a := s.Want(200, apitest.Call{Method: "POST", Path: "/rampart/v1/import", Body: lines})
	want := `"rejected":[{"line":2,"id":"/subscriptions/nope` + kind + `bad","reason":"its subscription \"nope\" is not a GUID"}],"rejectedTotal":1`
	if a.Body["created"] != 1.0 || !strings.Contains(string(a.Raw), want) {
		t.Errorf("%s, want %s", a.Raw, want)
	}
	s.Judged("", s.Sub()+kind+"good")
	for _, x := range s.List("/subscriptions") {
		if x["subscriptionId"] == "nope" {
			t.Errorf("it is listed: %v", x)
		}
	}
}

// TestImportOfTemplate: a template lands where the options say, and where nobody
// says the answer tells what was assumed.
func TestImportOfTemplate(t *testing.T) {
	s := apitest.New(t)
	const in = `{"$schema":"https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#","contentVersion":"1.0.0.0",
	"resources":[{"type":"Microsoft.Storage/storageAccounts","apiVersion":"2023-01-01","name":"open","properties":{"supportsHttpsTrafficOnly":false}}]}`
	send := func(options string) apitest.Call {
		return apitest.Call{Method: "POST", Path: "/rampart/v1/import" + options, Body: in}
	}
	a := s.Want(200, send("?subscription="+s.Facts.SubscriptionID+"&resourceGroup=rg"))
	if want := `"template":{"resourceGroup":"` + s.Sub() + `/resourceGroups/rg","assumed":false}`; !strings.Contains(string(a.Raw), want) {
		t.Errorf("%s, want %s", a.Raw, want)
	}
	s.Judged("", s.Sub()+"/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/open")
	a = s.Want(200, send(""))
	if want := `"template":{"resourceGroup":"/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/template","assumed":true}`; !strings.Contains(string(a.Raw), want) {
		t.Errorf("%s, want %s", a.Raw, want)
	}
	s.Fails(400, "InvalidSubscriptionId", send("?subscription=nope&resourceGroup=rg"))
	s.Fails(400, "InvalidRequestContent", send("?resourceGroup=rg"))
	s.Fails(400, "InvalidRequestContent", send("?subscription="+s.Facts.SubscriptionID+"&resourceGroup=a%2Fb"))
}

// TestProviders: a namespace lists each type once, whatever its case, with those
// it lies in, of what is stored and of what the product knows.
func TestProviders(t *testing.T) {
	s := apitest.New(t)
	s.Estate()
	const lone = "/resourceGroups/rg/providers/microsoft.Odd/things/a/parts/b/bits/c"
	s.Want(200, apitest.Call{Method: "POST", Path: "/rampart/v1/import", Body: `{"id":"` + s.Sub() + lone + `","properties":{}}` + "\n" +
		`{"id":"` + s.Sub() + `/resourceGroups/rg/providers/microsoft.keyvault/VAULTS/b","properties":{}}`})
	apitest.Eventually(t, "the type is known", func() bool {
		return s.Do(apitest.Call{Method: "GET", Path: s.Sub() + "/providers/Microsoft.Odd"}).Status == 200
	})
	for namespace, want := range map[string]string{
		"Microsoft.Odd":      "things things/parts things/parts/bits",
		"microsoft.KEYVAULT": "vaults",
		"Microsoft.Sql":      "servers servers/databases", // nothing is stored of it
		"Microsoft.Security": "pricings assessments",
	} {
		seen := map[string]int{}
		for _, x := range s.Get(s.Sub() + "/providers/" + namespace).Body["resourceTypes"].([]any) {
			row := x.(map[string]any)
			seen[strings.ToLower(row["resourceType"].(string))]++
			versions := row["apiVersions"].([]any)
			if len(versions) == 0 || versions[0].(string) < "2025" || row["locations"] == nil {
				t.Errorf("%s: %v", namespace, row)
			}
		}
		for kind := range strings.FieldsSeq(want) {
			if seen[kind] != 1 {
				t.Errorf("%s lists %s %d times in %v", namespace, kind, seen[kind], seen)
			}
		}
	}
	s.Fails(404, "InvalidResourceNamespace", apitest.Call{Method: "GET", Path: s.Sub() + "/providers/Microsoft.None"})
	if all := s.List(s.Sub() + "/providers"); len(all) < 20 {
		t.Errorf("only %d namespaces", len(all))
	}
}

func TestExport(t *testing.T) {
	s := apitest.New(t)
	s.Estate()
	want := len(s.List(s.Sub() + security + "assessments"))
	scope := "?scope=" + url.QueryEscape(s.Sub())
	a := s.Want(200, apitest.Call{Method: "GET", Path: "/rampart/v1/export/assessments" + scope + "&format=csv"})
	rows, err := csv.NewReader(bytes.NewReader(a.Raw)).ReadAll()
	if err != nil || len(rows) != want+1 {
		t.Errorf("%d rows of CSV, want %d and a header: %v", len(rows), want, err)
	}
	a = s.Want(200, apitest.Call{Method: "GET", Path: "/rampart/v1/export/assessments" + scope})
	if n := bytes.Count(a.Raw, []byte("\n")); n != want {
		t.Errorf("%d lines of JSON, want %d", n, want)
	}
	s.Fails(400, "InvalidRequestContent", apitest.Call{Method: "GET", Path: "/rampart/v1/export/assessments?format=xls"})
}

// TestChanges reads why the score is what it is, page by page: the changes since
// before anything was known add up to the score.
func TestChanges(t *testing.T) {
	s := apitest.New(t)
	s.Estate()
	path := "/rampart/v1/history/changes?$top=3&scope=" + url.QueryEscape(s.Sub())
	changes, pages := s.Pages(path)
	sum := 0.0
	for _, c := range changes {
		sum += c["delta"].(float64)
	}
	points := s.List("/rampart/v1/history?points=1&scope=" + url.QueryEscape(s.Sub()))
	if len(points) != 1 || pages != (len(changes)+2)/3 {
		t.Fatalf("%d points, %d changes on %d pages", len(points), len(changes), pages)
	}
	score := points[0]["score"].(map[string]any)
	if math.Abs(sum-score["percentage"].(float64)) > 1e-3 || len(changes) == 0 {
		t.Errorf("%d changes add up to %v, the score is %v", len(changes), sum, score)
	}
	if c := changes[0]; c["resourceId"] == "" || c["cause"] != "resource changed" || c["from"] != "notApplicable" {
		t.Errorf("change = %v", c)
	}
	s.Fails(400, "InvalidRequestContent", apitest.Call{Method: "GET", Path: "/rampart/v1/history/changes?from=yesterday"})
	s.Fails(400, "InvalidRequestContent", apitest.Call{Method: "GET", Path: "/rampart/v1/history/changes?$skiptoken=bm9uZQ"})
}

func TestLinkIsAudited(t *testing.T) {
	s := apitest.New(t)
	a := s.Want(200, apitest.Call{Method: "POST", Path: "/rampart/v1/link", Body: "{}"})
	link, err := url.Parse(a.Body["url"].(string))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Access.Redeem(t.Context(), link.Query().Get("code"), true); err != nil {
		t.Errorf("the link does not sign in: %v", err)
	}
	err = s.DB.View(t.Context(), func(tx *store.Tx) error {
		rows, err := tx.AuditRows(t.Context(), store.AuditQuery{})
		if len(rows) == 0 || rows[0].Action != "Rampart/principals/link/action" || strings.Contains(string(rows[0].Detail)+rows[0].Target, link.Query().Get("code")) {
			t.Errorf("audit trail %+v", rows)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// newPrincipal makes a service principal with a role and returns its token.
func newPrincipal(t *testing.T, s *apitest.Server, name, role, scope string) string {
	t.Helper()
	a := s.Want(http.StatusCreated, apitest.Call{Method: "POST", Path: "/rampart/v1/principals", Body: map[string]any{"kind": "service", "name": name}})
	id, secret := a.Body["clientId"].(string), a.Body["clientSecret"].(string)
	s.Want(http.StatusCreated, apitest.Call{Method: "PUT", Path: scope + "/providers/Microsoft.Authorization/roleAssignments/" + name,
		Body: object(map[string]any{"principalId": id, "roleDefinitionId": role})})
	return s.SignIn(id, secret)
}

func TestRolesDecide(t *testing.T) {
	s := apitest.New(t)
	s.Estate()
	reader := newPrincipal(t, s, "reader", "Reader", s.Sub())
	admin := newPrincipal(t, s, "admin", "Security Admin", s.Vault())
	pricing, exempt := s.Sub()+security+"pricings/Arm", authorization+"policyExemptions/e"
	waiver := object(map[string]any{"policyAssignmentId": s.Sub() + authorization + "policyAssignments/SecurityCenterBuiltIn", "exemptionCategory": "Waiver"})
	tests := []struct {
		name, method, path, token string
		body                      any
		want                      int
	}{
		{"reader_reads", "GET", pricing, reader, nil, 200},
		{"reader_writes_not", "PUT", pricing, reader, `{"properties":{"pricingTier":"Free"}}`, 403},
		{"reader_imports_not", "POST", "/rampart/v1/import", reader, "", 403},
		{"reader_makes_no_link", "POST", "/rampart/v1/link", reader, "{}", 403},
		{"reader_exports", "GET", "/rampart/v1/export/assessments?scope=" + s.Sub(), reader, nil, 200},
		{"reader_exports_not_all", "GET", "/rampart/v1/export/assessments", reader, nil, 403},
		{"admin_of_vault_exempts_it", "PUT", s.Vault() + exempt, admin, waiver, 201},
		{"admin_of_vault_exempts_no_other", "PUT", s.Storage() + exempt, admin, waiver, 403},
		{"admin_of_vault_reads_not_all", "GET", s.Sub() + security + "assessments", admin, nil, 403},
		{"admin_of_vault_reads_it", "GET", s.Vault() + security + "assessments", admin, nil, 200},
		{"admin_of_vault_sees_subscription", "GET", s.Sub(), admin, nil, 200},
		{"admin_assigns_no_roles", "PUT", s.Vault() + authorization + "roleAssignments/mine", admin, "{}", 403},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			call := apitest.Call{Method: tt.method, Path: tt.path, Body: tt.body, Token: tt.token}
			if tt.want == http.StatusForbidden {
				s.Fails(403, "AuthorizationFailed", call)
				return
			}
			s.Want(tt.want, call)
		})
	}
	s.Want(204, apitest.Call{Method: "DELETE", Path: s.Sub() + authorization + "roleAssignments/reader"})
	s.Fails(403, "AuthorizationFailed", apitest.Call{Method: "GET", Path: pricing, Token: reader})
}
