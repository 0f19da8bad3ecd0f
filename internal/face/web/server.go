package web

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/posture/compliance"
	"github.com/rampart-sec/rampart/internal/posture/exemption"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/judge"
	"github.com/rampart-sec/rampart/internal/posture/ownership"
	"github.com/rampart-sec/rampart/internal/posture/planning"
	"github.com/rampart-sec/rampart/internal/posture/whatif"
	"github.com/rampart-sec/rampart/internal/threat/alert"
)

// Options are what a Server needs. Judge, Access, Library, Now and Log must be
// set; a page whose optional part is missing says so.
type Options struct {
	Judge   *judge.Judge
	Access  Access
	Library *content.Library
	Objects Objects           // policies, exemptions, plans; nil: those pages only read
	Owners  *ownership.Owners // set where Objects is
	// Compliance keeps standards and attestations; nil: only what comes with
	// the product is shown.
	Compliance *compliance.Records
	// Exemptions takes requests and decisions; nil: nothing can be exempted.
	Exemptions *exemption.Approvals
	Images     Images      // nil: no registry is connected
	Plans      Plans       // nil: the settings page shows none
	Alerts     *alert.Book // nil: there are no alerts
	Tenants    Tenants     // the sample tenant's removal; nil: not offered
	Now        func() time.Time
	Log        *slog.Logger
	Version    string
	// Secret keys the tokens of forms, 32 bytes. Servers that share sessions
	// share it. nil makes a random one: forms opened before a restart must
	// then be opened again.
	Secret []byte
	// Assets replaces the embedded assets; nil means those.
	Assets fs.FS
}

// Server is the dashboard. It holds no state but its tables and what it derived of
// views, so any number of them may serve the same judge.
type Server struct {
	opt   Options
	fixes planning.Plans
	// freshness is kept per tenant and scope.
	freshness index.Latest[freshnessOf, freshness]
	previews  index.Latest[exemptionOf, planning.ExemptPreview]
	answers   index.Latest[string, *whatif.Report] // by tenant and address
	secret    []byte
	assets    *assets
	pages     templates
	handler   http.Handler  // the pages, for forms that are shown again
	streams   chan struct{} // one token per open event stream
}

// New checks the options and reads templates and assets. It starts nothing.
func New(opt Options) (*Server, error) {
	if opt.Judge == nil || opt.Access == nil || opt.Library == nil || opt.Now == nil || opt.Log == nil {
		return nil, errors.New("web: Judge, Access, Library, Now and Log are needed")
	}
	if opt.Compliance == nil {
		opt.Compliance = compliance.NewRecords(compliance.Options{Library: opt.Library, Now: opt.Now, Log: opt.Log})
	}
	if opt.Objects != nil && opt.Owners == nil {
		return nil, errors.New("web: Owners is needed where Objects is")
	}
	files := opt.Assets
	if files == nil {
		sub, err := fs.Sub(embedded, "assets")
		if err != nil {
			return nil, fmt.Errorf("open embedded assets: %w", err)
		}
		files = sub
	}
	a, err := loadAssets(files)
	if err != nil {
		return nil, fmt.Errorf("read assets: %w", err)
	}
	pages, err := parseTemplates()
	if err != nil {
		return nil, fmt.Errorf("parse templates: %w", err)
	}
	s := &Server{opt: opt, secret: opt.Secret, assets: a, pages: pages, streams: make(chan struct{}, maxStreams)}
	if s.secret == nil {
		s.secret = make([]byte, 32)
		_, _ = rand.Read(s.secret) // never fails: it ends the process instead
	}
	return s, nil
}

// Handler serves the pages. Paths below /t/<tenant>/ are the same pages of
// another tenant.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /assets/", s.assets)
	mux.Handle("GET /favicon.ico", http.RedirectHandler(s.assets.names["icon.svg"], http.StatusFound))
	mux.HandleFunc("GET /signin", s.signIn)
	mux.HandleFunc("POST /signin", s.signIn)
	mux.HandleFunc("POST /signout", s.signOut)
	mux.HandleFunc("POST /theme", s.setTheme)
	for path, show := range shows {
		mux.HandleFunc("GET "+path, s.page(show))
	}
	mux.HandleFunc("POST /what-if", s.ask(whatIfAsk))
	mux.HandleFunc("GET /events", s.events)
	for path, list := range streams {
		mux.HandleFunc("GET "+path, s.stream(list))
	}
	for path, act := range map[string]act{
		"/exempt":                   exempt,
		"/unexempt":                 unexempt,
		"/disable":                  disable,
		"/enable":                   enable,
		"/assign":                   assign,
		"/policy/effect":            setEffect,
		"/plan":                     setPlan,
		"/sample/remove":            removeSample,
		"/compliance/{id}/attest":   attest,
		"/compliance/{id}/withdraw": withdraw,
		"/compliance/new":           createStandard,
		"/compliance/{id}/edit":     changeStandard,
		"/compliance/{id}/control":  changeControl,
		"/compliance/{id}/delete":   deleteStandard,
		"/views":                    changeView,
		"/exemption/decide":         decide,
		"/exemption/rules":          setExemptionRules,
		"/promise":                  promise,
		"/unassign":                 unassign,
		"/governance/rule":          putRule,
		"/governance/override":      overrideRule,
		"/governance/delete":        deleteRule,
		"/alert":                    workOnAlert,
	} {
		mux.HandleFunc("POST "+path, s.write(act))
	}
	s.handler = splitTenant(mux)
	return guard(s.handler)
}
