package scanner

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rampart-sec/rampart/internal/base/software"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/vuln/advisory"
	"github.com/rampart-sec/rampart/internal/vuln/image"
	"github.com/rampart-sec/rampart/internal/vuln/image/registry"
	"github.com/rampart-sec/rampart/internal/vuln/rematch"
)

// Advisories gives the advisories of the moment; *advisory.Live does.
type Advisories interface {
	Acquire() (db *advisory.DB, release func(), err error)
}

// Options wires a Scanner. All but Cache, Registerer and Workers must be set.
type Options struct {
	Store      *store.DB
	Tenant     string
	Advisories Advisories
	Connectors []Connector
	// Deliver writes documents, deletions among them, into the inventory.
	Deliver func(ctx context.Context, tenant string, docs []wire.Document) error
	Cache   *image.Cache
	Workers int           // 0 is 2
	MaxAge  time.Duration // a scan with older advisories is an error; 0 for any age
	// Seen is told of the packages of every image, so that the advisories of their
	// ecosystems can be fetched. It may be nil.
	Seen       func([]software.Package)
	Now        func() time.Time
	Log        *slog.Logger
	Registerer prometheus.Registerer
}

// Scanner is safe for concurrent use.
type Scanner struct {
	o          Options
	connectors map[string]*connected
	order      []string
	wake       chan struct{} // something is due
	claim      sync.Mutex    // one worker at a time takes the next
	scans      *prometheus.CounterVec
	index      *rematch.Index // which image has which package
	indexed    atomic.Bool    // it knows all images
}

// connected is a connector and how it does.
type connected struct {
	Connector
	client *registry.Client

	mu       sync.Mutex
	listed   time.Time // when it was last listed without an error
	problem  string    // of the last listing, "" if it went well
	problems int       // in a row
}

// New checks the connectors. It starts nothing and asks nobody.
func New(o Options) (*Scanner, error) {
	if o.Workers == 0 {
		o.Workers = 2
	}
	s := &Scanner{o: o, connectors: map[string]*connected{}, wake: make(chan struct{}, 1), index: rematch.NewIndex(),
		scans: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "rampart_image_scans_total", Help: "Scans of images, by how they ended."}, []string{"result"})}
	var errs []error
	for _, c := range o.Connectors {
		if err := c.check(); err != nil {
			errs = append(errs, err)
			continue
		}
		if s.connectors[c.Name] != nil {
			errs = append(errs, fmt.Errorf("two registries are called %s", c.Name))
		}
		client, err := registry.New(c.Registry)
		if err != nil {
			errs = append(errs, fmt.Errorf("registry %s: %w", c.Name, err))
		}
		s.connectors[c.Name] = &connected{Connector: c, client: client}
		s.order = append(s.order, c.Name)
	}
	if o.Registerer != nil {
		age := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "rampart_image_queue_seconds", Help: "Age of the oldest image that waits for its first scan."}, s.queueAge)
		errs = append(errs, o.Registerer.Register(s.scans), o.Registerer.Register(age))
	}
	return s, errors.Join(errs...)
}

// Run lists the registries and scans until ctx ends.
func (s *Scanner) Run(ctx context.Context) error {
	if err := s.resume(ctx); err != nil {
		return err
	}
	var all sync.WaitGroup
	for _, name := range s.order {
		all.Go(func() { s.follow(ctx, s.connectors[name]) })
	}
	for range s.o.Workers {
		all.Go(func() { s.work(ctx) })
	}
	all.Wait()
	return ctx.Err()
}

// resume makes due what was being scanned when the process ended.
func (s *Scanner) resume(ctx context.Context) error {
	return s.o.Store.Update(ctx, func(tx *store.Tx) error {
		rows, err := tx.Images(ctx, store.ImageQuery{Tenant: s.o.Tenant, ByStatus: true, Status: inProgress, Due: s.o.Now().Add(24 * time.Hour)})
		if err != nil {
			return err
		}
		for _, r := range rows {
			full, err := tx.Image(ctx, s.o.Tenant, r.Connector, r.Digest)
			if err != nil {
				return err
			}
			full.Status, full.Next = unscanned, s.o.Now()
			if err := tx.PutImage(ctx, *full); err != nil {
				return err
			}
		}
		return nil
	})
}

// awake tells the workers that something is due.
func (s *Scanner) awake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// State says how a connector does.
type State struct {
	Name     string
	Registry string
	Listed   time.Time // zero if it never was
	Problem  string    // why the last listing failed
	Images   int
	Waiting  int           // for their first scan
	Failed   int           // whose last scan failed
	Oldest   time.Duration // of those that wait
}

// States describes the connectors, in the order in which they were configured.
func (s *Scanner) States(ctx context.Context) ([]State, error) {
	var all []State
	for _, name := range s.order {
		c := s.connectors[name]
		c.mu.Lock()
		st := State{Name: name, Registry: c.Registry.Registry, Listed: c.listed, Problem: c.problem}
		c.mu.Unlock()
		err := s.each(ctx, name, func(r *store.ImageRow) error {
			st.Images++
			switch r.Status {
			case unscanned, inProgress:
				st.Waiting++
				st.Oldest = max(st.Oldest, s.o.Now().Sub(r.Queued))
			case failed:
				st.Failed++
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		all = append(all, st)
	}
	return all, nil
}

func (s *Scanner) queueAge() float64 {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second) // a scrape has no context
	defer cancel()
	states, err := s.States(ctx)
	oldest := time.Duration(0)
	for _, st := range states {
		oldest = max(oldest, st.Oldest)
	}
	if err != nil {
		return -1
	}
	return oldest.Seconds()
}

// each calls fn with every row of a connector, without inventories.
func (s *Scanner) each(ctx context.Context, connector string, fn func(*store.ImageRow) error) error {
	var after *store.ImageRow
	for {
		var rows []store.ImageRow
		err := s.o.Store.View(ctx, func(tx *store.Tx) (err error) {
			rows, err = tx.Images(ctx, store.ImageQuery{Tenant: s.o.Tenant, Connector: connector, After: after})
			return err
		})
		if err != nil || len(rows) == 0 {
			return err
		}
		for i := range rows {
			if err := fn(&rows[i]); err != nil {
				return err
			}
		}
		after = &rows[len(rows)-1]
	}
}
