package registry

import (
	"context"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	server "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// start serves a registry in memory, behind wrap if it is not nil, and gives its
// host.
func start(t *testing.T, wrap func(http.Handler) http.Handler) string {
	t.Helper()
	h := server.New(server.Logger(log.New(io.Discard, "", 0)))
	if wrap != nil {
		h = wrap(h)
	}
	s := httptest.NewServer(h)
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return strings.TrimPrefix(s.URL, "http://")
}

func client(t *testing.T, o Options) *Client {
	t.Helper()
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func push(t *testing.T, host, ref string) v1.Image {
	t.Helper()
	m, err := random.Image(256, 2)
	if err != nil {
		t.Fatal(err)
	}
	r, err := name.ParseReference(host + "/" + ref)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(r, m); err != nil {
		t.Fatal(err)
	}
	return m
}

func digestOf(t *testing.T, m interface{ Digest() (v1.Hash, error) }) string {
	t.Helper()
	h, err := m.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return h.String()
}

func TestListsAndOpens(t *testing.T) {
	host := start(t, nil)
	m := push(t, host, "team/app:1")
	push(t, host, "team/app:2")
	push(t, host, "other:1")
	c := client(t, Options{Registry: host, Insecure: true, Rate: 1000})
	ctx := context.Background()
	repos, err := c.Repositories(ctx)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(repos)
	tags, err := c.Tags(ctx, "team/app")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]string{{"other", "team/app"}, {"1", "2"}}, [][]string{repos, tags}); diff != "" {
		t.Error(diff)
	}
	found, err := c.Resolve(ctx, "team/app", "1")
	if err != nil || len(found) != 1 || found[0].Digest != digestOf(t, m) {
		t.Fatalf("%+v, error %v", found, err)
	}
	img, err := c.Open(ctx, "team/app", found[0].Digest)
	if err != nil || len(img.Layers) != 2 {
		t.Fatalf("%+v, error %v", img, err)
	}
	for _, l := range img.Layers {
		r, err := l.Open(ctx)
		if err != nil {
			t.Fatal(err)
		}
		h, n, err := v1.SHA256(r)
		if err := errors.Join(err, r.Close()); err != nil || h.String() != l.Digest || n != l.Size {
			t.Errorf("%s, %d bytes, error %v", h, n, err)
		}
	}
	if _, err := c.Resolve(ctx, "team/app", "none"); !Gone(err) {
		t.Errorf("error %v", err)
	}
}

func TestIndexes(t *testing.T) {
	host := start(t, nil)
	image := func() v1.Image {
		m, err := random.Image(64, 1)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	amd, arm, note := image(), image(), image()
	inner := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: arm, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "arm", Variant: "v7"}}})
	index := mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: amd, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "amd64"}}},
		mutate.IndexAddendum{Add: note, Descriptor: v1.Descriptor{Annotations: map[string]string{"vnd.docker.reference.type": "attestation-manifest"}}}, mutate.IndexAddendum{Add: inner})
	ref, err := name.ParseReference(host + "/app:1")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(ref, index); err != nil {
		t.Fatal(err)
	}
	got, err := client(t, Options{Registry: host, Insecure: true, Rate: 1000}).Resolve(context.Background(), "app", "1")
	if err != nil {
		t.Fatal(err)
	}
	want := []Found{{Digest: digestOf(t, amd), Platform: "linux/amd64"}, {Digest: digestOf(t, arm), Platform: "linux/arm/v7"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestTokenAuth has a registry that wants a token from a service that wants a
// password.
func TestTokenAuth(t *testing.T) {
	var host string
	host = start(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch user, password, _ := r.BasicAuth(); {
			case r.URL.Path == "/token" && user == "reader" && password == "secret":
				fmt.Fprint(w, `{"token":"t0"}`) //nolint:errcheck // test
			case r.URL.Path == "/token":
				w.WriteHeader(http.StatusUnauthorized)
			case r.Header.Get("Authorization") == "Bearer t0":
				h.ServeHTTP(w, r)
			default:
				w.Header().Set("WWW-Authenticate", `Bearer realm="http://`+host+`/token",service="x"`)
				w.WriteHeader(http.StatusUnauthorized)
			}
		})
	})
	ctx := context.Background()
	good := client(t, Options{Registry: host, Insecure: true, Rate: 1000, Auth: Auth{Kind: "basic", Username: "reader", Password: "secret"}})
	if _, err := good.Repositories(ctx); err != nil {
		t.Error(err)
	}
	bad := client(t, Options{Registry: host, Insecure: true, Rate: 1000, Auth: Auth{Kind: "basic", Username: "reader", Password: "hunter2"}})
	_, err := bad.Repositories(ctx)
	if err == nil || !strings.Contains(err.Error(), "check the credentials") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("error %v", err)
	}
}

// TestAzureExchange has the directory and the registry give tokens as Azure does.
func TestAzureExchange(t *testing.T) {
	host := start(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm()
			switch {
			case r.URL.Path == "/tenant/oauth2/v2.0/token" && r.Form.Get("client_secret") == "s":
				fmt.Fprint(w, `{"access_token":"aad","expires_in":3600}`) //nolint:errcheck // test
			case r.URL.Path == "/oauth2/exchange" && r.Form.Get("access_token") == "aad":
				fmt.Fprint(w, `{"refresh_token":"refresh"}`) //nolint:errcheck // test
			case r.URL.Path == "/oauth2/token" && r.Form.Get("refresh_token") == "refresh":
				fmt.Fprint(w, `{"access_token":"access"}`) //nolint:errcheck // test
			case r.Header.Get("Authorization") == "Bearer access":
				h.ServeHTTP(w, r)
			default:
				w.Header().Set("WWW-Authenticate", `Bearer realm="http://`+r.Host+`/oauth2/token",service="`+r.Host+`"`)
				w.WriteHeader(http.StatusUnauthorized)
			}
		})
	})
	c := client(t, Options{Registry: host, Insecure: true, Rate: 1000, Auth: Auth{Kind: "acr", Tenant: "tenant", Username: "app", Password: "s", Endpoint: "http://" + host}})
	if _, err := c.Repositories(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestAmazonExchange(t *testing.T) {
	host := start(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch user, password, _ := r.BasicAuth(); {
			case r.Header.Get("X-Amz-Target") != "" && strings.Contains(r.Header.Get("Authorization"), "Credential=AKID/"):
				fmt.Fprintf(w, `{"authorizationData":[{"authorizationToken":%q,"expiresAt":%d}]}`, base64.StdEncoding.EncodeToString([]byte("AWS:pw")), time.Now().Add(time.Hour).Unix()) //nolint:errcheck // test
			case user == "AWS" && password == "pw":
				h.ServeHTTP(w, r)
			default:
				w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
				w.WriteHeader(http.StatusUnauthorized)
			}
		})
	})
	c := client(t, Options{Registry: host, Insecure: true, Rate: 1000, Auth: Auth{Kind: "ecr", Region: "eu-west-1", Username: "AKID", Password: "s", Endpoint: "http://" + host}})
	if _, err := c.Repositories(context.Background()); err != nil {
		t.Error(err)
	}
}

// TestSignature is a vector of the AWS documentation's key derivation, with the
// final signature computed by an independent implementation.
func TestSignatureIsStable(t *testing.T) {
	u, err := url.Parse("https://api.ecr.us-east-1.amazonaws.com/")
	if err != nil {
		t.Fatal(err)
	}
	r := &http.Request{Method: "POST", URL: u, Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {"T"}}}
	a := Auth{Region: "us-east-1", Username: "AKIDEXAMPLE", Password: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
	a.sign(r, []byte("{}"), "ecr", time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC))
	if got := r.Header.Get("Authorization"); !strings.HasPrefix(got, "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/ecr/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=") {
		t.Error(got)
	}
	// The key of the documentation's example ("Calculate the signature").
	key := []byte("AWS4" + a.Password)
	for _, part := range []string{"20150830", "us-east-1", "iam", "aws4_request"} {
		key = mac(key, part)
	}
	if got := fmt.Sprintf("%x", key); got != "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9" {
		t.Error(got)
	}
}

func TestPrivateAuthority(t *testing.T) {
	s := httptest.NewTLSServer(server.New(server.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(s.Close)
	host := strings.TrimPrefix(s.URL, "https://")
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if _, err := client(t, Options{Registry: host, CA: ca}).Repositories(context.Background()); err != nil {
		t.Error(err)
	}
	if _, err := client(t, Options{Registry: host}).Repositories(context.Background()); err == nil {
		t.Error("an unknown authority was trusted")
	}
	if _, err := New(Options{Registry: host, CA: []byte("x")}); err == nil {
		t.Error("a broken authority was taken")
	}
}

// TestHostileRegistries: each makes one clear error, soon.
func TestHostileRegistries(t *testing.T) {
	inside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"repositories":["secret"]}`) })) //nolint:errcheck // test
	t.Cleanup(inside.Close)
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	for _, tt := range []struct {
		name   string
		answer http.HandlerFunc
		want   string
	}{
		{"redirect-inside", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, inside.URL+"/v2/_catalog", http.StatusFound)
		}, "internal address"},
		{"realm-inside", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="`+inside.URL+`/token"`)
			w.WriteHeader(http.StatusUnauthorized)
		}, "link-local address"},
		{"hangs", func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-release:
			case <-r.Context().Done():
			}
		}, "timeout"},
		{"stalls", func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, `{"repositories":[`) //nolint:errcheck // test
			w.(http.Flusher).Flush()
			select {
			case <-release:
			case <-r.Context().Done():
			}
		}, "sent nothing"},
		{"endless", func(w http.ResponseWriter, _ *http.Request) {
			for range 40 {
				if _, err := io.WriteString(w, strings.Repeat(" ", 1<<20)); err != nil {
					return
				}
			}
		}, "larger than"},
		{"no-json", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, "invalid character"}, //nolint:errcheck // test
	} {
		t.Run(tt.name, func(t *testing.T) {
			host := start(t, func(http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/v2/" && tt.name != "realm-inside" {
						return
					}
					tt.answer(w, r)
				})
			})
			c := client(t, Options{Registry: host, Insecure: true, Rate: 1000, Stall: 300 * time.Millisecond})
			if _, err := c.Repositories(context.Background()); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestRedirectsToNamedHosts(t *testing.T) {
	inside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"repositories":["a"]}`) })) //nolint:errcheck // test
	t.Cleanup(inside.Close)
	host := start(t, func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/v2/" {
				http.Redirect(w, r, inside.URL+"/v2/_catalog", http.StatusFound)
			}
		})
	})
	c := client(t, Options{Registry: host, Insecure: true, Rate: 1000, AllowHosts: []string{strings.TrimPrefix(inside.URL, "http://")}})
	if repos, err := c.Repositories(context.Background()); err != nil || !slices.Equal(repos, []string{"a"}) {
		t.Errorf("%v, error %v", repos, err)
	}
}

func TestWaitsWhenAskedTo(t *testing.T) {
	times := 0
	host := start(t, func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if times++; r.URL.Path != "/v2/" && times < 4 {
				w.Header().Set("Retry-After", "0")
				w.WriteHeader(http.StatusTooManyRequests)
				return
			}
			fmt.Fprint(w, `{"repositories":["a"]}`) //nolint:errcheck // test
		})
	})
	if _, err := client(t, Options{Registry: host, Insecure: true, Rate: 1000}).Repositories(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	a := Auth{Kind: "basic", Username: "u", Password: "hunter2"}
	if text := fmt.Sprintf("%v %+v %#v %s", a, a, a, a); strings.Contains(text, "hunter2") {
		t.Error(text)
	}
}

func TestBadOptions(t *testing.T) {
	for _, o := range []Options{{}, {Registry: "a/b"}, {Registry: "user@host"}, {Registry: "host", Auth: Auth{Kind: "magic"}}} {
		if _, err := New(o); err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
}
