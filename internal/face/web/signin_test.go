package web

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// TestSignInReturns leads back to the page that was asked for, by the form and by
// a link, and to no other site.
func TestSignInReturns(t *testing.T) {
	s, _ := guarded(t)
	h := s.Handler()
	serve := func(method, target, body string, cookies ...*http.Cookie) *http.Response {
		r := httptest.NewRequest(method, target, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for _, c := range cookies {
			r.AddCookie(c)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Result()
	}
	const page = "/t/demo/recommendations?state=unhealthy&q=a+b"
	first := serve("GET", page, "")
	raw := make([]byte, 64<<10)
	n, _ := first.Body.Read(raw)
	if !strings.Contains(string(raw[:n]), `name="back" value="/t/demo/recommendations?state=unhealthy&amp;q=a&#43;b"`) {
		t.Errorf("the form does not keep the page: %s", raw[:n])
	}
	if got := serve("POST", "/signin", "code=good&back="+url.QueryEscape(page)).Header.Get("Location"); got != page {
		t.Errorf("by the form: %q", got)
	}
	if got := serve("GET", "/signin?code=good", "", first.Cookies()...).Header.Get("Location"); got != page {
		t.Errorf("by a link: %q", got)
	}
	if got := serve("GET", "/signin?code=good", "").Header.Get("Location"); got != "/" {
		t.Errorf("nothing was asked for: %q", got)
	}
	for _, evil := range []string{"//evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example", "https:evil.example", "javascript:alert(1)", "/%2fevil.example/", "/%5cevil.example",
		"/\t/evil.example", "/\r\nSet-Cookie: a=b", "/%0d%0aSet-Cookie:a=b", "///evil.example", " //evil.example", "/.//\\evil.example", "evil.example", "http:/evil", "//user@evil.example", "/signin?code=x", "/" + strings.Repeat("a", 5000)} {
		for how, r := range map[string]*http.Response{
			"form":   serve("POST", "/signin", "code=good&back="+url.QueryEscape(evil)),
			"link":   serve("GET", "/signin?code=good&back="+url.QueryEscape(evil), ""),
			"cookie": serve("GET", "/signin?code=good", "", &http.Cookie{Name: "asked", Value: url.QueryEscape(evil)}),
		} {
			if got := r.Header.Get("Location"); r.StatusCode != http.StatusSeeOther || got != "/" {
				t.Errorf("%s %q leads to %q (%d)", how, evil, got, r.StatusCode)
			}
			for _, c := range r.Cookies() {
				if c.Name == "a" {
					t.Errorf("%s %q sets a cookie", how, evil)
				}
			}
		}
	}
}
