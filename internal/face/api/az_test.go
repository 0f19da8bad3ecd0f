package api_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/face/api/apitest"
)

// azure is the unmodified command line client with a configuration folder of
// its own, so that nobody's real clouds are touched.
type azure struct {
	t   *testing.T
	env []string
}

func newAzure(t *testing.T, s *apitest.Server) *azure {
	t.Helper()
	if testing.Short() {
		t.Skip("skipped: each az command takes more than a second")
	}
	if _, err := exec.LookPath("az"); err != nil {
		t.Skip("skipped: the az command is not installed (on Debian: apt-get install azure-cli)")
	}
	config := t.TempDir()
	a := &azure{t: t, env: append(os.Environ(), "AZURE_CONFIG_DIR="+config, "REQUESTS_CA_BUNDLE="+s.CAFile,
		"AZURE_CORE_COLLECT_TELEMETRY=false", "AZURE_CORE_NO_COLOR=true", "AZURE_CORE_ONLY_SHOW_ERRORS=true", "NO_PROXY=*", "HOME="+config)}
	a.ok("cloud", "register", "-n", "dfc", "--endpoint-resource-manager", s.URL, "--endpoint-active-directory", s.URL+"/adfs",
		"--endpoint-active-directory-resource-id", s.URL, "--endpoint-active-directory-graph-resource-id", s.URL)
	a.ok("cloud", "set", "-n", "dfc")
	return a
}

// run runs a command and returns what it printed and its exit code.
func (a *azure) run(args ...string) (stdout, stderr string, code int) {
	a.t.Helper()
	cmd := exec.CommandContext(a.t.Context(), "az", args...)
	cmd.Env = a.env
	cmd.WaitDelay = 10 * time.Second
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		a.t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// ok runs a command that must succeed and returns what it printed as JSON.
func (a *azure) ok(args ...string) any {
	a.t.Helper()
	stdout, stderr, code := a.run(args...)
	if code != 0 {
		a.t.Fatalf("az %s: exit code %d\n%s", strings.Join(args, " "), code, stderr)
	}
	var v any
	if strings.TrimSpace(stdout) != "" {
		if err := json.Unmarshal([]byte(stdout), &v); err != nil {
			a.t.Fatalf("az %s: %v\n%.500s", strings.Join(args, " "), err, stdout)
		}
	}
	return v
}

// items is ok for commands that print a list of at least n items.
func (a *azure) items(n int, args ...string) []any {
	a.t.Helper()
	answer := a.ok(args...)
	if page, ok := answer.(map[string]any); ok { // some lists are printed with their envelope
		answer = page["value"]
	}
	v, _ := answer.([]any)
	if len(v) < n {
		a.t.Errorf("az %s: %d items, want at least %d", strings.Join(args, " "), len(v), n)
	}
	return v
}

// TestAzureCLI walks the recipe of a newcomer: register the cloud, sign in,
// read the score, change a plan, write policy.
func TestAzureCLI(t *testing.T) {
	s := apitest.New(t)
	s.Estate()
	az := newAzure(t, s)

	_, stderr, code := az.run("login", "--service-principal", "-u", s.Facts.ClientID, "-p", "wrong", "--tenant", s.Facts.TenantID)
	if code != 1 || !strings.Contains(stderr, "client secret is wrong") {
		t.Errorf("login with a wrong secret: exit code %d\n%s", code, stderr)
	}
	az.ok("login", "--service-principal", "-u", s.Facts.ClientID, "-p", s.Facts.ClientSecret, "--tenant", s.Facts.TenantID)

	scores := az.items(1, "security", "secure-scores", "list")
	score := scores[0].(map[string]any)
	if max, _ := score["max"].(float64); score["name"] != "ascScore" || max <= 0 {
		t.Errorf("secure score %v", score)
	}
	az.items(1, "security", "secure-score-controls", "list")
	assessments := az.items(1, "security", "assessment", "list")
	name := assessments[0].(map[string]any)["name"].(string)
	resource := assessments[0].(map[string]any)["resourceDetails"].(map[string]any)["id"].(string)
	az.ok("security", "assessment", "show", "-n", name, "--assessed-resource-id", resource)
	az.ok("security", "assessment-metadata", "show", "-n", name)
	az.items(1, "security", "task", "list")
	az.items(1, "security", "regulatory-compliance-standards", "list")

	az.items(10, "security", "pricing", "list")
	pricing := az.ok("security", "pricing", "create", "-n", "VirtualMachines", "--tier", "standard").(map[string]any)
	if pricing["pricingTier"] != "Standard" || !strings.HasPrefix(pricing["freeTrialRemainingTime"].(string), "30 days") && !strings.HasPrefix(pricing["freeTrialRemainingTime"].(string), "29 days") {
		t.Errorf("pricing %v", pricing)
	}
	az.ok("security", "auto-provisioning-setting", "update", "-n", "default", "--auto-provision", "On")
	az.ok("security", "contact", "create", "-n", "default1", "--email", "a@b.example", "--phone", "123", "--alert-notifications", "on", "--alerts-admins", "on")
	az.ok("security", "contact", "delete", "-n", "default1")

	rule := filepath.Join(t.TempDir(), "rule.json")
	if err := os.WriteFile(rule, []byte(`{"if":{"field":"type","equals":"Microsoft.KeyVault/vaults"},"then":{"effect":"audit"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	az.ok("policy", "definition", "create", "-n", "no-vaults", "--rules", rule, "--mode", "All")
	az.items(1, "policy", "definition", "list")
	az.ok("policy", "assignment", "create", "-n", "a1", "--policy", "no-vaults")
	az.items(2, "policy", "assignment", "list")
	az.ok("policy", "assignment", "update", "-n", "a1", "--display-name", "x")
	az.ok("policy", "exemption", "create", "-n", "e1", "--policy-assignment", s.Sub()+"/providers/Microsoft.Authorization/policyAssignments/a1", "--exemption-category", "Waiver")
	az.items(1, "policy", "exemption", "list")
	az.items(1, "policy", "state", "list")
	az.ok("policy", "state", "summarize")
	az.ok("policy", "exemption", "delete", "-n", "e1")
	az.ok("policy", "assignment", "delete", "-n", "a1")
	az.ok("policy", "definition", "delete", "-n", "no-vaults")
	_, stderr, code = az.run("policy", "definition", "show", "-n", "no-vaults")
	if code != 3 || !strings.Contains(stderr, "PolicyDefinitionNotFound") {
		t.Errorf("a definition that is gone: exit code %d\n%s", code, stderr)
	}

	az.items(2, "resource", "list")
	az.ok("resource", "show", "--ids", s.Vault(), "--api-version", "2023-03-01")
	for _, id := range []string{s.Vault(), s.Storage(), strings.ToLower(s.Storage())} { // az asks the provider for the version
		if shown := az.ok("resource", "show", "--ids", id).(map[string]any); !strings.EqualFold(shown["id"].(string), id) {
			t.Errorf("resource show: %v", shown)
		}
	}
	az.items(4, "provider", "list")
	az.ok("rest", "--method", "get", "--url", s.Sub()+"/providers/Microsoft.Security/pricings?api-version=2024-01-01")
}
