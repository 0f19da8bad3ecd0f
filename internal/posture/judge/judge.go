package judge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/content/baselines"
	"github.com/rampart-sec/rampart/internal/base/inventory"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/catalog"
	"github.com/rampart-sec/rampart/internal/posture/finding"
	"github.com/rampart-sec/rampart/internal/posture/history"
	"github.com/rampart-sec/rampart/internal/posture/plan"
	"github.com/rampart-sec/rampart/internal/posture/policy"
	"github.com/rampart-sec/rampart/internal/posture/risk"
)

// Options are what a Judge needs. Store and Library must be set.
type Options struct {
	Store     *store.DB
	Inventory *inventory.Inventory // wakes the judge; nil: the store's own wake-ups
	Library   *content.Library
	Baselines []*baselines.Baseline // texts of host checks; may be nil
	Aliases   *policy.Aliases       // nil: the built-in table
	Policy    policy.Options
	Now       func() time.Time // nil: time.Now
	Log       *slog.Logger     // nil discards
	// StaleAfter is the freshness of documents: older ones are stale. 0 means
	// 24 h. Documents that the inventory made up never go stale.
	StaleAfter time.Duration
	// KeepUnregistered leaves subscriptions that are seen for the first time
	// alone; by default each is registered, which assigns the built-in
	// initiative.
	KeepUnregistered bool
	Registerer       prometheus.Registerer // may be nil
	// Relax is called before a sweep, which allocates as much as a start does, and
	// what it returns after it. nil: nothing.
	Relax func() (restore func())
}

// reader is the judge's name in the positions of the change feed.
const reader = "posture"

// Judge keeps one Estate per tenant true to the store: it loads them all, then
// follows the change feed. One judge writes to a store at a time.
type Judge struct {
	opt     Options
	builtIn *catalog.BuiltIn
	risk    *risk.Model
	plans   *plan.Plans
	sources *finding.Sources
	metrics *metrics
	ready   chan struct{}
	once    sync.Once

	newEvaluator func(*Estate) evaluator // tests put an oracle here
	compaction   history.Compaction      // tests make it frequent
	behind       writeBehind             // likewise
	together     int                     // rows above which a change is written by all processors; likewise
	patience     time.Duration           // of sweeps, between two looks at what differs

	mu      sync.RWMutex
	estates map[string]*Estate
}

// New makes a Judge; it starts nothing. The library's policies are parsed here,
// so an error names the built-in definition that is wrong.
func New(opt Options) (*Judge, error) {
	if opt.Store == nil {
		return nil, errors.New("posture: Store must be set")
	}
	return newJudge(opt)
}

// newJudge is New without demanding a store.
func newJudge(opt Options) (*Judge, error) {
	if opt.Library == nil {
		return nil, errors.New("posture: Library must be set")
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Relax == nil {
		opt.Relax = func() func() { return func() {} }
	}
	if opt.Aliases == nil {
		opt.Aliases = policy.NewAliases()
	}
	if opt.StaleAfter == 0 {
		opt.StaleAfter = 24 * time.Hour
	}
	builtIn, err := catalog.NewBuiltIn(opt.Library)
	if err != nil {
		return nil, err
	}
	model, err := content.Risk()
	if err != nil {
		return nil, err
	}
	j := &Judge{
		sources: finding.NewSources(opt.Library, opt.Baselines),
		opt:     opt, builtIn: builtIn, risk: risk.New(model), plans: plan.New(opt.Store, opt.Now),
		metrics: newMetrics(opt.Registerer), ready: make(chan struct{}), estates: map[string]*Estate{},
		compaction: history.DefaultCompaction, behind: defaultBehind, together: manyTouched, patience: tickEvery + 5*time.Second,
	}
	j.newEvaluator = func(e *Estate) evaluator {
		n := newEngineEvaluator(opt.Policy, e.now, e.reread)
		n.delivered = e.delivered.known
		return n
	}
	return j, nil
}

// Ready is closed when the first load is done.
func (j *Judge) Ready() <-chan struct{} { return j.ready }

// Aliases is the table by which policies name properties.
func (j *Judge) Aliases() *policy.Aliases { return j.opt.Aliases }

// Estate is the estate of a tenant, nil if there is none (yet). "" is the
// default tenant.
func (j *Judge) Estate(tenant string) *Estate {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.estates[tenant]
}

// Tenants are the names of all estates, sorted.
func (j *Judge) Tenants() []string {
	j.mu.RLock()
	defer j.mu.RUnlock()
	var all []string
	for name := range j.estates {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// longestWait bounds how long the judge sleeps without looking at the feed and
// the clock, should a wake be lost or the clock jump.
const longestWait = 15 * time.Second

// Run loads every tenant, then follows the change feed until ctx ends. An
// error of the store is logged and retried; only one at the first load ends it.
func (j *Judge) Run(ctx context.Context) error {
	wake := j.watch(ctx)
	if err := j.step(ctx); err != nil {
		return fmt.Errorf("load the estate: %w", err)
	}
	j.once.Do(func() { close(j.ready) })
	for {
		timer := time.NewTimer(j.pause())
		select {
		case <-ctx.Done():
			timer.Stop()
			return j.settle(ctx)
		case <-wake:
		case <-timer.C:
		}
		timer.Stop()
		if err := j.step(ctx); err != nil && ctx.Err() == nil {
			j.opt.Log.Error("judging is behind; it is tried again", "error", err)
		}
	}
}

func (j *Judge) watch(ctx context.Context) <-chan struct{} {
	if j.opt.Inventory != nil {
		return j.opt.Inventory.Watch(ctx)
	}
	return j.opt.Store.Watch(ctx)
}

// pause is how long nothing is due.
func (j *Judge) pause() time.Duration {
	pause := longestWait
	for _, name := range j.Tenants() {
		if due, ok := j.Estate(name).next(); ok {
			pause = min(pause, due.Sub(j.opt.Now()))
		}
	}
	return max(pause, 0)
}

// step brings every tenant up to date.
func (j *Judge) step(ctx context.Context) error {
	tenants, err := j.meet(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range tenants {
		if err := e.catchUp(ctx); err != nil && !store.IsNoTenant(err) {
			errs = append(errs, fmt.Errorf("tenant %q: %w", e.tenant, err))
		}
	}
	return errors.Join(errs...)
}

// meet lists the tenants of the store, loads new ones and forgets those gone.
func (j *Judge) meet(ctx context.Context) ([]*Estate, error) {
	var known []store.Tenant
	err := j.opt.Store.View(ctx, func(tx *store.Tx) error {
		var err error
		known, err = tx.Tenants(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	var all []*Estate
	for _, t := range known {
		e := j.Estate(t.ID)
		if e == nil || !e.created.Equal(t.CreatedAt) {
			if e, err = j.load(ctx, t); err != nil {
				return nil, fmt.Errorf("tenant %q: %w", t.ID, err)
			}
		}
		all = append(all, e)
	}
	j.forget(all)
	return all, nil
}

func (j *Judge) load(ctx context.Context, t store.Tenant) (*Estate, error) {
	e := newEstate(j, t)
	if err := e.load(ctx); err != nil {
		return nil, err
	}
	if e.View().Resources() > manyTouched {
		e.log.Warm(ctx)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.estates[t.ID] = e
	return e, nil
}

// forget drops the estates that are not among those kept.
func (j *Judge) forget(keep []*Estate) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for name, e := range j.estates {
		if !slices.Contains(keep, e) {
			delete(j.estates, name)
		}
	}
}

// settle writes what is still behind when the judge stops.
func (j *Judge) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	for _, name := range j.Tenants() {
		j.Estate(name).background.Wait()
		j.Estate(name).log.Wait()
		if err := j.Estate(name).flush(ctx, allBehind); err != nil {
			j.opt.Log.Warn("states are written again at the next start", "tenant", name, "error", err)
		}
	}
	return nil
}
