package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func readConfig(t *testing.T, text string) (Config, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "rampart.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return ReadConfig(file)
}

func TestReadConfig(t *testing.T) {
	c, err := readConfig(t, "data: /srv/rampart\nstore: postgres://rampart@db/rampart\nlisten: 0.0.0.0:8443\nstaleAfter: 12h\nlog: {level: warn, format: json}\n")
	if err != nil {
		t.Fatal(err)
	}
	if c.Data != "/srv/rampart" || c.StaleAfter != 12*time.Hour || c.Dashboard != "127.0.0.1:8080" || c.Log.Format != "json" || c.storeURL() != "postgres://rampart@db/rampart" {
		t.Errorf("%+v", c)
	}
}

func TestReadConfigRefuses(t *testing.T) {
	tests := map[string]struct{ text, says string }{
		"unknown key":       {"listen: 127.0.0.1:1\nlissten: x\n", `rampart.yaml:2: unknown key "lissten" (did you mean "listen"?)`},
		"nested key":        {"log:\n  levle: info\n", `:2: unknown key "levle" (did you mean "level"?)`},
		"twice":             {"data: a\ndata: b\n", "twice"},
		"not yaml":          {"listen: [", "rampart.yaml"},
		"public dashboard":  {"dashboard: 0.0.0.0:8080\n", "loopback only"},
		"store":             {"store: mysql://x\n", "want sqlite or a postgres:// URL"},
		"half a key pair":   {"tls: {certificate: a.pem}\n", "go together"},
		"log level":         {"log: {level: loud}\n", "want debug, info, warn or error"},
		"role":              {"roles: [api]\n", `unknown key "roles"`}, // one process does everything so far
		"stale too soon":    {"staleAfter: 1s\n", "at least 1m"},
		"no history":        {"keepHistory: 1h\n", "at least 24h"},
		"wrong kind":        {"agent: maybe\n", `"maybe" is not a bool`},
		"deep nesting bomb": {strings.Repeat("[", 10000), "rampart.yaml"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := readConfig(t, tt.text)
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error %v, want one that says %q", err, tt.says)
			}
		})
	}
}

func FuzzReadConfig(f *testing.F) {
	f.Add([]byte("listen: 127.0.0.1:1\nlog: {level: info}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file := filepath.Join(t.TempDir(), "c.yaml")
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := ReadConfig(file)
		if err == nil && c.Check() != nil {
			t.Errorf("accepted once and refused the second time: %+v", c)
		}
	})
}
