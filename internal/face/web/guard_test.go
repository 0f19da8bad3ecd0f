package web

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/rampart-sec/rampart/internal/base/access"
	"github.com/rampart-sec/rampart/internal/base/arm"
)

// doorman is an Access with one valid code and one valid session.
type doorman struct{ out bool }

var errNoSession = &arm.Error{Status: http.StatusUnauthorized, Code: "InvalidAuthenticationToken", Message: "There is no session."}

func (d *doorman) Session(r *http.Request) (access.Principal, error) {
	if sessionOf(r) != "valid" {
		return access.Principal{}, errNoSession
	}
	return access.Principal{Name: "admin"}, nil
}

func (d *doorman) Redeem(_ context.Context, link string, secure bool) (*http.Cookie, error) {
	if link != "good" {
		return nil, &arm.Error{Status: http.StatusUnauthorized, Message: "This sign-in link was used before or has expired."}
	}
	return &http.Cookie{Name: access.SessionCookie, Value: "valid", Secure: secure}, nil
}

func (d *doorman) SignOut(*http.Request) (*http.Cookie, error) {
	d.out = true
	return &http.Cookie{Name: access.SessionCookie, MaxAge: -1}, nil
}

func guarded(t *testing.T) (*Server, *doorman) {
	s := fixtureServerOf(t)
	d := &doorman{}
	s.opt.Access = d
	return s, d
}

func TestSignIn(t *testing.T) {
	s, _ := guarded(t)
	for _, c := range []struct {
		name, method, target, body string
		status                     int
		want                       string
	}{
		{"link", "GET", "/signin?code=good", "", http.StatusSeeOther, ""},
		{"typedCode", "POST", "/signin", "code=good", http.StatusSeeOther, ""},
		{"pastedLink", "POST", "/signin", "code=" + url.QueryEscape("http://127.0.0.1:8080/signin?code=good"), http.StatusSeeOther, ""},
		{"spentLink", "GET", "/signin?code=bad", "", http.StatusUnauthorized, "used before"},
		{"noCode", "GET", "/signin", "", http.StatusUnauthorized, "rampart admin link"},
		{"stranger", "GET", "/recommendations", "", http.StatusUnauthorized, "rampart admin link"},
		{"strangerInTheSample", "GET", "/t/demo/", "", http.StatusUnauthorized, "rampart admin link"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(c.method, c.target, strings.NewReader(c.body))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			w := httptest.NewRecorder()
			s.Handler().ServeHTTP(w, r)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
				t.Fatalf("status %d, want %d with %q: %s", w.Code, c.status, c.want, w.Body)
			}
			if signedIn := strings.Contains(w.Header().Get("Set-Cookie"), "valid"); signedIn != (c.status == http.StatusSeeOther) {
				t.Errorf("cookie: %q", w.Header().Get("Set-Cookie"))
			}
		})
	}
}

// TestFormsNeedTokenAndOrigin sends the sign-out form in every wrong way.
func TestFormsNeedTokenAndOrigin(t *testing.T) {
	for _, c := range []struct {
		name   string
		token  func(*Server) string
		header map[string]string
		status int
	}{
		{"right", func(s *Server) string { return s.formToken("valid") }, map[string]string{"Sec-Fetch-Site": "same-origin"}, http.StatusSeeOther},
		{"rightWithoutHeaders", func(s *Server) string { return s.formToken("valid") }, nil, http.StatusSeeOther},
		{"noToken", func(*Server) string { return "" }, map[string]string{"Sec-Fetch-Site": "same-origin"}, http.StatusForbidden},
		{"otherSession", func(s *Server) string { return s.formToken("other") }, map[string]string{"Sec-Fetch-Site": "same-origin"}, http.StatusForbidden},
		{"otherSite", func(s *Server) string { return s.formToken("valid") }, map[string]string{"Sec-Fetch-Site": "cross-site"}, http.StatusForbidden},
		{"otherOrigin", func(s *Server) string { return s.formToken("valid") }, map[string]string{"Origin": "https://evil.example"}, http.StatusForbidden},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, d := guarded(t)
			r := httptest.NewRequest(http.MethodPost, "/signout", strings.NewReader("token="+c.token(s)))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.AddCookie(&http.Cookie{Name: access.SessionCookie, Value: "valid"})
			for name, value := range c.header {
				r.Header.Set(name, value)
			}
			w := httptest.NewRecorder()
			s.Handler().ServeHTTP(w, r)
			if w.Code != c.status || d.out != (c.status == http.StatusSeeOther) {
				t.Errorf("status %d, signed out %v; want %d", w.Code, d.out, c.status)
			}
		})
	}
}

func TestFormTooLarge(t *testing.T) {
	s, _ := guarded(t)
	r := httptest.NewRequest(http.MethodPost, "/signout", strings.NewReader("token="+strings.Repeat("x", maxForm+1)))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d", w.Code)
	}
}

func TestHeaders(t *testing.T) {
	s, _ := guarded(t)
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	csp := w.Header().Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "form-action 'self'"} {
		if !strings.Contains(csp, want) {
			t.Errorf("policy lacks %s: %s", want, csp)
		}
	}
	if strings.Contains(csp, "unsafe") || w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("headers: %v", w.Header())
	}
}

func TestAssetsAreKept(t *testing.T) {
	s, _ := guarded(t)
	style := fetch(t, s.Handler(), s.assets.names["rampart.css"])
	if style.Code != http.StatusOK || !strings.Contains(style.Header().Get("Cache-Control"), "immutable") || !strings.HasPrefix(style.Header().Get("Content-Type"), "text/css") {
		t.Errorf("style sheet: %d %v", style.Code, style.Header())
	}
	for _, target := range []string{"/assets/", "/assets/000000000000/rampart.css", "/assets/../doc.go", "/assets/vendor/.gitignore"} {
		if w := fetch(t, s.Handler(), target); w.Code == http.StatusOK {
			t.Errorf("%s was served", target)
		}
	}
}

func TestTheme(t *testing.T) {
	s, _ := guarded(t)
	for choice, want := range map[string]string{"dark": "theme=dark", "light": "theme=light", "": "theme=;", "evil": "theme=;"} {
		form := url.Values{"token": {s.formToken("valid")}, "theme": {choice}, "back": {"/posture"}}
		r := httptest.NewRequest(http.MethodPost, "/theme", strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.AddCookie(&http.Cookie{Name: access.SessionCookie, Value: "valid"})
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		if got := w.Header().Get("Set-Cookie"); !strings.Contains(got, want) || w.Header().Get("Location") != "/posture" {
			t.Errorf("%q: %q, to %q", choice, got, w.Header().Get("Location"))
		}
	}
}

func TestZone(t *testing.T) {
	for value, want := range map[string]string{"Europe%2FBerlin": "Europe/Berlin", "..%2F..%2Fetc%2Fpasswd": "UTC", "%zz": "UTC", "Local": "UTC", strings.Repeat("x", 100): "UTC"} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.AddCookie(&http.Cookie{Name: "tz", Value: value})
		if got := zone(r).String(); got != want {
			t.Errorf("%q: got %s, want %s", clip(value, 30), got, want)
		}
	}
}
