package index

import (
	"cmp"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/cow"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// Scope narrows a question: the zero Scope is the whole estate. ID is the id of
// a management group, subscription, resource group or resource (then with
// what lies below it), in any case; Tag and TagValue select resources by tag,
// an empty TagValue any value. Both together intersect.
type Scope struct {
	ID            string
	Tag, TagValue string
}

// Selection is a Scope resolved in a view: at most one of bits and sub is set;
// none of them means the estate.
type Selection struct {
	Bits *roaring.Bitmap
	sub  *Subscription
	// Subs are the whole subscriptions of a management group, whose bits are
	// their union.
	Subs []*Subscription
	one  *record.Row // the scope is this resource
}

// Resolve finds what a scope selects. What is not known selects nothing.
func (v *View) Resolve(scope Scope) Selection {
	sel := v.resolveID(arm.Fold(strings.TrimSuffix(scope.ID, "/")))
	if scope.Tag == "" {
		return sel
	}
	bits := v.Tags.Find(scope.Tag, scope.TagValue)
	if within := sel.set(); within != nil {
		bits = roaring.And(bits, within)
	}
	return Selection{Bits: bits}
}

func (v *View) resolveID(id string) Selection {
	if id == "" {
		return Selection{}
	}
	if n, ok := v.names.Subscriptions.Find(id); ok && v.Subs.At(n) != nil {
		return Selection{sub: v.Subs.At(n)}
	}
	if n, ok := v.names.Groups.Find(id); ok {
		return Selection{Bits: v.groups.At(n).Bits()}
	}
	if name, ok := strings.CutPrefix(id, ManagementGroups); ok {
		return v.Under(name)
	}
	return v.Below(id)
}

// ManagementGroups is the folded prefix of the ids of management groups.
const ManagementGroups = "/providers/microsoft.management/managementgroups/"

// Under selects the subscriptions of a management group.
func (v *View) Under(group string) Selection {
	sel := Selection{Bits: roaring.New()}
	v.Subs.Each(func(_ uint32, s *Subscription) bool {
		if s.Resource == nil || s.Resource.Container == nil {
			return true
		}
		for _, above := range s.Resource.Container.Above {
			if above == group {
				sel.Subs = append(sel.Subs, s)
				sel.Bits.Or(s.Members.Bits())
				break
			}
		}
		return true
	})
	return sel
}

// Below selects a resource and its children: rows of its container whose id
// begins with it.
func (v *View) Below(id string) Selection {
	return Selection{Bits: v.below(id, nil), one: v.Find(id)}
}

// below are the rows at and below a resource, of those in a set; nil is all.
func (v *View) below(id string, of *roaring.Bitmap) *roaring.Bitmap {
	bits := roaring.New()
	sub, group := record.ContainersOf(id)
	n, ok := v.names.Groups.Find(cmp.Or(group, sub, "/"))
	if !ok {
		return bits
	}
	within := v.groups.At(n).Bits()
	if of != nil {
		within = roaring.And(within, of)
	}
	it := within.Iterator()
	for it.HasNext() {
		if r := v.Rows.At(it.Next()); r.Within(id) {
			bits.Add(r.Handle)
		}
	}
	return bits
}

// isResource reports whether a folded id is that of a resource: of nothing that
// resolveID knows by itself.
func (v *View) isResource(id string) bool {
	if n, ok := v.names.Subscriptions.Find(id); id == "" || ok && v.Subs.At(n) != nil {
		return false
	}
	_, isGroup := v.names.Groups.Find(id)
	return !isGroup && !strings.HasPrefix(id, ManagementGroups)
}

// set is the bitmap of the selection, nil for the estate.
func (s Selection) set() *roaring.Bitmap {
	if s.sub != nil {
		return s.sub.Members.Bits()
	}
	return s.Bits
}

// And intersects a set with the selection; the result must not be written.
func (s Selection) And(of *cow.Set) *roaring.Bitmap {
	within := s.set()
	if within == nil {
		return of.Bits()
	}
	return roaring.And(of.Bits(), within)
}

// Count is the size of the intersection.
func (s Selection) Count(of *cow.Set) int {
	within := s.set()
	if within == nil {
		return of.Len()
	}
	if of == nil {
		return 0
	}
	return int(of.Bits().AndCardinality(within))
}
