package detect

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/threat/alert"
	"github.com/rampart-sec/rampart/internal/threat/correlate"
	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/event/input"
	"github.com/rampart-sec/rampart/internal/threat/event/sources"
)

// Live runs a program over what a server receives and raises alerts. It is safe
// for concurrent use; the batches of a tenant are taken one after the other.
type Live struct {
	program *Program
	book    *alert.Book
	store   *store.DB
	now     func() time.Time

	mu      sync.Mutex
	tenants map[string]*tenantRun
}

type tenantRun struct {
	mu  sync.Mutex
	run *Run
}

// NewLive begins with empty windows.
func NewLive(p *Program, book *alert.Book, db *store.DB, now func() time.Time) *Live {
	return &Live{program: p, book: book, store: db, now: now, tenants: map[string]*tenantRun{}}
}

// Program is what runs.
func (l *Live) Program() *Program { return l.program }

// Batch says what a stream of events is.
type Batch struct {
	Tenant   string
	Resource string // ARM id of the resource that the events are about; "" where each says itself
	Source   string // name of the source; "" tells it by its start
	From     string // who sent it, for lateness
}

// Result is what became of a batch.
type Result struct {
	Events  int    `json:"events"`
	Skipped int    `json:"skipped"`
	Reason  string `json:"reason,omitempty"`  // of the first record that was skipped
	Alerts  int    `json:"alerts"`            // that were raised or repeated
	Dropped int    `json:"dropped,omitempty"` // hits beyond what one batch may raise
}

// maxFindings bounds what one batch may raise: a rule that matches everything
// cannot hold the others up.
const maxFindings = 10_000

// Take reads a batch to its end, then stores its alerts in one transaction: when
// it returns without error, they are stored. A batch that comes again, byte for
// byte, counts once and raises the same alerts.
func (l *Live) Take(ctx context.Context, b Batch, in io.Reader) (res Result, err error) {
	// The whole batch first: who sends slowly must not keep the others waiting.
	whole, err := spool(in)
	if err != nil {
		return res, err
	}
	defer whole.remove()
	t := l.tenant(b.Tenant)
	t.mu.Lock()
	defer t.mu.Unlock()
	var findings []alert.Finding
	err = input.Walk("events", whole.file, input.DefaultLimits, func(_ string, in io.Reader) error {
		files := &Files{Program: l.program, Source: b.Source}
		source, in, err := files.source(in)
		if err != nil {
			return arm.Invalid("events: %s", err)
		}
		return l.read(ctx, t.run, b, source, in, &res, &findings)
	})
	if err != nil {
		return res, err
	}
	err = l.store.Update(ctx, func(tx *store.Tx) error {
		changed, err := l.book.Raise(ctx, tx, findings)
		res.Alerts = len(changed)
		return err
	})
	return res, err
}

func (l *Live) tenant(id string) *tenantRun {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.tenants[id]
	if t == nil {
		t = &tenantRun{run: l.program.NewRun(correlate.Options{})}
		l.tenants[id] = t
	}
	return t
}

func (l *Live) read(ctx context.Context, run *Run, b Batch, source sources.Source, in io.Reader, res *Result, findings *[]alert.Finding) error {
	dec := source.New(in, l.program.Schema())
	var rec event.Record
	names := namer{batch: b, rec: &rec, seen: map[[sha256.Size]byte]int{}}
	number := func() uint64 { return idNumber(names.id()) }
	for {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		err := dec.Next(&rec)
		var bad *event.SkipError
		switch {
		case err == io.EOF:
			return nil
		case errors.As(err, &bad):
			if res.Skipped++; res.Reason == "" {
				res.Reason = bad.Error()
			}
			continue
		case err != nil:
			return arm.Invalid("events: %s", err)
		}
		res.Events++
		if t := rec.Time(); t.IsZero() {
			rec.SetTime(l.now()) // it was received now, which is the best that is known
		}
		names.next()
		run.Record(&rec, b.From, number, func(h Hit) {
			if len(*findings) == maxFindings {
				res.Dropped++
				return
			}
			*findings = append(*findings, l.finding(h, b, &rec, names.id()))
		})
	}
}

// namer names the events of a batch that matched something.
type namer struct {
	batch Batch
	rec   *event.Record
	seen  map[[sha256.Size]byte]int // how often an event stood in the batch
	name  string                    // of the current event, "" until it is asked for
}

func (n *namer) next() { n.name = "" }

// id is a hash of where the event is from and what it says, and for events that
// are equal to the letter which of them it is. The same batch gives the same ids.
func (n *namer) id() string {
	if n.name != "" {
		return n.name
	}
	h := sha256.New()
	fmt.Fprintf(h, "%d:%s%d:%s%d:", len(n.batch.From), n.batch.From, len(n.batch.Resource), n.batch.Resource, n.rec.Time().UnixNano())
	h.Write(n.rec.Raw)
	sum := [sha256.Size]byte(h.Sum(nil))
	n.seen[sum]++
	if again := n.seen[sum]; again > 1 {
		sum = sha256.Sum256(fmt.Appendf(sum[:], " %d", again))
	}
	n.name = hex.EncodeToString(sum[:16])
	return n.name
}

func idNumber(id string) (n uint64) {
	for i := range 16 {
		c := id[i]
		if c >= 'a' {
			c = c - 'a' + 10
		} else {
			c -= '0'
		}
		n = n<<4 | uint64(c)
	}
	return n
}

func (l *Live) finding(h Hit, b Batch, rec *event.Record, id string) alert.Finding {
	var f alert.Finding
	if h.Correlation != nil {
		f = correlationFinding(h, rec, id)
	} else {
		f = ruleFinding(h.Rule, h.Fields, rec, id)
	}
	f.Tenant, f.Resource = b.Tenant, b.Resource
	if f.Resource == "" {
		f.Resource = resourceOf(rec)
	}
	if parsed, err := arm.ParseID(f.Resource); err == nil {
		f.Subscription = parsed.Subscription()
	}
	return f
}

// resourceOf is the ARM id that a cloud's record names, "" if it names none.
func resourceOf(rec *event.Record) string {
	field := fieldOf(rec)
	for _, name := range []string{"resourceId", "properties.resourceId", "subscriptionId"} {
		text, ok := field(name)
		if !ok {
			continue
		}
		if name == "subscriptionId" {
			text = "/subscriptions/" + text
		}
		if id, err := arm.ParseID(text); err == nil && id.Subscription() != "" {
			return text
		}
	}
	return ""
}
