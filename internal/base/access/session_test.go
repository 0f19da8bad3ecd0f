package access

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

func TestLinkWorksOnce(t *testing.T) {
	f := open(t)
	link, err := f.NewLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cookie, err := f.Redeem(t.Context(), link, true)
	if err != nil {
		t.Fatal(err)
	}
	if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || !cookie.Secure || cookie.MaxAge != int(SessionLifetime.Seconds()) {
		t.Errorf("cookie %+v", cookie)
	}
	_, err = f.Redeem(t.Context(), link, true)
	wantCode(t, err, http.StatusUnauthorized, "AuthenticationFailed")

	r := httptest.NewRequest(http.MethodGet, "/", nil)
	_, err = f.Session(r)
	wantCode(t, err, http.StatusUnauthorized, "AuthenticationFailed")
	r.AddCookie(cookie)
	if p, err := f.Session(r); err != nil || p.ID != f.facts.UserID {
		t.Fatalf("session: %+v, %v", p, err)
	}
	_, err = f.Authenticate(t.Context(), bearer(cookie.Value))
	wantCode(t, err, http.StatusUnauthorized, "AuthenticationFailed")
	if _, err := f.SignOut(r); err != nil {
		t.Fatal(err)
	}
	_, err = f.Session(r)
	wantCode(t, err, http.StatusUnauthorized, "AuthenticationFailed")
}

func TestLinkRaceHasOneWinner(t *testing.T) {
	f := open(t)
	link, err := f.NewLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	won := make(chan bool, 20)
	for range cap(won) {
		wg.Go(func() {
			_, err := f.Redeem(t.Context(), link, false)
			won <- err == nil
		})
	}
	wg.Wait()
	close(won)
	n := 0
	for ok := range won {
		if ok {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d callers redeemed one link", n)
	}
}

func TestLinkExpires(t *testing.T) {
	f := open(t)
	link, err := f.NewLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f.now = f.now.Add(LinkLifetime)
	_, err = f.Redeem(t.Context(), link, false)
	wantCode(t, err, http.StatusUnauthorized, "AuthenticationFailed")
}

func TestDeviceCode(t *testing.T) {
	f := open(t)
	device, err := f.StartDevice(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	poll := Grant{Type: GrantDevice, DeviceCode: device.Code}
	_, err = f.Token(t.Context(), poll)
	wantCode(t, err, 400, "authorization_pending")
	link, err := f.NewLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantCode(t, f.ApproveDevice(t.Context(), link, "BBBB-BBBB"), http.StatusNotFound, "ResourceNotFound")
	wantCode(t, f.ApproveDevice(t.Context(), "no link", device.UserCode), http.StatusNotFound, "ResourceNotFound")
	if err := f.ApproveDevice(t.Context(), link, " "+strings.ToLower(strings.ReplaceAll(device.UserCode, "-", " "))); err != nil {
		t.Fatal(err)
	}
	issued, err := f.Token(t.Context(), poll)
	if err != nil || issued.Principal.ID != f.facts.UserID {
		t.Fatalf("%+v, %v", issued, err)
	}
	_, err = f.Token(t.Context(), poll)
	wantCode(t, err, 400, "invalid_grant")

	late, err := f.StartDevice(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f.now = f.now.Add(DeviceLifetime)
	_, err = f.Token(t.Context(), Grant{Type: GrantDevice, DeviceCode: late.Code})
	wantCode(t, err, 400, "expired_token")
	if link, err = f.NewLink(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantCode(t, f.ApproveDevice(t.Context(), link, late.UserCode), http.StatusNotFound, "ResourceNotFound")
}
