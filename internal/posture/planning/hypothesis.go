package planning

import (
	"cmp"
	"context"
	"encoding/json"
	"time"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/judge"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// hypothesis is a set of hypothetical changes, ready to be tried.
type hypothesis struct {
	*judge.Trial
	v       *index.View
	stored  map[uint32]*wire.Document // documents of the resources that get another
	index   map[uint32]int            // of the change that a document is of
	fresh   map[string]uint32         // new resources by folded id
	refused []Refusal
}

func newHypothesis(ctx context.Context, e *judge.Estate, trial *judge.Trial, changes []Hypothetical) (*hypothesis, error) {
	v := trial.Base()
	t := &hypothesis{Trial: trial, v: v, stored: map[uint32]*wire.Document{}, index: map[uint32]int{}, fresh: map[string]uint32{}}
	if err := t.read(ctx, e, changes); err != nil {
		return nil, err
	}
	fresh := v.Limit()
	for i := range changes {
		if err := t.add(i, &changes[i], &fresh); err != nil {
			t.refused = append(t.refused, Refusal{i, err})
		}
	}
	return t, nil
}

// read gets the stored documents of all resources that get another one.
func (t *hypothesis) read(ctx context.Context, e *judge.Estate, changes []Hypothetical) error {
	var handles []uint32
	for i := range changes {
		if r := t.v.Find(changes[i].ResourceID); r != nil && (changes[i].Body != nil || changes[i].Patch != nil) {
			handles = append(handles, r.Handle)
		}
	}
	docs, err := e.Documents(ctx, handles)
	for i := range docs {
		t.stored[docs[i].Handle] = &docs[i].Doc
	}
	return err
}

// add prepares one change. A later change of the same resource takes the place
// of an earlier one; patches build on it.
func (t *hypothesis) add(i int, h *Hypothetical, fresh *uint32) error {
	switch {
	case h.Exempt != "":
		return t.setStates(h.Exempt, h.ResourceID, record.Exempt)
	case h.Fixed != "":
		return t.setStates(h.Fixed, h.ResourceID, record.Healthy)
	}
	r := t.v.Find(h.ResourceID)
	if h.Body == nil {
		if r == nil || t.stored[r.Handle] == nil {
			return arm.NotFound(h.ResourceID)
		}
		t.index[r.Handle] = i
		return t.patch(h, r.Handle, t.stored[r.Handle])
	}
	doc, err := newDocument(h, t.At())
	if err != nil {
		return err
	}
	handle := t.supposed(doc.ID, *fresh)
	if r != nil {
		handle = r.Handle
	}
	if handle == *fresh {
		*fresh++
		t.fresh[arm.Fold(doc.ID)] = handle
	}
	t.Document(handle, t.stored[handle], doc)
	t.index[handle] = i
	return nil
}

// supposed is the handle of a new resource that an earlier change supposed,
// else another.
func (t *hypothesis) supposed(id string, other uint32) uint32 {
	if handle, ok := t.fresh[arm.Fold(id)]; ok {
		return handle
	}
	return other
}

// setStates sets another state for what is unhealthy by a recommendation in a scope,
// that of a resource itself included.
func (t *hypothesis) setStates(recommendation, id string, state record.State) error {
	slot, ok := t.v.Schema().Slot(recommendation)
	if !ok {
		return arm.NotFound(recommendation)
	}
	if !t.v.Holds(id) {
		return arm.NotFound(id)
	}
	rows := t.v.Filter(index.Scope{ID: id}, "", "").And(t.v.StateSet(slot, record.Unhealthy).Bits())
	if r := t.v.Find(id); r != nil && state == record.Exempt {
		rows = rows.Clone() // it may be healthy now
		rows.Add(r.Handle)
	}
	if rows.IsEmpty() {
		return arm.Invalid("Nothing in %s is unhealthy by %q.", cmp.Or(id, "the estate"), t.v.Schema().Slots[slot].Title)
	}
	if n := int(rows.GetCardinality()); n+t.States() > MaxExemptPreview {
		return arm.Invalid("%d resources are unhealthy there by %q, and at most %d can be tried; choose a smaller scope.", n, t.v.Schema().Slots[slot].Title, MaxExemptPreview)
	}
	it := rows.Iterator()
	for it.HasNext() {
		t.State(it.Next(), slot, state)
	}
	return nil
}

func (t *hypothesis) patch(h *Hypothetical, handle uint32, known *wire.Document) error {
	if earlier := t.Changed(handle); earlier != nil {
		known = earlier
	}
	doc := *known
	var err error
	if doc.Body, err = content.ApplyPatch(known.Body, h.Patch); err != nil {
		return arm.Invalid("The patch of %s cannot be applied: %v", h.ResourceID, err)
	}
	doc.Unavailable = withoutPatched(doc.Unavailable, h.Patch)
	t.Document(handle, t.stored[handle], &doc)
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
