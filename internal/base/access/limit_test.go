package access

import (
	"net/http"
	"testing"
	"time"
)

func TestFailuresAreLimited(t *testing.T) {
	f := open(t)
	wrong := Grant{Type: GrantClient, ClientID: f.facts.ClientID, ClientSecret: "x", Remote: "192.0.2.1"}
	right := wrong
	right.ClientSecret = f.facts.ClientSecret
	for range maxFailuresOfName {
		_, err := f.Token(t.Context(), wrong)
		wantCode(t, err, 401, "invalid_client")
	}
	_, err := f.Token(t.Context(), right)
	wantCode(t, err, http.StatusTooManyRequests, "temporarily_unavailable")

	elsewhere := right
	elsewhere.Remote = "192.0.2.2"
	if _, err := f.Token(t.Context(), elsewhere); err != nil {
		t.Errorf("a stranger's failures must not lock out the owner: %v", err)
	}
	f.now = f.now.Add(failureWindow)
	if _, err := f.Token(t.Context(), right); err != nil {
		t.Errorf("after the window: %v", err)
	}
}

func TestLimiterIsBounded(t *testing.T) {
	var l limiter
	now := time.Unix(0, 0)
	for i := range 3 * maxTracked {
		l.fail(string(rune(i)), string(rune(i)), now)
	}
	if len(l.remote) > maxTracked || len(l.named) > maxTracked {
		t.Errorf("%d and %d counters are kept", len(l.remote), len(l.named))
	}
}
