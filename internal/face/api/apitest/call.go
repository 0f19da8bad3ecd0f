package apitest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// Call is one request of a test. A path without an api-version gets one.
type Call struct {
	Method, Path string
	Body         any // JSON text or a value to encode; nil: none
	Header       map[string]string
	Token        string // "" is the administrator's
}

// Answer is what came back. Body is nil unless it is a JSON object.
type Answer struct {
	Status int
	Header http.Header
	Body   map[string]any
	Raw    []byte
}

// Properties are those of the ARM object in the body.
func (a Answer) Properties() map[string]any {
	p, _ := a.Body["properties"].(map[string]any)
	return p
}

// Do sends a call.
func (s *Server) Do(c Call) Answer {
	s.t.Helper()
	path := c.Path
	if !strings.Contains(path, "api-version=") {
		separator := "?"
		if strings.Contains(path, "?") {
			separator = "&"
		}
		path += separator + "api-version=2024-01-01"
	}
	req, err := http.NewRequestWithContext(s.t.Context(), c.Method, s.URL+path, s.reader(c.Body))
	s.must(err)
	token := c.Token
	if token == "" {
		token = s.Token
	}
	req.Header.Set("Authorization", "Bearer "+token)
	for name, value := range c.Header {
		req.Header.Set(name, value)
	}
	resp, err := s.Client.Do(req)
	s.must(err)
	return s.read(resp)
}

func (s *Server) reader(body any) io.Reader {
	s.t.Helper()
	switch b := body.(type) {
	case nil:
		return nil
	case string:
		return strings.NewReader(b)
	}
	encoded, err := json.Marshal(body)
	s.must(err)
	return bytes.NewReader(encoded)
}

func (s *Server) read(resp *http.Response) Answer {
	s.t.Helper()
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	s.must(err)
	answer := Answer{Status: resp.StatusCode, Header: resp.Header, Raw: raw}
	if bytes.HasPrefix(raw, []byte("{")) && strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
		s.must(json.Unmarshal(raw, &answer.Body))
	}
	return answer
}

// Plain gets a path without a token.
func (s *Server) Plain(path string) Answer {
	s.t.Helper()
	resp, err := s.Client.Get(s.URL + path)
	s.must(err)
	return s.read(resp)
}

// Form posts a form without a token.
func (s *Server) Form(path string, values url.Values) Answer {
	s.t.Helper()
	resp, err := s.Client.PostForm(s.URL+path, values)
	s.must(err)
	return s.read(resp)
}

// SignIn returns a bearer token of a service principal.
func (s *Server) SignIn(id, secret string) string {
	s.t.Helper()
	a := s.Form("/adfs/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret}})
	token, _ := a.Body["access_token"].(string)
	if a.Status != http.StatusOK || token == "" {
		s.t.Fatalf("sign in: %d %s", a.Status, a.Raw)
	}
	return token
}

// Want sends a call that must be answered with a status.
func (s *Server) Want(status int, c Call) Answer {
	s.t.Helper()
	got := s.Do(c)
	if got.Status != status {
		s.t.Fatalf("%s %s: %d %s, want %d", c.Method, c.Path, got.Status, got.Raw, status)
	}
	return got
}

// Get asks for a path that must exist.
func (s *Server) Get(path string) Answer {
	s.t.Helper()
	return s.Want(http.StatusOK, Call{Method: "GET", Path: path})
}

// List follows a list to its end.
func (s *Server) List(path string) []map[string]any {
	s.t.Helper()
	all, _ := s.Pages(path)
	return all
}

// Pages is List that also counts the pages.
func (s *Server) Pages(path string) (all []map[string]any, pages int) {
	s.t.Helper()
	for pages = 1; pages < 1000; pages++ {
		body := s.Get(path).Body
		items, ok := body["value"].([]any)
		if !ok {
			s.t.Fatalf("GET %s: no list in %v", path, body)
		}
		for _, item := range items {
			object, _ := item.(map[string]any)
			all = append(all, object)
		}
		next, _ := body["nextLink"].(string)
		if next == "" {
			return all, pages
		}
		path = strings.TrimPrefix(next, s.URL)
	}
	s.t.Fatalf("GET %s: the list does not end", path)
	return nil, 0
}

// Fails sends a call that must be refused with a status and a code, in the form
// that clients of ARM expect.
func (s *Server) Fails(status int, code string, c Call) Answer {
	s.t.Helper()
	got := s.Want(status, c)
	detail, _ := got.Body["error"].(map[string]any)
	if message, _ := detail["message"].(string); detail["code"] != code || message == "" {
		s.t.Fatalf("%s %s: %s, want code %s", c.Method, c.Path, got.Raw, code)
	}
	if got.Header.Get("X-Ms-Error-Code") != code || got.Header.Get("X-Ms-Request-Id") == "" {
		s.t.Errorf("%s %s: headers %v lack the error code or the request id", c.Method, c.Path, got.Header)
	}
	return got
}

// Eventually polls until a condition holds, for at most ten seconds.
func Eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); <-tick.C {
		if holds() {
			return
		}
	}
	t.Fatalf("timed out: %s", what)
}
