package app

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/collect/simulate"
	"github.com/rampart-sec/rampart/internal/face/client"
	"github.com/rampart-sec/rampart/internal/posture/index"
)

// visitor uses a running server from outside: the API with the credentials of
// the bootstrap file, the pages with its one-time link.
type visitor struct {
	t     testing.TB
	app   *App
	boot  client.Bootstrap
	web   *http.Client
	token string
}

// visit signs in to both faces.
func visit(t testing.TB, a *App) *visitor {
	t.Helper()
	boot, err := client.ReadBootstrap(a.opt.Config.Data)
	must(t, err)
	pem, err := os.ReadFile(boot.CA)
	must(t, err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	jar, err := cookiejar.New(nil)
	must(t, err)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	t.Cleanup(transport.CloseIdleConnections)
	v := &visitor{t: t, app: a, boot: boot, web: &http.Client{Jar: jar, Transport: transport}}
	resp, err := v.web.PostForm(boot.URL+"/adfs/oauth2/token", url.Values{"grant_type": {"client_credentials"},
		"client_id": {boot.ClientID}, "client_secret": {boot.ClientSecret}})
	must(t, err)
	defer resp.Body.Close()
	var answer struct {
		Token string `json:"access_token"`
	}
	must(t, json.NewDecoder(resp.Body).Decode(&answer))
	v.token = answer.Token
	<-a.judge.Ready()
	v.page(strings.TrimPrefix(boot.AdminURL, a.Status().Dashboard))
	return v
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// call asks the ARM API; body is JSON text, "" for none.
func (v *visitor) call(method, path, body string, header ...string) (int, map[string]any) {
	v.t.Helper()
	if !strings.HasPrefix(path, v.boot.URL) {
		path = v.boot.URL + path
	}
	if !strings.Contains(path, "api-version=") {
		path += "?api-version=2024-01-01"
	}
	req, err := http.NewRequestWithContext(v.t.Context(), method, path, strings.NewReader(body))
	must(v.t, err)
	req.Header.Set("Authorization", "Bearer "+v.token)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := v.web.Do(req)
	must(v.t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	must(v.t, err)
	var object map[string]any
	if len(raw) > 0 {
		must(v.t, json.Unmarshal(raw, &object))
	}
	return resp.StatusCode, object
}

// want is a call that must be answered with a status.
func (v *visitor) want(status int, method, path, body string, header ...string) map[string]any {
	v.t.Helper()
	got, object := v.call(method, path, body, header...)
	if got != status {
		v.t.Fatalf("%s %s: %d %v, want %d", method, path, got, object, status)
	}
	return object
}

// list follows a list of the API to its end.
func list[T any](v *visitor, path string) (all []T) {
	v.t.Helper()
	for path != "" {
		body := v.want(http.StatusOK, "GET", path, "")
		raw, err := json.Marshal(body["value"])
		must(v.t, err)
		var page []T
		must(v.t, json.Unmarshal(raw, &page))
		all = append(all, page...)
		path, _ = body["nextLink"].(string)
	}
	return all
}

// page gets a page of the dashboard.
func (v *visitor) page(path string) []byte {
	v.t.Helper()
	resp, err := v.web.Get(v.app.Status().Dashboard + path)
	must(v.t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	must(v.t, err)
	if resp.StatusCode != http.StatusOK {
		v.t.Fatalf("GET %s: %d %.300s", path, resp.StatusCode, raw)
	}
	return raw
}

// table gets a CSV list of the dashboard, by the names of its columns.
func (v *visitor) table(path string) (rows []map[string]string) {
	v.t.Helper()
	lines, err := csv.NewReader(bytes.NewReader(v.page(path))).ReadAll()
	must(v.t, err)
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, name := range lines[0] {
			row[name] = line[i]
		}
		rows = append(rows, row)
	}
	return rows
}

// load imports lines as the command line does.
func (v *visitor) load(lines []byte) client.ImportResult {
	v.t.Helper()
	c, err := client.Dial(v.t.Context(), v.boot, "")
	must(v.t, err)
	res, err := c.Import(v.t.Context(), bytes.NewReader(lines), client.Place{})
	must(v.t, err)
	return res
}

// subscriptions lists the folded ids that the API knows, having asked for the
// score of each, which registers them.
func (v *visitor) subscriptions() (ids []string) {
	v.t.Helper()
	for _, s := range list[struct{ ID string }](v, "/subscriptions") {
		v.want(http.StatusOK, "GET", s.ID+"/providers/Microsoft.Security/secureScores", "")
		ids = append(ids, s.ID)
	}
	return ids
}

// settled waits until the default tenant's view is as wanted and no new one
// came for a while: computed exposure follows what was imported.
func settled(t testing.TB, a *App, what string, ok func(snapshot) bool) *index.View {
	t.Helper()
	ctx := t.Context()
	events := a.judge.Estate(store.DefaultTenant).Subscribe(ctx)
	for {
		waitFor(t, a, what, ok)
		select {
		case <-events:
		case <-time.After(1500 * time.Millisecond):
			return waitFor(t, a, what, ok).view
		}
	}
}

// simulated is a seeded estate as lines.
func simulated(t testing.TB, resources int) []byte {
	t.Helper()
	g, err := simulate.New(simulate.Options{Resources: resources, Seed: 7})
	must(t, err)
	var lines []byte
	for doc, ok := g.Next(); ok; doc, ok = g.Next() {
		lines = simulate.AppendLine(lines, doc)
	}
	return lines
}
