package engine

import (
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/arm"
)

// lookupKind is a way in which an *IfNotExists definition finds related
// resources: those of one type, by what they lie in.
type lookupKind uint8

const (
	below          lookupKind = iota // beneath a resource, by the nesting of types
	attached                         // extensions of a resource
	inGroup                          // of a resource group, or of a subscription and no group
	inSubscription                   // of a subscription
)

// lookup is one kind of search for one type. Resources of the type are kept in
// a posting per scope. A scope is a prefix of the folded id.
type lookup struct {
	kind lookupKind
	typ  string // folded type of what is found
	// pairs is, for below, how many type and name pairs the id of what is
	// found has more than the scope.
	pairs int
}

// posting is what one lookup finds in one scope.
type posting struct {
	handles []uint32 // ascending
	tallies []tallied
}

// postingKey names a posting.
type postingKey struct {
	lookup uint32
	scope  string
}

// scope is the scope of a resource under a lookup; ok is false if the lookup
// can never find it.
func (l *lookup) scope(p *position) (scope string, ok bool) {
	switch l.kind {
	case below:
		return cutPairs(p.id, l.pairs)
	case attached:
		return p.id[:p.scopeEnd], p.extension
	case inGroup:
		if p.extension {
			return "", false
		}
		return p.groupScope(), p.subEnd > 0
	}
	return p.id[:p.subEnd], p.subEnd > 0
}

// position is a resource's id, folded, and the prefixes of it that matter.
type position struct {
	id        string
	typ       string // folded
	subEnd    int    // 0: above subscriptions
	groupEnd  int    // 0: not in a resource group
	scopeEnd  int    // of what the last provider hangs on
	extension bool
}

func newPosition(id arm.ID) position {
	return position{
		id: id.Key(), typ: arm.Fold(id.Type()),
		subEnd: len(id.SubscriptionID()), groupEnd: len(id.ResourceGroupID()), scopeEnd: len(id.ScopeID()),
		extension: id.IsExtension(),
	}
}

// groupScope is the resource group, or the subscription if there is none.
func (p *position) groupScope() string { return p.id[:max(p.groupEnd, p.subEnd)] }

func (p *position) subscription() string { return p.id[:p.subEnd] }

// cutPairs takes n type and name pairs from the end of an id.
func cutPairs(id string, n int) (string, bool) {
	for range 2 * n {
		i := strings.LastIndexByte(id, '/')
		if i < 0 {
			return "", false
		}
		id = id[:i]
	}
	return id, true
}

// typePairs is the number of type and name pairs behind the namespace.
func typePairs(typ string) int { return strings.Count(typ, "/") }

// lookups are all searches that the definitions of a set need, numbered.
type lookups struct {
	all    []lookup
	byType map[string][]uint32
}

func (ls *lookups) add(l lookup) uint32 {
	if i := slices.Index(ls.all, l); i >= 0 {
		return uint32(i)
	}
	id := uint32(len(ls.all))
	ls.all = append(ls.all, l)
	if ls.byType == nil {
		ls.byType = map[string][]uint32{}
	}
	ls.byType[l.typ] = append(ls.byType[l.typ], id)
	return id
}

// relation holds the postings of an estate.
type relation struct {
	lookups  *lookups
	postings map[postingKey]*posting
	// bulk is set while resources are loaded: handles are appended and sorted
	// at the end.
	bulk bool
}

// visit calls f for every posting that the resource belongs to.
func (r *relation) visit(p *position, f func(lookup uint32, scope string)) {
	for _, id := range r.lookups.byType[p.typ] {
		if scope, ok := r.lookups.all[id].scope(p); ok {
			f(id, scope)
		}
	}
}

func (r *relation) posting(lookup uint32, scope string) *posting {
	return r.postings[postingKey{lookup, scope}]
}

func (r *relation) insert(h uint32, p *position) {
	r.visit(p, func(lookup uint32, scope string) {
		key := postingKey{lookup, scope}
		list := r.postings[key]
		if list == nil {
			list = &posting{}
			r.postings[key] = list
		}
		list.insert(h, r.bulk)
	})
}

func (r *relation) remove(h uint32, p *position) {
	r.visit(p, func(lookup uint32, scope string) {
		key := postingKey{lookup, scope}
		list := r.postings[key]
		if i, ok := slices.BinarySearch(list.handles, h); ok {
			list.handles = slices.Delete(list.handles, i, i+1)
		}
		if len(list.handles) == 0 {
			delete(r.postings, key)
		}
	})
}

func (p *posting) insert(h uint32, bulk bool) {
	if n := len(p.handles); bulk || n == 0 || p.handles[n-1] < h {
		p.handles = append(p.handles, h)
		return
	}
	if i, ok := slices.BinarySearch(p.handles, h); !ok {
		p.handles = slices.Insert(p.handles, i, h)
	}
}
