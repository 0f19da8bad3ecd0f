package posture

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rampart-sec/rampart/content"
)

// Options are what a Judge needs. Library, Now and Log must be set.
type Options struct {
	Library   *content.Library
	Baselines []*content.Baseline // texts of host checks; may be nil
	Now       func() time.Time
	Log       *slog.Logger
	// StaleAfter is the freshness of documents whose source states none;
	// 0 means 24 h.
	StaleAfter time.Duration
	Registerer prometheus.Registerer // may be nil
}

// Judge keeps one Estate per tenant true to the store: it loads them all, then
// follows the change feed.
type Judge struct {
	opt   Options
	ready chan struct{}
}

// New makes a Judge; it starts nothing.
func New(opt Options) (*Judge, error) {
	return &Judge{opt: opt, ready: make(chan struct{})}, nil
}

// Run loads every tenant, then follows the change feed until ctx ends.
func (j *Judge) Run(ctx context.Context) error { <-ctx.Done(); return nil }

// Ready is closed when the first load is done.
func (j *Judge) Ready() <-chan struct{} { return j.ready }

// Estate is the estate of a tenant, nil if there is none. "" is the default
// tenant.
func (j *Judge) Estate(tenant string) *Estate { return nil }

// Tenants are the names of all estates, sorted.
func (j *Judge) Tenants() []string { return nil }
