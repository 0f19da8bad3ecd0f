package judge

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/catalog"
	"github.com/rampart-sec/rampart/internal/posture/history"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
	"github.com/rampart-sec/rampart/internal/posture/reopen"
)

// Estate is the judged estate of one tenant. Its exported methods may be called
// from any goroutine.
type Estate struct {
	judge   *Judge
	tenant  string
	created time.Time
	shadow  bool // of a sweep: it writes nothing, and shares names with the estate
	view    atomic.Pointer[index.View]
	events  broadcast

	refused refusals // documents that cannot be judged; of a sweep only

	log *history.Log // what was, as the store keeps it

	registered sync.Map               // folded ids of registered subscriptions
	rolled     atomic.Pointer[rollup] // roll, for readers that do not wait
	sweeping   atomic.Bool

	// mu guards everything below: the judge's side. Pages read views and never
	// wait for it; explanations and what-if, which need the evaluator, do.
	mu         sync.Mutex
	names      *record.Names
	slots      *catalog.SlotTable
	controls   *catalog.SlotTable // numbers controls for good, as slots recommendations
	objects    catalog.Objects
	governance *governanceState
	catalog    *catalog.Catalog
	current    *record.Schema
	ageless    bool // a sample tenant, whose data does not age
	roll       *rollup
	above      map[uint32][]arm.ID // management groups by number of subscription
	placed     int                 // counts changes of above
	compiled   int                 // placed when policies were compiled last
	eval       disablingEvaluator
	reports    *reports
	delivered  *deliveries
	bases      *reopen.Bases
	positions  map[int]uint64
	due        *deadlines
	nextTick   time.Time       // when time alone may change a verdict; zero: never
	recheck    *roaring.Bitmap // rows to judge again with the next batch
	unwritten  *update         // could not be recorded; is tried again first
	behind     *roaring.Bitmap // rows whose packed states are older than the view
	behindFrom uint64          // seq of the first change that behind is behind; 0: none
	sorting    atomic.Bool     // names are being sorted in the background
	background sync.WaitGroup
}

func newEstate(j *Judge, t store.Tenant) *Estate {
	e := &Estate{
		judge: j, tenant: t.ID, created: t.CreatedAt, names: record.NewNames(), slots: catalog.NewSlotTable(), controls: catalog.NewSlotTable(),
		above:     map[uint32][]arm.ID{},
		positions: map[int]uint64{}, behind: roaring.New(), recheck: roaring.New(), due: newDeadlines(),
	}
	e.ageless = t.Kind == store.TenantDemo
	e.log = &history.Log{Store: j.opt.Store, Tenant: t.ID, Log: j.opt.Log, Compaction: &j.compaction, View: e.View, Now: e.now, Retired: func(id string) *record.Recommendation { return catalog.Retired(j.opt.Library, id) }}
	e.delivered, e.bases = newDeliveries(), newBases(e)
	e.governance = newGovernanceState()
	e.reports = newReports(j, e.names)
	e.eval = disablingEvaluator{j.newEvaluator(e), e.reports}
	return e
}

// View is the current epoch; cheap.
func (e *Estate) View() *index.View { return e.view.Load() }

// History answers what was: scores over time, as of a time, and why they changed.
func (e *Estate) History() *history.Log { return e.log }

// Subscribe gives an Event for each new View until ctx ends, when the channel
// is closed. A reader that is slow gets the latest and misses those between.
func (e *Estate) Subscribe(ctx context.Context) <-chan Event { return e.events.subscribe(ctx) }

// Problems are the policy objects that cannot be used, each with the reason.
func (e *Estate) Problems() []record.Problem { return e.View().Schema().Problems }

// Registered reports whether a subscription (ARM id) is registered.
func (e *Estate) Registered(subscription string) bool {
	_, ok := e.registered.Load(arm.Fold(strings.TrimSuffix(subscription, "/")))
	return ok
}

// Register registers a subscription: the Free tier for every plan and the
// built-in initiative's assignment. Doing it again changes nothing.
func (e *Estate) Register(ctx context.Context, subscription string) error {
	return e.judge.plans.Register(ctx, e.tenant, subscription)
}

// Document is the stored document of a resource; arm.NotFound if there is none.
func (e *Estate) Document(ctx context.Context, id string) (*store.Resource, error) {
	var r *store.Resource
	err := e.judge.opt.Store.View(ctx, func(tx *store.Tx) error {
		var err error
		r, err = tx.Resource(ctx, e.tenant, id)
		return err
	})
	return r, err
}

// Children are the documents directly below a resource.
func (e *Estate) Children(ctx context.Context, id string) ([]store.Resource, error) {
	var all []store.Resource
	err := e.judge.opt.Store.View(ctx, func(tx *store.Tx) error {
		var err error
		all, err = tx.Children(ctx, e.tenant, id)
		return err
	})
	return all, err
}

// schema is that of the current catalog.
func (e *Estate) schema() *record.Schema { return e.current }

// publish makes a view current and tells subscribers.
func (e *Estate) publish(v *index.View) {
	e.view.Store(v)
	e.judge.metrics.resources.WithLabelValues(e.tenant).Set(float64(v.Resources()))
	e.judge.metrics.stale.WithLabelValues(e.tenant).Set(float64(v.Stale()))
	e.events.send(Event{Seq: v.Seq(), At: v.At()})
}

func (e *Estate) now() time.Time { return e.judge.opt.Now().UTC() }
