package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/content/baselines"
	"github.com/rampart-sec/rampart/internal/base/access"
	"github.com/rampart-sec/rampart/internal/base/access/certs"
	"github.com/rampart-sec/rampart/internal/base/inventory"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/face/api"
	"github.com/rampart-sec/rampart/internal/face/client"
	"github.com/rampart-sec/rampart/internal/face/web"
	"github.com/rampart-sec/rampart/internal/posture/compliance"
	"github.com/rampart-sec/rampart/internal/posture/exemption"
	"github.com/rampart-sec/rampart/internal/posture/exposure"
	"github.com/rampart-sec/rampart/internal/posture/judge"
	"github.com/rampart-sec/rampart/internal/posture/ownership"
	"github.com/rampart-sec/rampart/internal/posture/plan"
	"github.com/rampart-sec/rampart/internal/posture/policy"
	"github.com/rampart-sec/rampart/internal/vuln/advisory"
)

// Options are what a server needs beside its configuration. All but Ready
// must be set.
type Options struct {
	Config  Config // checked
	Version string
	Now     func() time.Time
	Log     *slog.Logger
	// Ready is called once, when everything listens; the first assessment may
	// still be under way.
	Ready func(Status)
}

// Status says where a running server is found.
type Status struct {
	URL       string // API and agents, TLS
	Dashboard string // pages, "" if they are served at URL alone
	AdminURL  string // one-time sign-in link
	Data      string
	Notes     []string // what an operator should know, one sentence each
}

// App is one server. Start it once, then Stop it.
type App struct {
	opt    Options
	life   *lifecycle
	status Status
	judge  *judge.Judge
}

// New checks nothing and starts nothing.
func New(opt Options) *App {
	return &App{opt: opt, life: newLifecycle(opt.Log)}
}

// Run starts a server, waits until ctx ends or a part of it fails, and stops
// it.
func Run(ctx context.Context, opt Options) error {
	a := New(opt)
	if err := a.Start(ctx); err != nil {
		return errors.Join(err, a.Stop())
	}
	if opt.Ready != nil {
		opt.Ready(a.status)
	}
	return errors.Join(a.Wait(ctx), a.Stop())
}

// Wait returns when ctx ends (nil) or when a part of the server failed.
func (a *App) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-a.life.failed:
		return err
	}
}

// Status is valid after Start.
func (a *App) Status() Status { return a.status }

// Stop ends everything that Start started, newest first, within ten seconds; the log
// and the error say which part takes long.
// It is idempotent.
func (a *App) Stop() error { return a.life.stop() }

// Start builds the rooms from the ground up and starts them. It is one long
// function on purpose: the order of construction is the order of reading, and
// each teardown stands beside what it ends. On an error the caller stops what
// was started.
func (a *App) Start(ctx context.Context) error {
	c, now, log := a.opt.Config, a.opt.Now, a.opt.Log
	metrics := prometheus.NewRegistry()

	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return fmt.Errorf("data folder: %w; choose another with --data", err)
	}
	library, err := content.Load()
	if err != nil {
		return fmt.Errorf("content: %w", err)
	}
	checks, err := baselines.Load()
	if err != nil {
		return fmt.Errorf("content: %w", err)
	}

	// Listeners first: a busy port is found before anything is written.
	apiListener, err := listen(c.Listen, c.StepPorts)
	if err != nil {
		return err
	}
	a.life.onStop("listener", closeQuietly(apiListener))
	var pagesListener net.Listener
	if c.Dashboard != "off" {
		if pagesListener, err = listen(c.Dashboard, c.StepPorts); err != nil {
			return err
		}
		a.life.onStop("dashboard listener", closeQuietly(pagesListener))
	}

	// Ground: store, identity, inventory.
	db, err := store.Open(ctx, store.Options{URL: c.storeURL(), Now: now, Log: log})
	if err != nil {
		return err
	}
	a.life.onStop("store", func(context.Context) error { return db.Close() })
	identity, err := certs.Ensure(certs.Options{Dir: filepath.Join(c.Data, "tls"), Hosts: c.certificateHosts(), Now: now})
	if err != nil {
		return err
	}
	acc := access.New(access.Options{Store: db, Now: now, Log: log})
	facts, err := acc.Bootstrap(ctx)
	if err != nil {
		return err
	}
	tiers := plan.New(db, now)
	inv := inventory.New(inventory.Options{Store: db, Now: now, Log: log, KeepHistory: c.KeepHistory, Subscription: tiers.FollowSubscription})
	a.life.run(ctx, "maintenance", inv.Maintain)

	// Judgement.
	var gc collector
	aliases := policy.NewAliases()
	if c.Aliases != "" {
		if err := aliases.LoadFile(c.Aliases); err != nil {
			return fmt.Errorf("aliases: %w", err)
		}
	}
	judge, err := judge.New(judge.Options{Store: db, Aliases: aliases, Inventory: inv, Library: library, Baselines: checks,
		Now: now, Log: log, StaleAfter: c.StaleAfter, Registerer: metrics, Relax: gc.relax})
	if err != nil {
		return err
	}
	a.judge = judge
	restoreGC := gc.relax()
	a.life.run(ctx, "posture", judge.Run)
	a.life.run(ctx, "first load", func(ctx context.Context) error {
		select {
		case <-judge.Ready():
		case <-ctx.Done():
		}
		restoreGC()
		return nil
	})

	records := compliance.NewRecords(compliance.Options{Store: db, Library: library, Now: now, Log: log})
	a.life.run(ctx, "compliance", compliance.NewRecorder(records, judge).Run)

	// Vulnerabilities.
	advisories := advisory.NewLive(c.Advisories)
	images, err := a.newScanner(imageParts{db, deliver(inv, log), advisories, facts.SubscriptionID, metrics})
	if err != nil {
		return err
	}

	// Threats.
	alerts, live := threatParts(db, judge, detectionProgram(c.Data, log), a.opt)

	// Faces.
	base := a.address(apiListener)
	signInBase := base
	if pagesListener != nil {
		a.status.Dashboard = "http://" + pagesListener.Addr().String()
		signInBase = a.status.Dashboard
	}
	armAPI, err := api.New(api.Options{Judge: judge, Store: db, Inventory: inv, Access: acc, Library: library, Plans: tiers, Compliance: records,
		Alerts: alerts, Detect: live, Now: now, Log: log, BaseURL: base, Version: a.opt.Version, Metrics: metrics})
	if err != nil {
		return err
	}
	armAPI.SetSignInBase(signInBase)
	var imagesOfPages web.Images // nil is none: a nil *Scanner in it would not be
	if images != nil {
		imagesOfPages = images
	}
	pages, err := web.New(web.Options{Images: imagesOfPages, Judge: judge, Access: acc, Library: library, Objects: objects{db}, Owners: ownership.New(db, judge, now), Plans: plans{tiers, now},
		Compliance: records, Exemptions: &exemption.Approvals{Store: db, Now: now},
		Tenants: tenants{db, inv}, Alerts: alerts, Now: now, Log: log, Version: a.opt.Version})
	if err != nil {
		return err
	}

	a.status.URL, a.status.Data = base, c.Data
	certificate, err := c.certificate(identity)
	if err != nil {
		return err
	}
	var tlsHandler http.Handler = armAPI
	if pagesListener == nil {
		tlsHandler = both(armAPI, pages.Handler())
	}
	a.serve(ctx, "api", tls.NewListener(apiListener, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1"}}), withNotifications(tlsHandler, images))
	if pagesListener != nil {
		a.serve(ctx, "dashboard", pagesListener, loopbackHost(withMetrics(withNotifications(pages.Handler(), images), metrics)))
	}

	// Credentials for scripts, and the link for a person.
	link, err := acc.NewLink(ctx)
	if err != nil {
		return err
	}
	a.status.AdminURL = signInBase + web.SignInPath + "?code=" + link
	secret := facts.ClientSecret
	if secret == "" { // not the first start: keep the one that scripts have, if it is right
		old, _ := client.ReadBootstrap(c.Data) // without the file there is none to keep
		if secret, err = acc.KeepSecret(ctx, old.ClientSecret); err != nil {
			return err
		}
	}
	bootstrap := client.Bootstrap{URL: base, CA: identity.CAFile, TenantID: facts.TenantID, SubscriptionID: facts.SubscriptionID,
		ClientID: facts.ClientID, ClientSecret: secret, AdminURL: a.status.AdminURL}
	if err := bootstrap.Write(c.Data); err != nil {
		return err
	}

	// Sources.
	a.life.run(ctx, "exposure", func(ctx context.Context) error {
		select { // the first view comes first: what is stored holds the exposure of before
		case <-judge.Ready():
		case <-ctx.Done():
			return ctx.Err()
		}
		return exposure.Follow(ctx, exposure.Options{Store: db, Deliver: deliver(inv, log), Now: now, Log: log})
	})
	if c.FetchAdvisories == "nightly" {
		a.life.run(ctx, "nightly fetch", a.fetchNightly)
	}
	if images != nil {
		a.life.run(ctx, "image scanner", images.Run)
		a.life.run(ctx, "advisories", func(ctx context.Context) error {
			return followAdvisories(ctx, c.Advisories, advisories, func(ctx context.Context, change advisory.Change, err error) error {
				if err == nil {
					err = images.Rematch(ctx, change)
				}
				if err != nil && !errors.Is(err, advisory.ErrNone) {
					log.Error("images could not be matched with the new advisories", "error", err)
				}
				return ctx.Err()
			})
		})
	}
	if c.Agent {
		if err := a.startAgent(ctx, agentParts{deliver(inv, log), checks, facts.SubscriptionID}); err != nil {
			return err
		}
	}
	if c.Demo {
		a.life.run(ctx, "demo", demo{db, inv, judge, library, records, now, log}.run)
	}
	return nil
}

// serve runs an HTTP server on a listener until the lifecycle ends it.
func (a *App) serve(ctx context.Context, name string, l net.Listener, h http.Handler) {
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(a.opt.Log.Handler(), slog.LevelDebug),
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	a.life.run(ctx, name, func(ctx context.Context) error {
		ended := make(chan error, 1)
		go func() { ended <- srv.Serve(l) }()
		select {
		case err := <-ended:
			return err
		case <-ctx.Done():
		}
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if srv.Shutdown(grace) != nil {
			_ = srv.Close() // open event streams do not end by themselves
		}
		<-ended
		return nil
	})
}

// address is the URL that clients use for the TLS listener.
func (a *App) address(l net.Listener) string {
	host, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return "https://" + l.Addr().String()
	}
	if a.opt.Config.Advertise != "" {
		host = a.opt.Config.Advertise
	} else if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return "https://" + net.JoinHostPort(host, port)
}

func closeQuietly(l net.Listener) func(context.Context) error {
	return func(context.Context) error {
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	}
}
