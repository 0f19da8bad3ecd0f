package enroll_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/base/access/certs"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/inventory"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/collect/enroll"
)

const group = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/servers"

type fixture struct {
	*enroll.Registry
	db *store.DB
	t  time.Time
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{t: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	now := func() time.Time { return f.t }
	dir := t.TempDir()
	db, err := store.Open(t.Context(), store.Options{URL: "sqlite:" + filepath.Join(dir, "rampart.db"), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	authority, err := certs.EnsureAuthority(certs.Options{Dir: filepath.Join(dir, "tls"), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	f.db = db
	f.Registry, err = enroll.New(enroll.Options{Store: db, Inventory: inventory.New(inventory.Options{Store: db, Now: now, Log: log}), Authority: authority, Now: now, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func csr(t *testing.T, curve elliptic.Curve) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

func parseCert(t *testing.T, text string) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		t.Fatal("no certificate")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func (f *fixture) token(t *testing.T, spec enroll.TokenSpec) string {
	t.Helper()
	spec.Group = group
	secret, _, err := f.NewToken(t.Context(), "", spec, "ada")
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

func request(t *testing.T, token, name, id string) wire.EnrollRequest {
	return wire.EnrollRequest{Token: token, CSR: csr(t, elliptic.P256()), Machine: wire.Machine{Name: name, MachineID: id, BootID: "b", OS: "linux"}}
}

func status(err error) int {
	var e *arm.Error
	if errors.As(err, &e) {
		return e.Status
	}
	return 0
}

func TestEnrolment(t *testing.T) {
	f := newFixture(t)
	secret := f.token(t, enroll.TokenSpec{Uses: 2})
	q := request(t, secret, "web-1", "0123456789abcdef0123456789abcdef")
	resp, err := f.Enroll(t.Context(), "", q)
	if err != nil {
		t.Fatal(err)
	}
	if resp.Resource != group+"/providers/Microsoft.HybridCompute/machines/web-1" || resp.NotAfter.Sub(f.t) != 14*24*time.Hour {
		t.Errorf("%+v", resp)
	}
	again, err := f.Enroll(t.Context(), "", q) // the answer got lost
	if err != nil || again.Agent != resp.Agent {
		t.Fatalf("asked again: %+v, %v", again, err)
	}
	twin, err := f.Enroll(t.Context(), "", request(t, secret, "web-1", "fedcba9876543210fedcba9876543210"))
	if err != nil || twin.Resource == resp.Resource || !strings.HasPrefix(twin.Resource, resp.Resource+"-") {
		t.Errorf("another machine of the same name: %+v, %v", twin, err)
	}
	if _, err := f.Enroll(t.Context(), "", request(t, secret, "web-2", "00000000000000000000000000000001")); status(err) != 403 {
		t.Errorf("a third use of a token for two: %v", err)
	}
}

func TestTokensThatCannotBeUsed(t *testing.T) {
	f := newFixture(t)
	expired := f.token(t, enroll.TokenSpec{Life: time.Minute})
	good := f.token(t, enroll.TokenSpec{Uses: 10})
	f.t = f.t.Add(2 * time.Minute)
	for name, secret := range map[string]string{"expired": expired, "none": "", "no form": "hello", "wrong secret": good[:len(good)-1] + "0",
		"of nobody": "ra.11111111111111111111111111111111.aaaa"} {
		if _, err := f.Enroll(t.Context(), "", request(t, secret, "web", "00000000000000000000000000000001")); status(err) != 403 {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, q := range map[string]wire.EnrollRequest{
		"path in the name": request(t, good, "../x", "00000000000000000000000000000001"),
		"markup":           request(t, good, "<b>", "00000000000000000000000000000001"),
		"no machine id":    request(t, good, "web", ""),
		"other curve":      {Token: good, CSR: csr(t, elliptic.P384()), Machine: wire.Machine{Name: "web", MachineID: "00000000000000000000000000000001"}},
		"no request":       {Token: good, CSR: "x", Machine: wire.Machine{Name: "web", MachineID: "00000000000000000000000000000001"}},
	} {
		if _, err := f.Enroll(t.Context(), "", q); status(err) != 400 {
			t.Errorf("%s: %v", name, err)
		}
	}
	tokens, err := f.Tokens(t.Context(), "")
	if err != nil || len(tokens) != 2 {
		t.Fatal(tokens, err)
	}
	for _, tok := range tokens {
		if err := f.RevokeToken(t.Context(), "", tok.ID, "ada"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.Enroll(t.Context(), "", request(t, good, "web", "00000000000000000000000000000001")); status(err) != 403 {
		t.Errorf("revoked: %v", err)
	}
}

func TestRenewalAndCopies(t *testing.T) {
	f := newFixture(t)
	resp, err := f.Enroll(t.Context(), "", request(t, f.token(t, enroll.TokenSpec{}), "web", "00000000000000000000000000000001"))
	if err != nil {
		t.Fatal(err)
	}
	old := parseCert(t, resp.Certificate)
	a, err := f.Authenticate(t.Context(), "", old)
	if err != nil {
		t.Fatal(err)
	}
	next, err := f.Renew(t.Context(), "", a, wire.RenewRequest{CSR: csr(t, elliptic.P256())})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Authenticate(t.Context(), "", old); err != nil {
		t.Errorf("the old certificate before the new one was used: %v", err)
	}
	if _, err := f.Authenticate(t.Context(), "", parseCert(t, next.Certificate)); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Authenticate(t.Context(), "", old); status(err) != 401 {
		t.Errorf("the old certificate after that: %v", err)
	}
	if _, err := f.Authenticate(t.Context(), "", parseCert(t, next.Certificate)); status(err) != 401 {
		t.Errorf("the identity was copied, but the new certificate is good: %v", err)
	}
	if a, err := f.Approve(t.Context(), "", resp.Agent, "ada"); err != nil || a.Status != enroll.Active {
		t.Fatal(a, err)
	}
	if _, err := f.Authenticate(t.Context(), "", parseCert(t, next.Certificate)); err != nil {
		t.Errorf("after an operator approved: %v", err)
	}
	if err := f.Heartbeat(t.Context(), "", a, wire.Heartbeat{Machine: wire.Machine{MachineID: "another"}}); status(err) != 401 {
		t.Errorf("another machine with this identity: %v", err)
	}
	if _, err := f.Revoke(t.Context(), "", resp.Agent, "ada"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Authenticate(t.Context(), "", parseCert(t, next.Certificate)); status(err) != 401 {
		t.Errorf("revoked: %v", err)
	}
}

func TestApproval(t *testing.T) {
	f := newFixture(t)
	q := request(t, f.token(t, enroll.TokenSpec{Approve: true}), "web", "00000000000000000000000000000001")
	resp, err := f.Enroll(t.Context(), "", q)
	if err != nil || !resp.Pending || resp.Certificate != "" {
		t.Fatalf("%+v, %v", resp, err)
	}
	if _, err := f.Approve(t.Context(), "", resp.Agent, "ada"); err != nil {
		t.Fatal(err)
	}
	if resp, err = f.Enroll(t.Context(), "", q); err != nil || resp.Certificate == "" {
		t.Errorf("%+v, %v", resp, err)
	}
}

func TestManyAtOnce(t *testing.T) {
	f := newFixture(t)
	secret := f.token(t, enroll.TokenSpec{Uses: 50})
	var wg sync.WaitGroup
	ok := make(chan string, 100)
	for i := range 60 {
		q := request(t, secret, "web", string(rune('0'+i/10))+string(rune('0'+i%10))+strings.Repeat("0", 30))
		wg.Go(func() {
			if resp, err := f.Enroll(t.Context(), "", q); err == nil {
				ok <- resp.Resource
			}
		})
	}
	wg.Wait()
	close(ok)
	seen := map[string]bool{}
	for r := range ok {
		seen[r] = true
	}
	if len(seen) != 50 {
		t.Errorf("%d resources for a token of 50 uses", len(seen))
	}
}

func TestHeartbeatsAreStoredTogether(t *testing.T) {
	f := newFixture(t)
	resp, err := f.Enroll(t.Context(), "", request(t, f.token(t, enroll.TokenSpec{}), "web", "00000000000000000000000000000001"))
	if err != nil {
		t.Fatal(err)
	}
	a, err := f.Agent(t.Context(), "", resp.Agent)
	if err != nil {
		t.Fatal(err)
	}
	beat := wire.Heartbeat{Machine: a.Machine, Waiting: map[string]wire.Queue{"events": {Records: 7}}}
	if err := f.Heartbeat(t.Context(), "", a, beat); err != nil {
		t.Fatal(err)
	}
	if agents, err := f.Agents(t.Context(), ""); err != nil || !agents[0].Seen.Equal(f.t) {
		t.Errorf("before it is stored: %+v, %v", agents[0], err)
	}
	if err := f.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a, err = f.Agent(t.Context(), "", resp.Agent); err != nil || a.Beat == nil || a.Beat.Waiting["events"].Records != 7 {
		t.Errorf("stored: %+v, %v", a, err)
	}
}
