package web

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// TestRefusedForm sends a form that cannot be saved: the answer leads back and
// gives back what was written, escaped.
func TestRefusedForm(t *testing.T) {
	s := newStage(t, 40)
	token := regexp.MustCompile(`name="token" value="([^"]+)"`).FindStringSubmatch(s.get("/"))[1]
	form := url.Values{"token": {token}, "recommendation": {s.worst().Recommendation.ID}, "category": {"Waiver"},
		"reason": {`Because of <our> "rules".`}, "expires": {"2001-01-01"}, "etag": {"sealed"}}
	for referer, back := range map[string]string{
		s.url + "/exempt?id=x":                 `href="/exempt?id=x">Back to the form`,
		"http://elsewhere.example/exempt?id=x": "",
		"":                                     "",
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/exempt", strings.NewReader(form.Encode()))
		check(t, err)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Referer", referer)
		answer, err := s.client.Do(r)
		check(t, err)
		raw, err := io.ReadAll(answer.Body)
		check(t, err)
		_ = answer.Body.Close()
		body := string(raw)
		if answer.StatusCode != http.StatusBadRequest || !strings.Contains(body, "<h1>This was not saved</h1>") {
			t.Errorf("status %d: %s", answer.StatusCode, body)
		}
		if !strings.Contains(body, `<dd>Because of &lt;our&gt; &#34;rules&#34;.</dd>`) || strings.Contains(body, "sealed") {
			t.Errorf("not what was written: %s", body)
		}
		if strings.Contains(body, "Back to the form") != (back != "") || !strings.Contains(body, back) {
			t.Errorf("from %q: want %q in %s", referer, back, body)
		}
	}
}
