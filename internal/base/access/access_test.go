package access

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
)

// fixture is an Access over a real store with a clock that tests move.
type fixture struct {
	*Access
	db    *store.DB
	now   time.Time
	log   bytes.Buffer
	facts Facts
}

func open(t *testing.T) *fixture {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{URL: "sqlite:" + filepath.Join(t.TempDir(), "rampart.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	f := &fixture{db: db, now: time.Date(2026, 5, 1, 9, 0, 0, 0, time.UTC)}
	f.Access = New(Options{Store: db, Now: func() time.Time { return f.now }, Log: slog.New(slog.NewTextHandler(&f.log, nil))})
	if f.facts, err = f.Bootstrap(t.Context()); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fixture) signIn(t *testing.T) *Issued {
	t.Helper()
	issued, err := f.Token(t.Context(), Grant{Type: GrantClient, ClientID: f.facts.ClientID, ClientSecret: f.facts.ClientSecret})
	if err != nil {
		t.Fatal(err)
	}
	return issued
}

func bearer(token string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	return r
}

func wantCode(t *testing.T, err error, status int, code string) {
	t.Helper()
	var e *arm.Error
	if !errors.As(err, &e) || e.Status != status || e.Code != code {
		t.Fatalf("error %v, want %d %s", err, status, code)
	}
}

func TestBootstrapHappensOnce(t *testing.T) {
	f := open(t)
	if f.facts.ClientSecret == "" {
		t.Fatal("the first start must hand out the secret")
	}
	again, err := f.Bootstrap(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first := f.facts
	first.ClientSecret = ""
	if again != first {
		t.Errorf("second start gives %+v, want %+v", again, first)
	}
	if p := f.signIn(t).Principal; p.Allow("Microsoft.Authorization/policyAssignments/write", "/subscriptions/any") != nil {
		t.Error("the administrator owns everything")
	}
	err = f.db.View(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Resource(t.Context(), store.DefaultTenant, "/subscriptions/"+f.facts.SubscriptionID)
		return err
	})
	if err != nil {
		t.Errorf("the first subscription has no document: %v", err)
	}
}

func TestKeepSecret(t *testing.T) {
	f := open(t)
	kept, err := f.KeepSecret(t.Context(), f.facts.ClientSecret)
	if err != nil || kept != f.facts.ClientSecret {
		t.Fatalf("a right secret is kept, got %v", err)
	}
	drawn, err := f.KeepSecret(t.Context(), "")
	if err != nil || drawn == f.facts.ClientSecret || drawn == "" {
		t.Fatalf("a lost secret is replaced: %v", err)
	}
	_, err = f.Token(t.Context(), Grant{Type: GrantClient, ClientID: f.facts.ClientID, ClientSecret: f.facts.ClientSecret})
	wantCode(t, err, http.StatusUnauthorized, "invalid_client")
	f.facts.ClientSecret = drawn
	f.signIn(t)
}

func TestTokenLives(t *testing.T) {
	f := open(t)
	token := f.signIn(t).AccessToken
	p, err := f.Authenticate(t.Context(), bearer(token))
	if err != nil || p.ID != f.facts.ClientID {
		t.Fatalf("%+v, %v", p, err)
	}
	f.now = f.now.Add(TokenLifetime - time.Second)
	if _, err := f.Authenticate(t.Context(), bearer(token)); err != nil {
		t.Errorf("a second before its end: %v", err)
	}
	f.now = f.now.Add(time.Second)
	_, err = f.Authenticate(t.Context(), bearer(token))
	wantCode(t, err, http.StatusUnauthorized, "AuthenticationFailed")
}

func TestAuthenticateRefuses(t *testing.T) {
	f := open(t)
	link, err := f.NewLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	token := f.signIn(t).AccessToken
	revoked := f.signIn(t)
	if err := f.Revoke(t.Context(), revoked.Principal, f.facts.ClientID); err != nil {
		t.Fatal(err)
	}
	for name, header := range map[string]string{
		"nothing": "", "other scheme": "Basic " + token, "empty": "Bearer ", "unknown": "Bearer abc",
		"a link is no token": "Bearer " + link, "revoked": "Bearer " + token, "endless": "Bearer " + strings.Repeat("x", 1<<16),
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header.Set("Authorization", header)
			_, err := f.Authenticate(t.Context(), r)
			wantCode(t, err, http.StatusUnauthorized, "AuthenticationFailed")
		})
	}
}

func TestDisabledPrincipalIsNobody(t *testing.T) {
	f := open(t)
	token := f.signIn(t).AccessToken
	err := f.db.Update(t.Context(), func(tx *store.Tx) error {
		p, err := tx.Principal(t.Context(), f.facts.ClientID)
		if err != nil {
			return err
		}
		p.Disabled = true
		return tx.PutPrincipal(t.Context(), *p)
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Authenticate(t.Context(), bearer(token))
	wantCode(t, err, http.StatusUnauthorized, "AuthenticationFailed")
	_, err = f.Token(t.Context(), Grant{Type: GrantClient, ClientID: f.facts.ClientID, ClientSecret: f.facts.ClientSecret})
	wantCode(t, err, http.StatusUnauthorized, "invalid_client")
}

func TestTokenRefuses(t *testing.T) {
	f := open(t)
	tests := map[string]struct {
		grant  Grant
		status int
		code   string
	}{
		"wrong secret":    {Grant{Type: GrantClient, ClientID: f.facts.ClientID, ClientSecret: "x"}, 401, "invalid_client"},
		"no secret":       {Grant{Type: GrantClient, ClientID: f.facts.ClientID}, 401, "invalid_client"},
		"unknown client":  {Grant{Type: GrantClient, ClientID: "nobody", ClientSecret: f.facts.ClientSecret}, 401, "invalid_client"},
		"user as client":  {Grant{Type: GrantClient, ClientID: f.facts.UserID}, 401, "invalid_client"},
		"unset password":  {Grant{Type: GrantPassword, Username: "admin"}, 400, "invalid_grant"},
		"unknown refresh": {Grant{Type: GrantRefresh, RefreshToken: "x"}, 400, "invalid_grant"},
		"unknown device":  {Grant{Type: GrantDevice, DeviceCode: "x"}, 400, "invalid_grant"},
		"unknown grant":   {Grant{Type: "saml"}, 400, "unsupported_grant_type"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.grant.Remote = name
			_, err := f.Token(t.Context(), tt.grant)
			wantCode(t, err, tt.status, tt.code)
		})
	}
}

func TestClientIDIsTakenWithoutCase(t *testing.T) {
	f := open(t)
	f.facts.ClientID = strings.ToUpper(f.facts.ClientID)
	f.signIn(t)
}

func TestSecretsAreNeitherLoggedNorStored(t *testing.T) {
	f := open(t)
	issued := f.signIn(t)
	link, err := f.NewLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, _ = f.Token(t.Context(), Grant{Type: GrantClient, ClientID: f.facts.ClientID, ClientSecret: "wrong-secret"})
	for _, secret := range []string{f.facts.ClientSecret, issued.AccessToken, link, "wrong-secret"} {
		if strings.Contains(f.log.String(), secret) {
			t.Error("the log holds a secret")
		}
	}
	if !strings.Contains(f.log.String(), "sign-in refused") {
		t.Error("a refused sign-in must be logged")
	}
}

func TestUsers(t *testing.T) {
	f := open(t)
	owner := f.signIn(t).Principal
	p, _, err := f.Create(t.Context(), owner, NewPrincipal{Kind: KindUser, Name: "Ada", Password: "correct horse battery"})
	if err != nil {
		t.Fatal(err)
	}
	issued, err := f.Token(t.Context(), Grant{Type: GrantPassword, Username: "ADA", Password: "correct horse battery"})
	if err != nil || issued.RefreshToken == "" {
		t.Fatalf("sign-in by password: %+v, %v", issued, err)
	}
	if issued.Principal.Allow("Microsoft.Security/assessments/read", "/") == nil {
		t.Error("a new principal may do nothing")
	}
	refreshed, err := f.Token(t.Context(), Grant{Type: GrantRefresh, RefreshToken: issued.RefreshToken})
	if err != nil || refreshed.Principal.ID != p.ID {
		t.Fatalf("refresh: %v", err)
	}
	_, err = f.Token(t.Context(), Grant{Type: GrantRefresh, RefreshToken: issued.RefreshToken})
	wantCode(t, err, 400, "invalid_grant")
	_, err = f.Token(t.Context(), Grant{Type: GrantPassword, Username: "ada", Password: "wrong"})
	wantCode(t, err, 400, "invalid_grant")

	_, _, err = f.Create(t.Context(), owner, NewPrincipal{Kind: KindUser, Name: "ADA"})
	wantCode(t, err, http.StatusConflict, "NameTaken")
	_, _, err = f.Create(t.Context(), owner, NewPrincipal{Kind: KindUser, Name: "bob", Password: "short"})
	wantCode(t, err, 400, "InvalidRequestContent")
	_, _, err = f.Create(t.Context(), owner, NewPrincipal{Kind: "robot", Name: "r2"})
	wantCode(t, err, 400, "InvalidRequestContent")
}

// TestTenantsAreApart: whoever owns one tenant cannot touch another's
// principals, whatever ids they name.
func TestTenantsAreApart(t *testing.T) {
	f := open(t)
	owner := f.signIn(t).Principal
	err := f.db.Update(t.Context(), func(tx *store.Tx) error {
		if _, err := tx.PutTenant(t.Context(), store.Tenant{ID: "other", Name: "Other", Kind: store.TenantReal}); err != nil {
			return err
		}
		return tx.PutPrincipal(t.Context(), store.Principal{ID: "stranger", Tenant: "other", Kind: KindService, Name: "stranger"})
	})
	if err != nil {
		t.Fatal(err)
	}
	wantCode(t, f.Assign(t.Context(), owner, store.RoleAssignment{ID: "x", Principal: "stranger", Role: "Reader", Scope: "/"}), 400, "InvalidRequestContent")
	wantCode(t, f.Revoke(t.Context(), owner, "stranger"), http.StatusNotFound, "ResourceNotFound")
	all, err := f.Assignments(t.Context(), owner)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		wantCode(t, f.Unassign(t.Context(), Principal{Tenant: "other"}, r.ID), http.StatusNotFound, "ResourceNotFound")
	}
	mine, err1 := f.TenantID(t.Context(), "")
	theirs, err2 := f.TenantID(t.Context(), "other")
	if err1 != nil || err2 != nil || mine == theirs || mine != f.facts.TenantID {
		t.Errorf("tenant ids %s and %s: %v, %v", mine, theirs, err1, err2)
	}
}

func TestMutationsAreAudited(t *testing.T) {
	f := open(t)
	owner := f.signIn(t).Principal
	if _, _, err := f.Create(t.Context(), owner, NewPrincipal{Kind: KindService, Name: "ci"}); err != nil {
		t.Fatal(err)
	}
	err := f.db.View(t.Context(), func(tx *store.Tx) error {
		rows, err := tx.AuditRows(t.Context(), store.AuditQuery{})
		if err == nil && (len(rows) != 1 || rows[0].Actor != adminClientName || rows[0].Action != "Rampart/principals/write") {
			t.Errorf("audit trail %+v", rows)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestSecretsAreArguments: a secret is typed behind an option of a command, and
// must not look like one.
func TestSecretsAreArguments(t *testing.T) {
	for first := range 256 {
		drawn := bytes.Repeat([]byte{byte(first)}, 32)
		secret, err := newSecret(bytes.NewReader(drawn))
		if err != nil || strings.Trim(secret, "abcdefghijklmnopqrstuvwxyz234567") != "" || len(secret) != 52 {
			t.Fatalf("secret %q, %v", secret, err)
		}
	}
	if _, err := newSecret(bytes.NewReader(nil)); err == nil {
		t.Error("a source that runs dry must be an error, not a short secret")
	}
}
