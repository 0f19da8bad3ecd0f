package client_test

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rampart-sec/rampart/internal/base/access/certs"
	"github.com/rampart-sec/rampart/internal/face/api/apitest"
	"github.com/rampart-sec/rampart/internal/face/client"
)

// bootstrap is what the server's file would hold.
func bootstrap(s *apitest.Server) client.Bootstrap {
	return client.Bootstrap{URL: s.URL, CA: s.CAFile, TenantID: s.Facts.TenantID, SubscriptionID: s.Facts.SubscriptionID,
		ClientID: s.Facts.ClientID, ClientSecret: s.Facts.ClientSecret}
}

func dial(t *testing.T, s *apitest.Server) *client.Client {
	t.Helper()
	c, err := client.Dial(t.Context(), bootstrap(s), "")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestDial(t *testing.T) {
	s := apitest.New(t)
	other, err := certs.Ensure(certs.Options{Dir: filepath.Join(t.TempDir(), "tls"), Now: s.Now})
	if err != nil {
		t.Fatal(err)
	}
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	tests := map[string]struct {
		change func(*client.Bootstrap)
		server string
		want   string // in the error; "" signs in
	}{
		"as_it_is":      {},
		"slash_behind":  {change: func(b *client.Bootstrap) { b.URL += "/" }},
		"another_url":   {change: func(b *client.Bootstrap) { b.URL = gone.URL }, server: s.URL + "/"},
		"wrong_secret":  {change: func(b *client.Bootstrap) { b.ClientSecret = "wrong" }, want: "client secret is wrong"},
		"unknown_id":    {change: func(b *client.Bootstrap) { b.ClientID = "nobody" }, want: "sign in to " + s.URL},
		"no_ca":         {change: func(b *client.Bootstrap) { b.CA = "gone.pem" }, want: "read the server's certificate authority"},
		"no_pem":        {change: func(b *client.Bootstrap) { b.CA = write(t, "ca.pem", "nothing") }, want: "holds no certificate"},
		"foreign_ca":    {change: func(b *client.Bootstrap) { b.CA = other.CAFile }, want: "certificate"},
		"nobody_serves": {server: gone.URL, want: "refused"},
		"no_url":        {change: func(b *client.Bootstrap) { b.URL = "" }, want: "unsupported protocol"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := bootstrap(s)
			if tt.change != nil {
				tt.change(&b)
			}
			c, err := client.Dial(t.Context(), b, tt.server)
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), s.Facts.ClientSecret) {
					t.Errorf("error %v, want %q and no secret", err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if h, err := c.Health(t.Context()); err != nil || h.Version != "test" || h.Status == "" {
				t.Errorf("%+v, %v", h, err)
			}
		})
	}
}

// TestVerbs asks everything of a real server.
func TestVerbs(t *testing.T) {
	s := apitest.New(t)
	s.Estate()
	c := dial(t, s)
	const kind = "/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/"
	line := `{"id":"` + s.Sub() + kind + `one","properties":{"supportsHttpsTrafficOnly":false}}` + "\n"
	res, err := c.Import(t.Context(), strings.NewReader(line+"broken\n"), client.Place{})
	if err != nil || res.Created != 1 || res.RejectedTotal != 1 || res.Rejected[0].Line != 2 || res.Rejected[0].Reason == "" || res.Template != nil {
		t.Errorf("import: %+v, %v", res, err)
	}
	res, err = c.Import(t.Context(), strings.NewReader(line), client.Place{})
	if err != nil || res.Unchanged != 1 {
		t.Errorf("again: %+v, %v", res, err)
	}
	const template = `{"$schema":"https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#","contentVersion":"1.0.0.0",
	"resources":[{"type":"Microsoft.Storage/storageAccounts","apiVersion":"2023-01-01","name":"two","properties":{"supportsHttpsTrafficOnly":false}}]}`
	res, err = c.Import(t.Context(), strings.NewReader(template), client.Place{Subscription: s.Sub(), ResourceGroup: "rg & more"})
	if err != nil || res.Created != 1 || res.Template == nil || res.Template.ResourceGroup != s.Sub()+"/resourceGroups/rg & more" || res.Template.Assumed {
		t.Errorf("template: %+v, %v", res, err)
	}
	s.Judged("", s.Sub()+kind+"one")

	if link, err := c.Link(t.Context()); err != nil || !strings.Contains(link, "code=") {
		t.Errorf("link %q, %v", link, err)
	}
	if sweep, err := c.Sweep(t.Context()); err != nil || sweep.Resources == 0 || sweep.DifferencesTotal != 0 {
		t.Errorf("sweep: %+v, %v", sweep, err)
	}
	raw, steps, err := c.Plan(t.Context(), s.Sub(), 3)
	gain := 0.0 // a step may bring nothing by itself, where a control needs two
	for _, step := range steps {
		gain += step.Gain
	}
	if err != nil || len(steps) != 3 || gain <= 0 || steps[0].DisplayName == "" || !strings.Contains(string(raw), steps[0].Recommendation) {
		t.Errorf("plan: %+v, %v", steps, err)
	}
	if _, _, err := c.Plan(t.Context(), "", 1000); err == nil || !strings.Contains(err.Error(), "between 1 and 100") {
		t.Errorf("plan of 1000 steps: %v", err)
	}
	answer, err := c.WhatIf(t.Context(), client.Question{Scope: s.Sub(), Fixed: []string{"all"}})
	if err != nil || answer.After.Score.Percentage <= answer.Before.Score.Percentage || len(answer.Recommendations) == 0 || len(answer.Raw) == 0 {
		t.Errorf("what if all is fixed: %+v, %v", answer, err)
	}
	answer, err = c.WhatIf(t.Context(), client.Question{Subscription: s.Facts.SubscriptionID, ResourceGroup: "rg", Resources: strings.NewReader(template)})
	if err != nil || answer.Tried != 1 || answer.UnhealthyTotal != 1 || !answer.Unhealthy[0].New {
		t.Errorf("what if a template: %+v, %v", answer, err)
	}
	if _, err := c.WhatIf(t.Context(), client.Question{Fixed: []string{"nothing"}}); err == nil || !strings.Contains(err.Error(), `"nothing"`) {
		t.Errorf("what if nothing: %v", err)
	}
}

// TestForeignAnswers: whatever is in place of the server, the error is one clear
// sentence, the server's own where there is one.
func TestForeignAnswers(t *testing.T) {
	tests := map[string]struct {
		status     int
		body, want string
	}{
		"arm":          {403, `{"error":{"code":"AuthorizationFailed","message":"The roles do not allow it."}}`, "The roles do not allow it."},
		"oauth":        {401, `{"error":"invalid_client","error_description":"No such client."}`, "No such client."},
		"page":         {502, "<html>Bad gateway</html>", "the server answered 502 Bad Gateway"},
		"empty":        {500, "", "the server answered 500 Internal Server Error"},
		"empty_error":  {500, `{"error":{}}`, "the server answered 500 Internal Server Error"},
		"no_object":    {400, `[1]`, "the server answered 400 Bad Request"},
		"cut_off":      {200, `{"status":"ok","ver`, "unexpected EOF"},
		"not_json":     {200, "fine", "invalid character"},
		"empty_answer": {200, "", "EOF"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/adfs/oauth2/token" {
					_, _ = w.Write([]byte(`{"access_token":"t"}`))
					return
				}
				if r.Header.Get("Authorization") != "Bearer t" {
					t.Errorf("authorization %q", r.Header.Get("Authorization"))
				}
				w.WriteHeader(tt.status)
				_, _ = w.Write([]byte(tt.body))
			}))
			defer server.Close()
			ca := write(t, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
			c, err := client.Dial(t.Context(), client.Bootstrap{URL: server.URL, CA: ca, ClientID: "c", ClientSecret: "s"}, "")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Health(t.Context()); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestBootstrapFile(t *testing.T) {
	data := t.TempDir()
	if _, err := client.ReadBootstrap(data); err == nil || !strings.Contains(err.Error(), "start the server first") {
		t.Errorf("no file: %v", err)
	}
	first := client.Bootstrap{URL: "https://127.0.0.1:1", CA: "/x/ca.pem", TenantID: "t", SubscriptionID: "s", ClientID: "c", ClientSecret: `a "b" <c>`, AdminURL: "http://x"}
	second := first
	second.ClientSecret = "changed"
	for _, want := range []client.Bootstrap{first, second} { // the second replaces the first
		if err := want.Write(data); err != nil {
			t.Fatal(err)
		}
		if got, err := client.ReadBootstrap(data); err != nil || got != want {
			t.Errorf("read %+v, %v", got, err)
		}
	}
	relative := second
	relative.CA = "ca.pem" // of a server that was given a relative data folder
	if err := relative.Write(data); err != nil {
		t.Fatal(err)
	}
	if got, err := client.ReadBootstrap(data); err != nil || !filepath.IsAbs(got.CA) || filepath.Base(got.CA) != "ca.pem" {
		t.Errorf("read %+v, %v", got, err)
	}
	files, err := os.ReadDir(data)
	if err != nil || len(files) != 1 {
		t.Fatalf("%v, %v", files, err)
	}
	if info, err := files[0].Info(); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := os.WriteFile(filepath.Join(data, client.BootstrapFile), []byte(`{"url":`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := client.ReadBootstrap(data); err == nil || !strings.Contains(err.Error(), client.BootstrapFile) {
		t.Errorf("broken file: %v", err)
	}
	if err := first.Write(filepath.Join(data, "gone")); err == nil {
		t.Error("written into a folder that is not there")
	}
}

// TestAzEnvSurvivesTheShell: what a shell makes of the lines is what was meant,
// whatever the secret and the folder are called.
func TestAzEnvSurvivesTheShell(t *testing.T) {
	for _, secret := range []string{"plain", "it's", `$(exit 3) "x" \ ` + "`date`", "two\nlines", "-n"} {
		data := filepath.Join(t.TempDir(), "it's $HOME; a folder")
		ca := write(t, "ca.pem", "own authority\n")
		var lines strings.Builder
		if err := (client.Bootstrap{URL: "https://h:1/", CA: ca, TenantID: "t", ClientID: "c", ClientSecret: secret}).AzEnv(&lines, data); err != nil {
			t.Fatal(err)
		}
		// az itself is a function here that prints its arguments, one a line.
		script := "az() { printf '[%s]\\n' \"$@\"; }\n" + lines.String() + `printf '%s\n' "$RAMPART_CLIENT_SECRET" "$AZURE_CONFIG_DIR"; cat "$REQUESTS_CA_BUNDLE"`
		out, err := exec.CommandContext(t.Context(), "sh", "-c", script).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		got := string(out)
		for _, want := range []string{"[" + secret + "]", secret + "\n" + filepath.Join(data, "az") + "\n", "own authority\n", "[https://h:1/adfs]", "[https://h:1]"} {
			if !strings.Contains(got, want) {
				t.Errorf("secret %q: %q is not in what the shell made: %.800s", secret, want, got)
			}
		}
	}
	if err := (client.Bootstrap{CA: "gone.pem"}).AzEnv(&strings.Builder{}, t.TempDir()); err == nil || !strings.Contains(err.Error(), "certificate authority") {
		t.Errorf("no authority: %v", err)
	}
}
