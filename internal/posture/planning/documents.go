package planning

import (
	"context"
	"fmt"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/judge"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// maxRelated bounds the related resources that one explanation reads.
const maxRelated = 10_000

// documents is the estate as the explaining evaluator asks for it: found by
// the index, read from the store. Overlay documents come before stored ones.
type documents struct {
	ctx     context.Context // of the one explanation it is made for
	e       *judge.Estate
	v       *index.View
	overlay []*policy.Resource
}

var _ policy.Estate = (*documents)(nil)

// Resource implements policy.Estate.
func (d *documents) Resource(id arm.ID) *policy.Resource {
	for _, r := range d.overlay {
		if r.ID.Equal(id) {
			return r
		}
	}
	if d.v.Find(id.String()) == nil {
		return nil
	}
	res, err := d.e.Document(d.ctx, id.String())
	if err != nil {
		return nil // gone since the view was made
	}
	r, err := policy.NewResource(*d.e.Judged(&res.Doc, d.v))
	if err != nil {
		return nil // it was refused when it was judged, too
	}
	return r
}

// Related implements policy.Estate.
func (d *documents) Related(q policy.Query) ([]*policy.Resource, error) {
	f := d.v.Filter(index.Scope{ID: q.Scope.String()}, q.Type, "")
	bits := f.All()
	if n := bits.GetCardinality(); n > maxRelated {
		return nil, fmt.Errorf("more than %d resources of type %s in %s", maxRelated, q.Type, q.Scope)
	}
	stored, err := d.e.Documents(d.ctx, bits.ToArray())
	if err != nil {
		return nil, err
	}
	return d.selected(q, stored), nil
}

// selected parses what the query selects, overlay documents in place of their
// stored versions.
func (d *documents) selected(q policy.Query, stored []store.Resource) []*policy.Resource {
	var all []*policy.Resource
	for _, r := range d.overlay {
		if q.Selects(r) {
			all = append(all, r)
		}
	}
	for i := range stored {
		r, err := policy.NewResource(*d.e.Judged(&stored[i].Doc, d.v))
		if err == nil && !d.overlaid(r.ID) && q.Selects(r) {
			all = append(all, r)
		}
	}
	return all
}

func (d *documents) overlaid(id arm.ID) bool {
	for _, r := range d.overlay {
		if r.ID.Equal(id) {
			return true
		}
	}
	return false
}

// with returns the same estate with one document changed or added.
func (d *documents) with(doc wire.Document) (*documents, *policy.Resource, error) {
	r, err := policy.NewResource(*d.e.Judged(&doc, d.v))
	if err != nil {
		return nil, nil, err
	}
	next := *d
	next.overlay = append([]*policy.Resource{r}, d.overlay...)
	return &next, r, nil
}
