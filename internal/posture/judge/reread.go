package judge

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/catalog"
	"github.com/rampart-sec/rampart/internal/posture/index"
)

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
	base  *index.View
	begun *index.Rereading
	done  atomic.Int64

	mu    sync.Mutex
	shown time.Time
}

func (e *Estate) newProgress(types, definitions []string) *progress {
	base := e.View()
	p := &progress{e: e, base: base, begun: index.NewRereading(e.now())}
	for _, t := range types {
		if n, ok := e.names.Types.Find(t); ok {
			p.begun.Total += base.OfType(n)
		}
	}
	for _, id := range definitions {
		if slot, ok := base.Schema().Slot(catalog.RecommendationID(id)); ok {
			p.begun.Add(slot)
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
		marked := p.base.WhileRereading(p.begun, int(p.done.Load()))
		p.e.view.Store(marked)
		p.e.events.send(Event{Seq: marked.Seq(), At: marked.At()})
	}
}
