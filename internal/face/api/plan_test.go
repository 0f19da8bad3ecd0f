package api_test

import (
	"compress/gzip"
	"math"
	"strings"
	"testing"

	"github.com/rampart-sec/rampart/internal/face/api/apitest"
)

// estateScore is the estate's, as a what-if question that changes nothing known tells.
func estateScore(a apitest.Answer) float64 {
	return a.Body["before"].(map[string]any)["score"].(map[string]any)["percentage"].(float64)
}

// TestPlan: every step names what is to be fixed, and all together bring no more
// than there is.
func TestPlan(t *testing.T) {
	s := apitest.New(t)
	s.Estate()
	plan := s.Want(200, apitest.Call{Method: "GET", Path: "/rampart/v1/plan?steps=100"}).Body["value"].([]any)
	if len(plan) == 0 {
		t.Fatal("nothing to fix")
	}
	gain := 0.0
	for _, p := range plan {
		step := p.(map[string]any)
		gain += step["gain"].(float64)
		if step["unhealthy"].(float64) == 0 || step["effort"] == "" || len(step["resources"].([]any)) == 0 {
			t.Errorf("step %v", step)
		}
	}
	if gain <= 0 || gain > 1 {
		t.Errorf("all steps bring %v", gain)
	}
	if n := len(s.Want(200, apitest.Call{Method: "GET", Path: "/rampart/v1/plan?steps=1"}).Body["value"].([]any)); n != 1 {
		t.Errorf("%d steps, want 1", n)
	}
	for _, path := range []string{"history?points=3x", "plan?steps=0", "plan?steps=3x", "plan?steps=101"} {
		s.Fails(400, "InvalidRequestContent", apitest.Call{Method: "GET", Path: "/rampart/v1/" + path})
	}
	reader := newPrincipal(t, s, "reader", "Reader", s.Sub())
	s.Want(200, apitest.Call{Method: "GET", Path: "/rampart/v1/plan?scope=" + s.Sub(), Token: reader})
	s.Fails(403, "AuthorizationFailed", apitest.Call{Method: "GET", Path: "/rampart/v1/plan", Token: reader})
}

// TestWhatIfTellsCompliance: what would be agrees with what is after it is done.
func TestWhatIfTellsCompliance(t *testing.T) {
	s := apitest.New(t)
	s.Estate()
	ask := apitest.Call{Method: "POST", Path: "/rampart/v1/what-if", Body: `{"changes":[{"resourceId":"` + s.Storage() + `","patch":[
		{"op":"replace","path":"/properties/supportsHttpsTrafficOnly","value":true},
		{"op":"replace","path":"/properties/allowBlobPublicAccess","value":false},
		{"op":"replace","path":"/properties/minimumTlsVersion","value":"TLS1_2"}]}]}`}
	would := s.Want(200, ask)
	changed := 0
	for _, c := range would.Body["compliance"].([]any) {
		changed += len(c.(map[string]any)["controls"].([]any))
	}
	if changed == 0 {
		t.Fatalf("no control changes: %.2000s", would.Raw)
	}
	want := would.Body["after"].(map[string]any)["score"].(map[string]any)["percentage"].(float64)
	if math.Abs(estateScore(would)-want) < 1e-4 {
		t.Fatal("the score would not change: this test shows nothing")
	}
	s.Heal()
	apitest.Eventually(t, "the score is what the question foretold", func() bool {
		return math.Abs(estateScore(s.Want(200, ask))-want) < 1e-4
	})
}

func TestWhatIfSaysWhatIsWrong(t *testing.T) {
	s := apitest.New(t)
	s.Estate()
	a := s.Fails(400, "InvalidRequestContent", apitest.Call{Method: "POST", Path: "/rampart/v1/what-if",
		Body: `{"changes":[{"resourceId":"` + s.Vault() + `","patch":{"properties":{}}}]}`})
	if !strings.Contains(string(a.Raw), "want an array of operations") {
		t.Errorf("%s", a.Raw)
	}
}

// TestImportThatIsCutOff is the sender's mistake, and packed bodies are read.
func TestImportThatIsCutOff(t *testing.T) {
	s := apitest.New(t)
	row := `{"id":"` + s.Sub() + `/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/v","properties":{}}`
	a := s.Fails(400, "InvalidRequestContent", apitest.Call{Method: "POST", Path: "/rampart/v1/import", Body: "[" + row + ","})
	if !strings.Contains(string(a.Raw), "cut off") {
		t.Errorf("%s", a.Raw)
	}
	var b strings.Builder
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(row))
	_ = z.Close()
	if a := s.Want(200, apitest.Call{Method: "POST", Path: "/rampart/v1/import", Body: b.String()}); a.Body["rejectedTotal"] != 0.0 {
		t.Errorf("%s", a.Raw)
	}
}

// TestMetadataTellsWhatIsNotYet: recommendations without a source of data say so.
func TestMetadataTellsWhatIsNotYet(t *testing.T) {
	s := apitest.New(t)
	const prefix = "/providers/Microsoft.Security/assessmentMetadata/"
	if p := s.Get(prefix + "82e20e14-edc5-4373-bfc4-f13121257c37").Properties(); p["notYet"] == nil {
		t.Errorf("%v", p)
	}
	if p := s.Get(prefix + "044985bb-afe1-42cd-8a36-9d5d42424537").Properties(); p["notYet"] != nil {
		t.Errorf("%v", p)
	}
}

// TestWhatIfOfText asks with resources as a file has them: good ones are tried,
// bad ones are listed with line and reason, and nothing is stored.
func TestWhatIfOfText(t *testing.T) {
	s := apitest.New(t)
	s.Estate()
	ask := func(query, body string) apitest.Call {
		return apitest.Call{Method: "POST", Path: "/rampart/v1/what-if?" + query, Body: body}
	}
	bad := s.Sub() + "/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/supposed"
	row := `{"id":"` + bad + `","location":"westeurope","properties":{"supportsHttpsTrafficOnly":false,"allowBlobPublicAccess":true,"minimumTlsVersion":"TLS1_0"}}`
	strange := `{"id":"/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/x","properties":{}}`
	a := s.Want(200, ask("", row+"\n{\"id\":\n"+strange+"\n"))
	if n := a.Body["tried"]; n != 1.0 {
		t.Errorf("%v were tried", n)
	}
	rejected := a.Body["rejected"].([]any)
	if len(rejected) != 2 || rejected[0].(map[string]any)["line"] != 2.0 || !strings.Contains(string(a.Raw), "no subscription 11111111") {
		t.Errorf("rejected: %v", rejected)
	}
	unhealthy := a.Body["unhealthy"].([]any)
	if len(unhealthy) == 0 || unhealthy[0].(map[string]any)["resourceId"] != bad || unhealthy[0].(map[string]any)["new"] != true {
		t.Errorf("unhealthy: %v", unhealthy)
	}
	if r := s.Do(apitest.Call{Method: "GET", Path: bad + "?api-version=2023-01-01"}); r.Status == 200 {
		t.Error("it was stored")
	}
	for _, wrong := range []apitest.Call{ask("", "not json"), ask("", "[{},"), ask("", ""), ask("fix=nothing", ""), ask("", strings.Repeat(strange+"\n", 10_001)),
		ask("scope="+s.Sub()+"/resourceGroups/other", row), ask("", `{"$schema":"https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#","resources":[]}`), ask("", `{"format_version":"1.2"}`)} {
		if r := s.Do(wrong); r.Status != 400 && r.Status != 404 {
			t.Errorf("%.60q: %d %.300s", wrong.Body, r.Status, r.Raw)
		}
	}
	template := `{"$schema":"https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#","contentVersion":"1.0.0.0","resources":[{"type":"Microsoft.Storage/storageAccounts","apiVersion":"2023-01-01","name":"open","location":"westeurope","properties":{"allowBlobPublicAccess":true}}]}`
	a = s.Want(200, ask("resourceGroup=rg&scope="+s.Sub(), template))
	if !strings.Contains(string(a.Raw), s.Sub()+"/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/open") {
		t.Errorf("template: %.500s", a.Raw)
	}
	fixed := s.Want(200, ask("fix=all", ""))
	after := fixed.Body["after"].(map[string]any)["score"].(map[string]any)["percentage"].(float64)
	if after <= estateScore(fixed) {
		t.Errorf("all fixed: %v to %v", estateScore(fixed), after)
	}
	for _, x := range fixed.Body["recommendations"].([]any) {
		if n := x.(map[string]any)["after"].(map[string]any)["unhealthy"]; n != 0.0 {
			t.Errorf("still unhealthy: %v", x)
		}
	}
	reader := newPrincipal(t, s, "reader", "Reader", s.Sub())
	c := ask("fix=all&scope="+s.Sub(), "")
	c.Token = reader
	s.Want(200, c)
	c.Path = "/rampart/v1/what-if?fix=all"
	s.Fails(403, "AuthorizationFailed", c)
}
