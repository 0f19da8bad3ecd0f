package certs_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/base/access/certs"
)

func clock(t time.Time) func() time.Time { return func() time.Time { return t } }

func TestEnsureServesEveryName(t *testing.T) {
	id, err := certs.Ensure(certs.Options{Dir: filepath.Join(t.TempDir(), "tls"), Hosts: []string{"rampart.example", "192.0.2.7", "0.0.0.0", ""}, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"localhost", "127.0.0.1", "::1", "rampart.example", "192.0.2.7"} {
		if err := id.Certificate.Leaf.VerifyHostname(host); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
	if err := id.Certificate.Leaf.VerifyHostname("0.0.0.0"); err == nil {
		t.Error("a wildcard address is not a name to certify")
	}
	info, err := os.Stat(id.CAKeyFile)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("authority's key: %v, %v; want mode 0600", info, err)
	}

	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.TLS = &tls.Config{Certificates: []tls.Certificate{id.Certificate}}
	server.StartTLS()
	defer server.Close()
	pem, err := os.ReadFile(id.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	resp, err := client.Get(server.URL)
	if err != nil {
		t.Fatalf("a client with the CA file must be able to connect: %v", err)
	}
	_ = resp.Body.Close()
}

func TestEnsureKeepsAndRenews(t *testing.T) {
	dir, now := t.TempDir(), time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	ensure := func(at time.Time, hosts ...string) *certs.Identity {
		t.Helper()
		id, err := certs.Ensure(certs.Options{Dir: dir, Hosts: hosts, Now: clock(at)})
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	serial := func(id *certs.Identity) string { return id.Certificate.Leaf.SerialNumber.String() }
	authority := func(id *certs.Identity) string { return string(id.Certificate.Certificate[1]) }

	first := ensure(now)
	if again := ensure(now.Add(300 * 24 * time.Hour)); serial(again) != serial(first) {
		t.Error("a certificate that is still good must be kept")
	}
	renewed := ensure(now.Add(370 * 24 * time.Hour))
	if serial(renewed) == serial(first) {
		t.Error("a certificate close to its end must be renewed")
	}
	moved := ensure(now.Add(370*24*time.Hour), "new.example")
	if serial(moved) == serial(renewed) || moved.Certificate.Leaf.VerifyHostname("new.example") != nil {
		t.Error("a new host needs a new certificate")
	}
	if authority(moved) != authority(first) {
		t.Error("the authority must stay: clients have its file")
	}
}

func TestEnsureNeverOverwritesWhatItCannotRead(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ca.pem")
	for _, name := range []string{"ca.pem", "ca.key"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, err := certs.Ensure(certs.Options{Dir: dir, Now: time.Now})
	if err == nil || !strings.Contains(err.Error(), "ca.pem") {
		t.Errorf("error %v must name the file", err)
	}
	if b, _ := os.ReadFile(path); string(b) != "mine" {
		t.Error("the file was overwritten")
	}
}
