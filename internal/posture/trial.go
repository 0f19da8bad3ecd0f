package posture

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
)

// trial is a set of hypothetical changes, ready to be applied and taken back.
type trial struct {
	e       *Estate
	v       *View
	at      time.Time
	now     map[uint32]*wire.Document // by handle; handles beyond all known are new resources
	before  map[uint32]*wire.Document
	index   map[uint32]int              // of the change that a document in now is of
	fresh   map[string]uint32           // new resources by folded id
	laid    map[uint32]map[uint16]State // Exempt, or Healthy in place of Unhealthy
	refused []Refusal
}

func (e *Estate) newTrial(ctx context.Context, v *View, changes []Hypothetical) (*trial, error) {
	t := &trial{
		e: e, v: v, at: e.now(), now: map[uint32]*wire.Document{}, before: map[uint32]*wire.Document{},
		index: map[uint32]int{}, fresh: map[string]uint32{}, laid: map[uint32]map[uint16]State{},
	}
	if err := t.read(ctx, changes); err != nil {
		return nil, err
	}
	fresh := v.rows.Limit()
	for i := range changes {
		if err := t.add(i, &changes[i], &fresh); err != nil {
			t.refused = append(t.refused, Refusal{i, err})
		}
	}
	return t, nil
}

// read gets the stored documents of all resources that get another one.
func (t *trial) read(ctx context.Context, changes []Hypothetical) error {
	var handles []uint32
	for i := range changes {
		if r := t.v.byID(changes[i].ResourceID); r != nil && (changes[i].Body != nil || changes[i].Patch != nil) {
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

// add prepares one change. A later change of the same resource takes the place
// of an earlier one; patches build on it.
func (t *trial) add(i int, h *Hypothetical, fresh *uint32) error {
	switch {
	case h.Exempt != "":
		return t.lay(h.Exempt, h.ResourceID, Exempt)
	case h.Fixed != "":
		return t.lay(h.Fixed, h.ResourceID, Healthy)
	}
	r := t.v.byID(h.ResourceID)
	if h.Body == nil {
		if r == nil || t.before[r.handle] == nil {
			return arm.NotFound(h.ResourceID)
		}
		t.index[r.handle] = i
		return t.patch(h, r.handle, t.before[r.handle])
	}
	doc, err := newDocument(h, t.at)
	if err != nil {
		return err
	}
	handle := t.supposed(doc.ID, *fresh)
	if r != nil {
		handle = r.handle
	}
	if handle == *fresh {
		*fresh++
		t.fresh[arm.Fold(doc.ID)] = handle
	}
	t.now[handle], t.index[handle] = doc, i
	return nil
}

// supposed is the handle of a new resource that an earlier change supposed,
// else another.
func (t *trial) supposed(id string, other uint32) uint32 {
	if handle, ok := t.fresh[arm.Fold(id)]; ok {
		return handle
	}
	return other
}

// lay books another state for what is unhealthy by a recommendation in a scope,
// that of a resource itself included.
func (t *trial) lay(recommendation, id string, state State) error {
	slot, ok := t.v.shape.slot(recommendation)
	if !ok {
		return arm.NotFound(recommendation)
	}
	if !t.v.Holds(id) {
		return arm.NotFound(id)
	}
	rows := t.v.newFilter(Scope{ID: id}, "", "").and(t.v.recs[slot][Unhealthy].Bits())
	if r := t.v.byID(id); r != nil && state == Exempt {
		rows = rows.Clone() // it may be healthy now
		rows.Add(r.handle)
	}
	if rows.IsEmpty() {
		return arm.Invalid("Nothing in %s is unhealthy by %q.", cmp.Or(id, "the estate"), t.v.shape.slots[slot].Title)
	}
	if n := int(rows.GetCardinality()); n+len(t.laid) > MaxExemptPreview {
		return arm.Invalid("%d resources are unhealthy there by %q, and at most %d can be tried; choose a smaller scope.", n, t.v.shape.slots[slot].Title, MaxExemptPreview)
	}
	it := rows.Iterator()
	for it.HasNext() {
		handle := it.Next()
		if t.laid[handle] == nil {
			t.laid[handle] = map[uint16]State{}
		}
		t.laid[handle][slot] = state
	}
	return nil
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
	return &wire.Document{ID: id.String(), Type: id.Type(), Source: "what-if", ObservedAt: at, Body: h.Body, Unavailable: h.Unavailable}, nil
}

// run applies the changes to the evaluator, makes the view that would be, and
// takes them back. What the evaluator reports meanwhile is looked at again with
// the next batch, so that a document that changed under way is not missed.
func (t *trial) run() (*View, []flip, error) {
	defer t.revert()
	for handle, doc := range t.now {
		if err := t.e.eval.upsert(handle, doc); err != nil {
			t.refused = append(t.refused, Refusal{t.index[handle], arm.Invalid("%s cannot be judged: %v", doc.ID, err)})
			t.takeBack(handle)
			delete(t.now, handle)
		}
	}
	slices.SortFunc(t.refused, func(a, b Refusal) int { return cmp.Compare(a.Index, b.Index) })
	changed, _, err := t.e.eval.evaluate(t.at)
	if err != nil {
		return nil, nil, fmt.Errorf("evaluate what would be: %w", err)
	}
	t.e.recheck.Or(changed)
	c := &change{e: t.e, base: t.v, builder: t.v.edit(t.v.shape), at: t.at, assessor: assessor{e: t.e, at: t.at}}
	c.next = c.builder.v
	return c.next, t.judge(c, changed), nil
}

func (t *trial) revert() {
	for handle := range t.now {
		t.takeBack(handle)
	}
}

func (t *trial) takeBack(handle uint32) {
	if doc := t.before[handle]; doc != nil {
		_ = t.e.eval.upsert(handle, doc) // it was accepted, or refused, before
	} else {
		t.e.eval.remove(handle)
	}
}

// judge books every row that the changes reach.
func (t *trial) judge(c *change, changed *roaring.Bitmap) []flip {
	var flips []flip
	rows := changed.Clone()
	for handle := range t.now {
		rows.Add(handle)
	}
	for handle := range t.laid {
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
		c.assessor.rollUp(fresh, was)
		for i := range fresh.cells {
			cell := &fresh.cells[i]
			if to, ok := t.laid[handle][cell.slot]; ok && (to == Exempt || cell.state == Unhealthy) {
				cell.state = to
			}
		}
		t.e.govern(fresh, was, t.at)
		c.assessor.settle(fresh, was)
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
