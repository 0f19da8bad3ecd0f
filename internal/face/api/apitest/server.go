// Package apitest serves the API over TLS on a store of its own, with a judge
// at work, for tests in process: of the API itself and of public clients.
//
// It must never import web or app, and nothing but tests may import it.
package apitest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/access"
	"github.com/rampart-sec/rampart/internal/base/access/certs"
	"github.com/rampart-sec/rampart/internal/base/inventory"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/face/api"
	"github.com/rampart-sec/rampart/internal/posture/judge"
	"github.com/rampart-sec/rampart/internal/posture/plan"
	"github.com/rampart-sec/rampart/internal/threat/alert"
	"github.com/rampart-sec/rampart/internal/threat/detect"
)

// Server is the API at work. It stops when its test ends.
type Server struct {
	URL       string
	DB        *store.DB
	Inventory *inventory.Inventory
	Access    *access.Access
	Judge     *judge.Judge
	Facts     access.Facts
	CAFile    string       // PEM file that clients must trust
	Client    *http.Client // trusts it
	Token     string       // bearer token of the administrator

	t    testing.TB
	skew atomic.Int64 // added to the clock
}

// New starts a server with one empty subscription and waits until it is ready.
func New(t testing.TB) *Server { return NewWith(t, nil) }

// NewWith is New with detection rules; nil: none run.
func NewWith(t testing.TB, rules *detect.Program) *Server {
	t.Helper()
	s := &Server{t: t}
	library, err := content.Load()
	s.must(err)
	s.DB, err = store.Open(t.Context(), store.Options{URL: "sqlite:" + filepath.Join(t.TempDir(), "rampart.db"), Now: s.Now})
	s.must(err)
	t.Cleanup(func() { _ = s.DB.Close() })
	s.Inventory = inventory.New(inventory.Options{Store: s.DB, Now: s.Now, Subscription: plan.New(s.DB, s.Now).FollowSubscription})
	s.Access = access.New(access.Options{Store: s.DB, Now: s.Now})
	s.Facts, err = s.Access.Bootstrap(t.Context())
	s.must(err)
	s.Judge, err = judge.New(judge.Options{Store: s.DB, Inventory: s.Inventory, Library: library, Now: s.Now})
	s.must(err)
	s.judge()
	options := api.Options{Judge: s.Judge, Store: s.DB, Inventory: s.Inventory, Access: s.Access, Library: library, Now: s.Now, Version: "test"}
	if rules != nil {
		options.Alerts = alert.NewBook(s.DB, s.Now, func(string, string) alert.Context { return alert.Context{} })
		options.Detect = detect.NewLive(rules, options.Alerts, s.DB, s.Now)
	}
	handler, err := api.New(options)
	s.must(err)
	s.listen(handler)
	s.Token = s.SignIn(s.Facts.ClientID, s.Facts.ClientSecret)
	return s
}

// judge runs the judge until the test ends.
func (s *Server) judge() {
	ctx, cancel := context.WithCancel(s.t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- s.Judge.Run(ctx) }()
	s.t.Cleanup(func() { cancel(); <-stopped })
	select {
	case <-s.Judge.Ready():
	case err := <-stopped:
		s.t.Fatalf("judge: %v", err)
	}
}

// listen serves with the certificate that the product makes.
func (s *Server) listen(handler http.Handler) {
	identity, err := certs.Ensure(certs.Options{Dir: filepath.Join(s.t.TempDir(), "tls"), Now: time.Now})
	s.must(err)
	server := httptest.NewUnstartedServer(handler)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{identity.Certificate}}
	server.StartTLS()
	s.t.Cleanup(server.Close)
	pem, err := os.ReadFile(identity.CAFile)
	s.must(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	s.t.Cleanup(transport.CloseIdleConnections)
	s.URL, s.CAFile, s.Client = server.URL, identity.CAFile, &http.Client{Transport: transport}
}

// Now is the server's clock.
func (s *Server) Now() time.Time { return time.Now().Add(time.Duration(s.skew.Load())) }

// Advance puts the server's clock forward.
func (s *Server) Advance(d time.Duration) { s.skew.Add(int64(d)) }

func (s *Server) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}
