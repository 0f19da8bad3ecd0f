package posture

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/arm"
	"github.com/rampart-sec/rampart/internal/store"
	"github.com/rampart-sec/rampart/internal/wire"
)

// Hypothetical is one change to try: exactly one of Patch, Body and Exempt is
// set.
type Hypothetical struct {
	ResourceID string
	Patch      json.RawMessage // RFC 6902, of the stored body
	Body       json.RawMessage // a whole new body; the resource may be new
	Exempt     string          // id of a recommendation to exempt the resource from
}

// WhatIfResult is what hypothetical changes would do to the estate.
type WhatIfResult struct {
	Before, After Score
	Flips         []Assessment // in their new state
	Is, Would     *View        // the estate that was asked and the one that would be, to be read only
}

// maxHypotheses bounds one question.
const maxHypotheses = 10_000

// WhatIf evaluates hypothetical changes against the current epoch and changes
// nothing. The judge waits meanwhile. What is wrong with a change is an
// *arm.Error that names it.
func (e *Estate) WhatIf(ctx context.Context, changes []Hypothetical) (WhatIfResult, error) {
	if len(changes) > maxHypotheses {
		return WhatIfResult{}, arm.Invalid("At most %d changes can be tried at once.", maxHypotheses)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	v := e.View()
	trial, err := e.newTrial(ctx, v, changes)
	if err != nil {
		return WhatIfResult{}, err
	}
	e.bases.Freeze(true)
	defer e.bases.Freeze(false)
	next, flips, err := trial.run()
	if err != nil {
		return WhatIfResult{}, err
	}
	out := WhatIfResult{Before: v.Score(Scope{}), After: next.Score(Scope{}), Is: v, Would: next}
	for _, f := range flips {
		a := next.assessment(next.rows.At(f.handle), f.slot)
		a.State = f.to
		out.Flips = append(out.Flips, a)
	}
	return out, nil
}

// trial is a set of hypothetical changes, ready to be applied and taken back.
type trial struct {
	e       *Estate
	v       *View
	at      time.Time
	now     map[uint32]*wire.Document // by handle; handles beyond all known are new resources
	before  map[uint32]*wire.Document
	exempts map[uint32]map[uint16]bool
}

func (e *Estate) newTrial(ctx context.Context, v *View, changes []Hypothetical) (*trial, error) {
	t := &trial{
		e: e, v: v, at: e.now(), now: map[uint32]*wire.Document{}, before: map[uint32]*wire.Document{}, exempts: map[uint32]map[uint16]bool{},
	}
	if err := t.read(ctx, changes); err != nil {
		return nil, err
	}
	fresh := v.rows.Limit()
	for i := range changes {
		if err := t.add(&changes[i], &fresh); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// read gets the stored documents of all resources that are changed.
func (t *trial) read(ctx context.Context, changes []Hypothetical) error {
	var handles []uint32
	for i := range changes {
		if r := t.v.byID(changes[i].ResourceID); r != nil {
			handles = append(handles, r.handle)
		}
	}
	return t.e.judge.opt.Store.View(ctx, func(tx *store.Tx) error {
		docs, err := tx.ResourcesByHandle(ctx, handles)
		for i := range docs {
			t.before[docs[i].Handle] = &docs[i].Doc
		}
		return err
	})
}

// add prepares one change.
func (t *trial) add(h *Hypothetical, fresh *uint32) error {
	r := t.v.byID(h.ResourceID)
	var handle uint32
	if r != nil {
		handle = r.handle
	}
	if h.Body != nil {
		doc, err := newDocument(h, t.at)
		if err != nil {
			return err
		}
		if r == nil {
			handle = *fresh
			*fresh++
		}
		t.now[handle] = doc
		return nil
	}
	known := t.before[handle]
	if r == nil || known == nil {
		return arm.NotFound(h.ResourceID)
	}
	if h.Exempt != "" {
		slot, ok := t.v.shape.slot(h.Exempt)
		if !ok {
			return arm.NotFound(h.Exempt)
		}
		if t.exempts[handle] == nil {
			t.exempts[handle] = map[uint16]bool{}
		}
		t.exempts[handle][slot] = true
		return nil
	}
	return t.patch(h, handle, known)
}

func (t *trial) patch(h *Hypothetical, handle uint32, known *wire.Document) error {
	if earlier := t.now[handle]; earlier != nil {
		known = earlier
	}
	doc := *known
	var err error
	if doc.Body, err = content.ApplyPatch(known.Body, h.Patch); err != nil {
		return arm.Invalid("The patch of %s cannot be applied: %v", h.ResourceID, err)
	}
	doc.Unavailable = withoutPatched(doc.Unavailable, h.Patch)
	t.now[handle] = &doc
	return nil
}

func newDocument(h *Hypothetical, at time.Time) (*wire.Document, error) {
	id, err := arm.ParseID(h.ResourceID)
	if err != nil {
		return nil, arm.Invalid("resource id: %v", err)
	}
	if len(h.Body) > wire.MaxBody || !json.Valid(h.Body) {
		return nil, arm.Invalid("The body of %s is no JSON of at most %d bytes.", h.ResourceID, wire.MaxBody)
	}
	return &wire.Document{ID: id.String(), Type: id.Type(), Source: "what-if", ObservedAt: at, Body: h.Body}, nil
}

// run applies the changes to the evaluator, makes the view that would be, and
// takes them back. What the evaluator reports meanwhile is looked at again with
// the next batch, so that a document that changed under way is not missed.
func (t *trial) run() (*View, []flip, error) {
	defer t.revert()
	for handle, doc := range t.now {
		if err := t.e.eval.upsert(handle, doc); err != nil {
			return nil, nil, arm.Invalid("%s cannot be judged: %v", doc.ID, err)
		}
	}
	changed, _, err := t.e.eval.evaluate(t.at)
	if err != nil {
		return nil, nil, fmt.Errorf("evaluate what would be: %w", err)
	}
	t.e.recheck.Or(changed)
	c := &change{e: t.e, base: t.v, builder: t.v.edit(t.v.shape), at: t.at}
	c.next = c.builder.v
	return c.next, t.judge(c, changed), nil
}

func (t *trial) revert() {
	for handle := range t.now {
		if doc := t.before[handle]; doc != nil {
			_ = t.e.eval.upsert(handle, doc) // it was accepted, or refused, before
		} else {
			t.e.eval.remove(handle)
		}
	}
}

// judge books every row that the changes reach.
func (t *trial) judge(c *change, changed *roaring.Bitmap) []flip {
	var flips []flip
	rows := changed.Clone()
	for handle := range t.now {
		rows.Add(handle)
	}
	for handle := range t.exempts {
		rows.Add(handle)
	}
	it := rows.Iterator()
	for it.HasNext() {
		handle := it.Next()
		was := t.v.rows.At(handle)
		fresh, err := t.row(handle, was)
		if fresh == nil || err != nil {
			continue // not in this view, or refused as a document
		}
		c.verdicts = t.e.eval.verdicts(handle, c.verdicts[:0])
		fresh.cells = t.e.roll.cells(fresh, was, c.verdicts, t.at)
		t.e.layFindings(fresh)
		for i := range fresh.cells {
			if t.exempts[handle][fresh.cells[i].slot] {
				fresh.cells[i].state = Exempt
			}
		}
		t.e.govern(fresh, was, t.at)
		flips = diff(flips, was, fresh, ResourceChanged)
		c.builder.put(fresh)
	}
	return flips
}

func (t *trial) row(handle uint32, was *row) (*row, error) {
	if doc := t.now[handle]; doc != nil {
		return t.e.names.row(t.e.judge.risk, handle, doc)
	}
	if was == nil {
		return nil, nil
	}
	fresh := *was
	return &fresh, nil
}
