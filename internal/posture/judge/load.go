package judge

import (
	"context"
	"errors"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/catalog"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/plan"
	"github.com/rampart-sec/rampart/internal/posture/policy/engine"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// Names of the judge's settings.
const (
	slotsSetting = "posture.slots" // []string, ids of recommendations by slot
	stateSetting = "posture.state" // storedState
	// controlsSetting holds ids of controls by number.
	controlsSetting = "posture.controls"
	// deliveredSetting holds deliveries: types by subscription.
	deliveredSetting = "posture.delivered"
)

// storedState is what a restart must know beside rows and positions.
type storedState struct {
	Seq uint64 `json:"seq"`
	// Behind is the seq from which on moves must be applied to packed states,
	// because they were to be written behind them; 0: none.
	Behind uint64 `json:"behind,omitempty"`
}

// load judges the whole tenant from the store and publishes the first view.
// The feed's heads are read before the documents: what changes meanwhile is
// read twice, which changes nothing.
func (e *Estate) load(ctx context.Context) error {
	state, err := e.restore(ctx)
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.compile(ctx); err != nil {
		return err
	}
	e.view.Store(index.Empty(e.names, e.schema()).From(state.Seq))
	if err := e.reapplyAllRules(ctx); err != nil { // nothing is there yet: it takes in the rules
		return err
	}
	e.behindFrom = state.Behind
	rows, err := e.scan(ctx)
	if err != nil {
		return err
	}
	changed, err := e.log.CatchUp(ctx, state.Behind, rows)
	if err != nil {
		return err
	}
	if !e.shadow {
		e.behind.AddMany(changed)
	}
	return e.first(ctx, rows, state)
}

// restore reads positions, slots and policy objects.
func (e *Estate) restore(ctx context.Context) (state storedState, err error) {
	err = e.judge.opt.Store.View(ctx, func(tx *store.Tx) error {
		if e.positions, err = tx.Heads(ctx, e.tenant); err != nil {
			return err
		}
		var ids []string
		if err := tx.Setting(ctx, e.tenant, slotsSetting, &ids); err != nil && !arm.IsNotFound(err) {
			return err
		}
		e.slots.Restore(ids)
		if err := e.restoreMoves(ctx, tx); err != nil {
			return err
		}
		var delivered map[string][]string
		if err := tx.Setting(ctx, e.tenant, deliveredSetting, &delivered); err != nil && !arm.IsNotFound(err) {
			return err
		}
		e.delivered.restore(delivered)
		if err := e.bases.Restore(ctx, tx, e.tenant); err != nil {
			return err
		}
		if err := tx.Setting(ctx, e.tenant, stateSetting, &state); err != nil && !arm.IsNotFound(err) {
			return err
		}
		return e.readObjects(ctx, tx)
	})
	return state, err
}

func (e *Estate) readObjects(ctx context.Context, tx *store.Tx) error {
	for _, kind := range slices.Concat([]string{plan.Kind}, catalog.ObjectKinds, governKinds) {
		all, err := tx.Objects(ctx, store.ObjectQuery{Tenant: e.tenant, Kind: kind})
		if err != nil {
			return err
		}
		for i := range all {
			e.keep(kind, all[i].ID, &all[i])
		}
	}
	return nil
}

// registrationMark is the end of the folded id of the setting that every
// registered subscription has.
const registrationMark = "/providers/microsoft.security/pricings/foundationalcspm"

// keep takes an object in, or out (nil), and reports whether it matters to
// judging.
func (e *Estate) keep(kind, id string, o *store.Object) bool {
	if sub, ok := strings.CutSuffix(arm.Fold(id), registrationMark); ok && kind == plan.Kind {
		if o != nil {
			e.registered.Store(sub, true)
			if e.delivered.add(sub, plan.SettingType) { // every plan is known: it is on Free until somebody sets it
				e.eval.deliver(sub, plan.SettingType)
			}
		}
		return false // registration is never undone
	}
	if e.governance.keep(kind, id, o) {
		return false // what it reaches, the governance state tells
	}
	return e.objects.Put(kind, id, o)
}

// scan reads all documents in parallel, into the evaluator and as rows whose
// statuses are those that were stored.
func (e *Estate) scan(ctx context.Context) ([]*record.Row, error) {
	low, high, n, err := e.judge.opt.Store.HandleRange(ctx, e.tenant)
	if err != nil || n == 0 {
		return nil, err
	}
	e.eval.expect(n)
	var mu sync.Mutex
	parts := map[uint32][]*record.Row{} // by first handle
	err = e.scanParts(ctx, store.ScanRange{Tenant: e.tenant, From: low, To: high}, func(rng store.ScanRange) error {
		rows, err := e.scanRange(ctx, rng)
		mu.Lock()
		defer mu.Unlock()
		parts[rng.From] = rows
		return err
	})
	rows := make([]*record.Row, 0, n)
	for _, from := range slices.Sorted(maps.Keys(parts)) {
		rows = append(rows, parts[from]...)
	}
	return rows, err
}

// scanStep is how many handles are scanned at once: few enough that no processor
// is left with much more than another.
const scanStep = 1 << 13

// scanParts cuts a range of handles into parts, which are scanned on all
// processors.
func (e *Estate) scanParts(ctx context.Context, whole store.ScanRange, scan func(store.ScanRange) error) error {
	steps := int64(whole.To-whole.From)/scanStep + 1
	errs := make([]error, min(int64(runtime.GOMAXPROCS(0)), steps))
	var next atomic.Int64
	var wg sync.WaitGroup
	for w := range errs {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < steps && errs[w] == nil; i = next.Add(1) - 1 {
				part := whole
				part.From += uint32(i) * scanStep
				part.To = min(part.From+scanStep-1, whole.To)
				errs[w] = scan(part)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// scanRange reads the rows of a range.
func (e *Estate) scanRange(ctx context.Context, rng store.ScanRange) ([]*record.Row, error) {
	rows := make([]*record.Row, 0, rng.To-rng.From+1)
	err := e.judge.opt.Store.ScanResources(ctx, rng, func(res *store.Resource) error {
		r, err := e.names.Place(res.Handle, &res.Doc)
		if err != nil {
			e.refuse(&res.Doc, err)
			return nil
		}
		if cells, tasks, err := record.Unpack(res.States); err == nil {
			r.Statuses, r.Tasks = cells, tasks
			r.Assessed = true
		}
		outline := e.loadOne(r, &res.Doc)
		e.names.Describe(r, e.judge.risk, &res.Doc, outline)
		rows = append(rows, r)
		return ctx.Err()
	})
	return rows, err
}

// loadOne gives a row's document to the evaluator before anything is evaluated.
func (e *Estate) loadOne(r *record.Row, doc *wire.Document) engine.Outline {
	e.delivered.note(r, doc)
	outline, err := e.eval.load(r.Handle, doc)
	if err != nil {
		e.refuse(doc, err)
	}
	return outline
}

// take gives a row's document to the evaluator.
func (e *Estate) take(r *record.Row, doc *wire.Document) {
	subscription, typ, first := e.delivered.note(r, doc)
	if err := e.eval.upsert(r.Handle, doc); err != nil {
		e.refuse(doc, err)
	}
	if first {
		e.eval.deliver(subscription, typ)
	}
}

// refuse notes a document that cannot be judged; it is listed without
// assessments.
func (e *Estate) refuse(doc *wire.Document, err error) {
	if e.shadow {
		e.refused.add(doc.ID, err) // the estate has said so, by document
		return
	}
	e.judge.metrics.refused.WithLabelValues(e.tenant).Inc()
	e.judge.opt.Log.Warn("a document cannot be judged", "tenant", e.tenant, "id", doc.ID, "error", err)
}

// recompile takes in what was found out only by reading the documents: groups
// above subscriptions, and the assignments of those registered just now.
func (e *Estate) recompile(ctx context.Context, rows []*record.Row) error {
	again := false
	for _, r := range rows {
		again = e.placeAbove(r) || again
	}
	seen := map[uint32]bool{}
	for _, r := range rows {
		seen[r.Subscription] = true
	}
	some, err := e.registerNew(ctx, seen)
	if err != nil {
		return err
	}
	if some {
		again = true
		if err := e.judge.opt.Store.View(ctx, func(tx *store.Tx) error { return e.readObjects(ctx, tx) }); err != nil {
			return err
		}
	}
	if !again {
		return nil
	}
	return e.compile(ctx)
}

// first judges all rows and publishes.
func (e *Estate) first(ctx context.Context, rows []*record.Row, state storedState) error {
	if err := e.recompile(ctx, rows); err != nil {
		return err
	}
	if err := e.reapplyAllRules(ctx); err != nil {
		return err
	}
	e.reassignOwners(e.View()) // nothing is judged yet: there is nothing to reach
	t := e.begin(index.Empty(e.names, e.schema()).From(state.Seq), nil)
	t.builder.Rebuilding, t.builder.SkipNames = true, true
	var named sync.WaitGroup
	if !e.shadow {
		named.Go(func() { e.names.AddAll(rows) })
	}
	err := t.evaluate()
	if err == nil {
		t.judgeAll(rows)
	}
	named.Wait()
	if err != nil {
		return err
	}
	return t.finish(ctx)
}
