package api_test

import (
	"compress/gzip"
	"math"
	"strings"
	"testing"

	"github.com/rampart-sec/rampart/internal/api/apitest"
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
