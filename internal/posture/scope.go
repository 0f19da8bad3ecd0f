package posture

import (
	"cmp"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/cow"
)

// Scope narrows a question: the zero Scope is the whole estate. ID is the id of
// a management group, subscription, resource group or resource (then with
// what lies below it), in any case; Tag and TagValue select resources by tag,
// an empty TagValue any value. Both together intersect.
type Scope struct {
	ID            string
	Tag, TagValue string
}

// selection is a Scope resolved in a view: at most one of bits and sub is set;
// none of them means the estate.
type selection struct {
	bits *roaring.Bitmap
	sub  *subscription
	// subs are the whole subscriptions of a management group, whose bits are
	// their union.
	subs []*subscription
	one  *row // the scope is this resource
}

// resolve finds what a scope selects. What is not known selects nothing.
func (v *View) resolve(scope Scope) selection {
	sel := v.resolveID(arm.Fold(strings.TrimSuffix(scope.ID, "/")))
	if scope.Tag == "" {
		return sel
	}
	bits := v.tags.find(scope.Tag, scope.TagValue)
	if within := sel.set(); within != nil {
		bits = roaring.And(bits, within)
	}
	return selection{bits: bits}
}

func (v *View) resolveID(id string) selection {
	if id == "" {
		return selection{}
	}
	if n, ok := v.names.subs.find(id); ok && v.subs.At(n) != nil {
		return selection{sub: v.subs.At(n)}
	}
	if n, ok := v.names.groups.find(id); ok {
		return selection{bits: v.groups.At(n).Bits()}
	}
	if name, ok := strings.CutPrefix(id, managementGroups); ok {
		return v.under(name)
	}
	return v.below(id)
}

const managementGroups = "/providers/microsoft.management/managementgroups/"

// under selects the subscriptions of a management group.
func (v *View) under(group string) selection {
	sel := selection{bits: roaring.New()}
	v.subs.Each(func(_ uint32, s *subscription) bool {
		if s.resource == nil || s.resource.container == nil {
			return true
		}
		for _, above := range s.resource.container.above {
			if above == group {
				sel.subs = append(sel.subs, s)
				sel.bits.Or(s.members.Bits())
				break
			}
		}
		return true
	})
	return sel
}

// below selects a resource and its children: rows of its container whose id
// begins with it.
func (v *View) below(id string) selection {
	sel := selection{bits: roaring.New(), one: v.byID(id)}
	sub, group := containersOf(id)
	n, ok := v.names.groups.find(cmp.Or(group, sub, "/"))
	if !ok {
		return sel
	}
	it := v.groups.At(n).Bits().Iterator()
	for it.HasNext() {
		if r := v.rows.At(it.Next()); r.lies(id) {
			sel.bits.Add(r.handle)
		}
	}
	return sel
}

// set is the bitmap of the selection, nil for the estate.
func (s selection) set() *roaring.Bitmap {
	if s.sub != nil {
		return s.sub.members.Bits()
	}
	return s.bits
}

// and intersects a set with the selection; the result must not be written.
func (s selection) and(of *cow.Set) *roaring.Bitmap {
	within := s.set()
	if within == nil {
		return of.Bits()
	}
	return roaring.And(of.Bits(), within)
}

// count is the size of the intersection.
func (s selection) count(of *cow.Set) int {
	within := s.set()
	if within == nil {
		return of.Len()
	}
	if of == nil {
		return 0
	}
	return int(of.Bits().AndCardinality(within))
}
