package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// maxAnswer bounds what is read of an answer.
const maxAnswer = 64 << 20

// Client is signed in to one server. It is safe for concurrent use once made.
type Client struct {
	base  string
	token string
	http  *http.Client
}

// Dial signs in to the server of a bootstrap file. server replaces its URL
// where it is not empty.
func Dial(ctx context.Context, b Bootstrap, server string) (*Client, error) {
	pem, err := os.ReadFile(b.CA)
	if err != nil {
		return nil, fmt.Errorf("read the server's certificate authority: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", b.CA)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil
	transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	c := &Client{base: strings.TrimSuffix(b.URL, "/"), http: &http.Client{Transport: transport}}
	if server != "" {
		c.base = strings.TrimSuffix(server, "/")
	}
	return c, c.signIn(ctx, b)
}

// signIn gets a bearer token by client credentials (RFC 6749 section 4.4).
func (c *Client) signIn(ctx context.Context, b Bootstrap) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {b.ClientID}, "client_secret": {b.ClientSecret},
		"scope": {c.base + "/.default"}}
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	body := strings.NewReader(form.Encode())
	if err := c.do(ctx, call{http.MethodPost, "/adfs/oauth2/token", "application/x-www-form-urlencoded", body}, &answer); err != nil {
		return fmt.Errorf("sign in to %s: %w", c.base, err)
	}
	c.token = answer.AccessToken
	return nil
}

// ImportResult is what became of the lines of an import.
type ImportResult struct {
	Created   int         `json:"created"`
	Updated   int         `json:"updated"`
	Unchanged int         `json:"unchanged"`
	Stale     int         `json:"stale"`
	Rejected  []Rejection `json:"rejected"`
	// RejectedTotal counts all rejections; Rejected lists the first of them.
	RejectedTotal int `json:"rejectedTotal"`
	// Template is where an ARM template's resources were put, nil if there was none.
	Template *Placed `json:"template,omitempty"`
}

// Placed is a resource group; Assumed says that nobody named it.
type Placed struct {
	ResourceGroup string `json:"resourceGroup"`
	Assumed       bool   `json:"assumed"`
}

// Place says where an ARM template is deployed to; it does not say so itself.
type Place struct {
	Subscription  string // GUID or id, "" if nobody says
	ResourceGroup string
}

// Rejection is one line that could not be used.
type Rejection struct {
	Line   int    `json:"line"`
	ID     string `json:"id,omitempty"`
	Reason string `json:"reason"`
}

// Import streams resources (JSON Lines, an array, an ARM template) into the
// server.
func (c *Client) Import(ctx context.Context, r io.Reader, at Place) (ImportResult, error) {
	values := url.Values{}
	for name, value := range map[string]string{"subscription": at.Subscription, "resourceGroup": at.ResourceGroup} {
		if value != "" {
			values.Set(name, value)
		}
	}
	var res ImportResult
	err := c.do(ctx, call{http.MethodPost, "/rampart/v1/import?" + values.Encode(), "application/x-ndjson", r}, &res)
	return res, err
}

// Link asks for a new one-time sign-in link and returns its URL.
func (c *Client) Link(ctx context.Context) (string, error) {
	var answer struct {
		URL string `json:"url"`
	}
	err := c.do(ctx, call{http.MethodPost, "/rampart/v1/link", "application/json", strings.NewReader("{}")}, &answer)
	return answer.URL, err
}

// Health is what a server says of itself.
type Health struct {
	Status  string `json:"status"`
	Version string `json:"version"`
}

// Health asks whether the server serves, and which version it is.
func (c *Client) Health(ctx context.Context) (Health, error) {
	var h Health
	err := c.do(ctx, call{http.MethodGet, "/rampart/v1/health", "application/json", nil}, &h)
	return h, err
}

// Sweep is what judging the whole estate anew found.
type Sweep struct {
	Resources        int          `json:"resources"`
	Assessments      int          `json:"assessments"`
	Seconds          float64      `json:"seconds"`
	DifferencesTotal int          `json:"differencesTotal"`
	Differences      []Difference `json:"differences"` // the first of them
	Problems         []Problem    `json:"problems"`
	UnjudgedTotal    int          `json:"unjudgedTotal"`
	Unjudged         []Problem    `json:"unjudged"` // documents that cannot be judged, the first of them
}

// Difference is what the running estate says otherwise than a sweep.
type Difference struct {
	ResourceID     string `json:"resourceId"`
	Recommendation string `json:"recommendation"`
	Kept           string `json:"kept"`
	Swept          string `json:"swept"`
}

// Problem is a policy object, or a document, that cannot be used.
type Problem struct {
	ID     string `json:"id"`
	Reason string `json:"reason"`
}

// Sweep has the server judge the whole estate anew and compare.
func (c *Client) Sweep(ctx context.Context) (Sweep, error) {
	var s Sweep
	err := c.do(ctx, call{http.MethodPost, "/rampart/v1/sweep", "application/json", strings.NewReader("{}")}, &s)
	return s, err
}

type call struct {
	method, path, contentType string
	body                      io.Reader
}

// do sends one request and decodes a 2xx answer; any other is an error that
// carries the server's own sentence.
func (c *Client) do(ctx context.Context, what call, into any) error {
	req, err := http.NewRequestWithContext(ctx, what.method, c.base+what.path, what.body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", what.contentType)
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		return errors.New(message(resp.Status, data))
	}
	return json.NewDecoder(bytes.NewReader(data)).Decode(into)
}

// message finds the sentence in an ARM or OAuth error body.
func message(status string, data []byte) string {
	var body struct {
		Error       json.RawMessage `json:"error"`
		Description string          `json:"error_description"`
	}
	var arm struct{ Message string }
	if json.Unmarshal(data, &body) == nil {
		if json.Unmarshal(body.Error, &arm) == nil && arm.Message != "" {
			return arm.Message
		}
		if body.Description != "" {
			return body.Description
		}
	}
	return "the server answered " + status
}
