package posture

import (
	"context"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
)

// Rereading says that policies changed so that they ask for what nobody has kept
// of the documents, which are being read again. Until that is done the verdicts
// of some recommendations are those from before.
type Rereading struct {
	Since       time.Time
	Done, Total int // documents
	slots       map[uint16]bool
}

// Percent is how much is done, 0..100.
func (r *Rereading) Percent() int {
	if r.Total == 0 {
		return 0
	}
	return min(100*r.Done/r.Total, 100)
}

// Recommendations is the number of recommendations whose verdicts are old.
func (r *Rereading) Recommendations() int { return len(r.slots) }

// Rereading is what is being read again while this view is shown, nil if
// nothing is.
func (v *View) Rereading() *Rereading { return v.rereading }

// isPending reports whether a verdict is one from before a policy edit.
func (v *View) isPending(slot uint16) bool { return v.rereading != nil && v.rereading.slots[slot] }

// progressEvery is how often progress is shown.
const progressEvery = 500 * time.Millisecond

// reread gives the documents of some types again, for policies that changed
// (the ids of their definitions), on all processors. Views tell how far it is.
func (e *Estate) reread(ctx context.Context, types, definitions []string, load func(handle uint32, doc *wire.Document)) error {
	low, high, n, err := e.judge.opt.Store.HandleRange(ctx, e.tenant)
	if err != nil || n == 0 {
		return err
	}
	p := e.newProgress(types, definitions)
	p.show()
	rules := e.reports.inForce()
	err = e.scanParts(ctx, store.ScanRange{Tenant: e.tenant, From: low, To: high, Types: types}, func(rng store.ScanRange) error {
		return e.judge.opt.Store.ScanResources(ctx, rng, func(res *store.Resource) error {
			load(res.Handle, e.reports.document(&res.Doc, rules))
			p.step()
			return ctx.Err()
		})
	})
	if err != nil {
		p.e.view.Store(p.base)
	}
	return err
}

// progress shows how far rereading is. What it shows is the view that was
// current, marked; the view that the edit makes has no mark.
type progress struct {
	e     *Estate
	base  *View
	begun Rereading
	done  atomic.Int64

	mu    sync.Mutex
	shown time.Time
}

func (e *Estate) newProgress(types, definitions []string) *progress {
	base := e.View()
	p := &progress{e: e, base: base, begun: Rereading{Since: e.now(), slots: map[uint16]bool{}}}
	for _, t := range types {
		if n, ok := e.names.types.find(t); ok {
			p.begun.Total += base.types.At(n).Len()
		}
	}
	for _, id := range definitions {
		if slot, ok := base.shape.slot(RecommendationID(id)); ok {
			p.begun.slots[slot] = true
		}
	}
	return p
}

func (p *progress) step() {
	if p.done.Add(1)%1024 == 0 {
		p.show()
	}
}

func (p *progress) show() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := p.e.now(); now.Sub(p.shown) >= progressEvery {
		p.shown = now
		marked, state := *p.base, p.begun
		state.Done, state.slots = int(p.done.Load()), maps.Clone(state.slots)
		marked.rereading = &state
		p.e.view.Store(&marked)
		p.e.events.send(Event{Seq: marked.seq, At: marked.at})
	}
}
