package secret

import (
	"strings"
	"testing"
)

// Secrets are put together here so that no tool takes this file for a leak.
var (
	aws    = "AKIA" + "QWERTYUIOPASDFGH"
	github = "ghp" + "_a8Kd93jfKs0Qm2LpZx7Vb4Nt6Yr1Wc5Ue9H2"
	stripe = "sk" + "_live_4eC39HqLyjWDarjtT1zdp7dc"
)

func TestFind(t *testing.T) {
	for _, tt := range []struct{ text, rule string }{
		{"-----BEGIN OPENSSH PRIVATE KEY-----\nx", "private-key"},
		{"-----BEGIN " + "PRIVATE KEY-----", "private-key"},
		{"-----BEGIN CERTIFICATE-----", ""},
		{"-----BEGIN PUBLIC KEY-----", ""},
		{"x = " + aws, "aws-access-key"},
		{"x = AKIA" + "IOSFODNN7EXAMPLE", ""},
		{"token: " + github, "github-token"},
		{"key=" + stripe, "stripe-key"},
		{"DefaultEndpointsProtocol=https;AccountKey=" + strings.Repeat("aB3/xY7qLw2", 8)[:86] + "==", "azure-storage-key"},
		{"postgres://app:S3cretPw9@db.internal/app", "url-password"},
		{"postgres://app:$PASSWORD@db/app", ""},
		{"https://example.test/a:b@c", ""},
		{"machine x login me password hunter22", "netrc"},
		{"//packages.example/:_authToken=" + "npm_" + strings.Repeat("aB3dE7", 6), "npm-token"},
		{"nothing of the kind, ghosts and eyJust words", ""},
	} {
		var got []string
		for _, s := range Find("f", []byte("first\n"+tt.text+"\n")) {
			got = append(got, s.Rule)
			if s.Line != 2 || s.Path != "f" {
				t.Errorf("%+v", s)
			}
			if rest := strings.TrimRight(s.Match, "*"); s.Rule != "private-key" && len(rest) > 4 {
				t.Errorf("%q keeps %q", tt.text, s.Match)
			}
		}
		if tt.rule == "" && len(got) > 0 || tt.rule != "" && (len(got) == 0 || got[0] != tt.rule) {
			t.Errorf("%q: %v, want %q", tt.text, got, tt.rule)
		}
	}
}

func TestBinaryFilesHaveNone(t *testing.T) {
	if all := Find("f", []byte("\x00"+aws)); len(all) > 0 {
		t.Errorf("%v", all)
	}
}

func TestWorth(t *testing.T) {
	for name, want := range map[string]bool{"app/.env": true, "root/.ssh/id_rsa": true, "etc/app.conf": true, "usr/share/doc/x": false, "app/node_modules/x/test.pem": false, "app/logo.png": false} {
		if Worth(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}

func FuzzFind(f *testing.F) {
	f.Add([]byte("a\n" + aws + "\n-----BEGIN RSA PRIVATE KEY-----"))
	f.Fuzz(func(t *testing.T, data []byte) {
		all := Find("f", data)
		if len(all) > maxPerFile {
			t.Errorf("%d of one file", len(all))
		}
		for _, s := range all {
			if s.Line < 1 || s.Line > strings.Count(string(data), "\n")+1 {
				t.Errorf("line %d", s.Line)
			}
		}
	})
}
