package judge

import (
	"context"
	"fmt"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/catalog"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/policy"
	"github.com/rampart-sec/rampart/internal/posture/policy/engine"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// Trial asks what would be if documents or states were other than they are. It
// changes nothing. The judge waits from Estate.Try to End. It is used by one
// goroutine.
type Trial struct {
	e      *Estate
	base   *index.View
	at     time.Time
	now    map[uint32]*wire.Document // by handle; handles beyond all known are new resources
	before map[uint32]*wire.Document
	states map[uint32]map[uint16]record.State
}

func (e *Estate) newTrial(v *index.View) *Trial {
	return &Trial{e: e, base: v, at: e.now(), now: map[uint32]*wire.Document{}, before: map[uint32]*wire.Document{}, states: map[uint32]map[uint16]record.State{}}
}

// Try begins a trial on the current view.
func (e *Estate) Try() *Trial {
	e.mu.Lock()
	e.bases.Freeze(true)
	return e.newTrial(e.View())
}

// End lets the judge go on.
func (t *Trial) End() {
	t.e.bases.Freeze(false)
	t.e.mu.Unlock()
}

// Base is the view that is tried on, At the instant.
func (t *Trial) Base() *index.View { return t.base }

// At is the instant of which the trial speaks.
func (t *Trial) At() time.Time { return t.at }

// Document sets what the document of a resource would be; before is the stored
// one, nil if the resource would be new and its handle beyond all known.
func (t *Trial) Document(handle uint32, before, now *wire.Document) {
	t.now[handle] = now
	if before != nil {
		t.before[handle] = before
	}
}

// Changed is the document that a resource would have, nil if it keeps its own.
func (t *Trial) Changed(handle uint32) *wire.Document { return t.now[handle] }

// State sets what an assessment would be: Exempt whatever it is, or Healthy where
// it is unhealthy.
func (t *Trial) State(handle uint32, slot uint16, state record.State) {
	if t.states[handle] == nil {
		t.states[handle] = map[uint16]record.State{}
	}
	t.states[handle][slot] = state
}

// States is the number of resources of which a state was set.
func (t *Trial) States() int { return len(t.states) }

// Run applies the documents to the evaluator, makes the view that would be, and
// takes them back. Documents that cannot be judged are left out: refused has why, by
// handle. What the evaluator reports meanwhile is looked at again with
// the next batch, so that a document that changed under way is not missed.
func (t *Trial) Run() (next *index.View, flips []record.Change, refused map[uint32]error, err error) {
	refused = map[uint32]error{}
	defer t.revert()
	for handle, doc := range t.now {
		if err := t.e.eval.upsert(handle, doc); err != nil {
			refused[handle] = arm.Invalid("%s cannot be judged: %v", doc.ID, err)
			t.takeBack(handle)
			delete(t.now, handle)
		}
	}
	changed, _, err := t.e.eval.evaluate(t.at)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("evaluate what would be: %w", err)
	}
	t.e.recheck.Or(changed)
	c := &update{e: t.e, base: t.base, builder: t.base.Edit(t.base.Schema()), at: t.at, assessor: assessor{e: t.e, at: t.at}}
	c.next = c.builder.View
	return c.next, t.judge(c, changed), refused, nil
}

func (t *Trial) revert() {
	for handle := range t.now {
		t.takeBack(handle)
	}
}

func (t *Trial) takeBack(handle uint32) {
	if doc := t.before[handle]; doc != nil {
		_ = t.e.eval.upsert(handle, doc) // it was accepted, or refused, before
	} else {
		t.e.eval.remove(handle)
	}
}

// judge books every row that the changes reach.
func (t *Trial) judge(c *update, changed *roaring.Bitmap) []record.Change {
	var flips []record.Change
	rows := changed.Clone()
	for handle := range t.now {
		rows.Add(handle)
	}
	for handle := range t.states {
		rows.Add(handle)
	}
	it := rows.Iterator()
	for it.HasNext() {
		handle := it.Next()
		was := t.base.Row(handle)
		fresh, err := t.row(handle, was)
		if fresh == nil || err != nil {
			continue // not in this view, or refused as a document
		}
		c.assessor.rollUp(fresh, was)
		for i := range fresh.Statuses {
			cell := &fresh.Statuses[i]
			if to, ok := t.states[handle][cell.Slot]; ok && (to == record.Exempt || cell.State == record.Unhealthy) {
				cell.State = to
			}
		}
		t.e.govern(fresh, was, t.at)
		c.assessor.settle(fresh, was)
		flips = record.Diff(flips, was, fresh, record.ResourceChanged)
		c.builder.Put(fresh)
	}
	return flips
}

func (t *Trial) row(handle uint32, was *record.Row) (*record.Row, error) {
	if doc := t.now[handle]; doc != nil {
		return t.e.names.Row(t.e.judge.risk, handle, doc)
	}
	if was == nil {
		return nil, nil
	}
	fresh := *was
	return &fresh, nil
}

// Members are the policies that have a say about a resource, each with the slot of
// its recommendation.
func (e *Estate) Members(handle uint32) (members []engine.Member, slots []uint16) {
	e.mu.Lock()
	defer e.mu.Unlock()
	r := e.View().Row(handle)
	for _, v := range e.eval.verdicts(handle, nil) {
		shared := e.catalog.Members[v.member].Assignment == catalog.SharedAssignment
		if r == nil || shared && e.catalog.Shared.Over(e.names.Subscriptions.Name(r.Subscription)) == [2]string{} {
			continue
		}
		m := e.catalog.Members[v.member]
		if b := e.eval.bound(handle, v.member); b != nil {
			m.Bound, m.Effect = b, b.Effect
		}
		members = append(members, m)
		slots = append(slots, e.catalog.Slots[v.member])
	}
	return members, slots
}

// Judged is a document as it is judged: a report without its disabled findings.
func (e *Estate) Judged(doc *wire.Document, v *index.View) *wire.Document {
	return e.reports.document(doc, v.Schema().DisableRules)
}

// Evaluator is the plain evaluator, which explains itself, over an estate of
// documents.
func (e *Estate) Evaluator(docs policy.Estate) *policy.Evaluator {
	return &policy.Evaluator{Aliases: e.judge.opt.Aliases, Options: e.judge.opt.Policy, Estate: docs, Delivered: e.delivered.known, Now: e.now()}
}

// Documents are the stored documents of some resources, by handle; those that are
// gone are left out.
func (e *Estate) Documents(ctx context.Context, handles []uint32) ([]store.Resource, error) {
	var docs []store.Resource
	err := e.judge.opt.Store.View(ctx, func(tx *store.Tx) error {
		var err error
		docs, err = tx.ResourcesByHandle(ctx, handles)
		return err
	})
	return docs, err
}

// MaxHypotheses bounds the changes of one question. The resources that Exempt
// and Fixed reach are bounded by MaxExemptPreview.
const MaxHypotheses = 10_000
