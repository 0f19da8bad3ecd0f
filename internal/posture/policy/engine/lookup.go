package engine

import (
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
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

// scopes calls f for every scope in which the lookup finds a resource.
func (l *lookup) scopes(p *position, f func(scope string)) {
	switch l.kind {
	case below:
		if scope, ok := cutPairs(p.id, l.pairs); ok {
			f(scope)
		}
	case attached:
		l.hosts(p, f)
	case inGroup:
		if p.groupEnd > 0 {
			f(p.id[:p.groupEnd])
		}
	default:
		if p.subEnd > 0 {
			f(p.subscription())
		}
	}
}

// hosts are what an extension hangs on; a nested one is found from everything
// that its host lies in, too.
func (l *lookup) hosts(p *position, f func(scope string)) {
	host := p.id[:p.scopeEnd]
	f(host)
	if typePairs(l.typ) < 2 {
		return
	}
	for i := len(host) - 1; i > 0; i-- {
		if host[i] == '/' {
			f(host[:i])
		}
	}
}

// position is a resource's id, folded, and the prefixes of it that matter.
type position struct {
	id       string
	typ      string // folded
	subEnd   int    // 0: above subscriptions
	groupEnd int    // 0: not in a resource group
	scopeEnd int    // of what the last provider hangs on
}

// newPosition makes the position of a resource of a folded type.
func newPosition(id arm.ID, typ string) position {
	return position{
		id: id.Key(), typ: typ,
		subEnd: len(id.SubscriptionID()), groupEnd: len(id.ResourceGroupID()), scopeEnd: len(id.ScopeID()),
	}
}

// groupScope is the resource group, or the subscription if there is none.
func (p *position) groupScope() string { return p.id[:max(p.groupEnd, p.subEnd)] }

// ownList is the scope by which a resource is listed beside its subscription.
func (p *position) ownList() string {
	if p.groupEnd > 0 {
		return p.id[:p.groupEnd]
	}
	return outsideGroups(p.subscription())
}

// outsideGroups stands for what lies in a subscription and in no group.
func outsideGroups(subscription string) string { return subscription + "/" }

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

// find returns the number of a lookup, noLookup if no definition needs it.
func (ls *lookups) find(l lookup) uint32 {
	if i := slices.Index(ls.all, l); i >= 0 {
		return uint32(i)
	}
	return noLookup
}

// noLookup is the number of a lookup that finds nothing.
const noLookup = ^uint32(0)

// posting is what one lookup finds in one scope.
type posting struct {
	handles []uint32 // ascending, but while resources are loaded in bulk
	// tallies sum the answers of the handles' watches, for lookups in groups
	// and subscriptions.
	tallies []tally
}

// tally sums the answers of one watch.
type tally struct{ answers [answerCount]uint32 }

// postingKey names a posting.
type postingKey struct {
	lookup uint32
	scope  string
}

// listKey names the resources of one type in one scope: a subscription, a
// group, or what lies in a subscription outside groups.
type listKey struct{ typ, scope string }

// relation knows which resources lie where, as far as lookups ask for it.
type relation struct {
	lookups  *lookups
	postings []map[string]*posting // by lookup and scope
	lists    map[listKey]*posting
	// bulk is set while resources are loaded: handles are appended, and sorted
	// at the end.
	bulk bool
}

func newRelation(ls *lookups) *relation {
	return &relation{lookups: ls, lists: map[listKey]*posting{}}
}

// find is what a lookup finds in a scope, nil if that is nothing.
func (r *relation) find(lookup uint32, scope string) *posting {
	if int64(lookup) >= int64(len(r.postings)) {
		return nil
	}
	return r.postings[lookup][scope]
}

// of is what a lookup finds by scope, to be written.
func (r *relation) of(lookup uint32) map[string]*posting {
	for int64(lookup) >= int64(len(r.postings)) {
		r.postings = append(r.postings, map[string]*posting{})
	}
	return r.postings[lookup]
}

// each calls f for every posting of the lookups.
func (r *relation) each(f func(lookup uint32, p *posting)) {
	for id, byScope := range r.postings {
		for _, p := range byScope {
			f(uint32(id), p)
		}
	}
}

// wide calls f for the postings of whole groups and subscriptions that a
// resource of a related type is in.
func (r *relation) wide(p *position, f func(list *posting)) {
	for _, id := range r.lookups.byType[p.typ] {
		switch l := &r.lookups.all[id]; l.kind {
		case inGroup, inSubscription:
			l.scopes(p, func(scope string) {
				if list := r.find(id, scope); list != nil {
					f(list)
				}
			})
		}
	}
}

// insert files a resource; listed ones are found by group and subscription too.
func (r *relation) insert(h uint32, p *position, listed bool) {
	r.extend(h, p, 0)
	if listed {
		r.list(h, p)
	}
}

// extend files a resource for the lookups from a number on.
func (r *relation) extend(h uint32, p *position, from uint32) {
	for _, id := range r.lookups.byType[p.typ] {
		if id >= from {
			r.lookups.all[id].scopes(p, func(scope string) { file(r.of(id), scope, h, r.bulk) })
		}
	}
}

// list files a resource by group and subscription.
func (r *relation) list(h uint32, p *position) {
	if p.subEnd > 0 {
		file(r.lists, listKey{p.typ, p.subscription()}, h, r.bulk)
		file(r.lists, listKey{p.typ, p.ownList()}, h, r.bulk)
	}
}

// remove undoes insert.
func (r *relation) remove(h uint32, p *position, listed bool) {
	for _, id := range r.lookups.byType[p.typ] {
		r.lookups.all[id].scopes(p, func(scope string) { unfile(r.of(id), scope, h) })
	}
	if listed && p.subEnd > 0 {
		unfile(r.lists, listKey{p.typ, p.subscription()}, h)
		unfile(r.lists, listKey{p.typ, p.ownList()}, h)
	}
}

// sort ends a bulk load.
func (r *relation) sort() {
	r.each(func(_ uint32, p *posting) { slices.Sort(p.handles) })
	for _, p := range r.lists {
		slices.Sort(p.handles)
	}
	r.bulk = false
}

func file[K comparable](m map[K]*posting, key K, h uint32, bulk bool) {
	p := m[key]
	if p == nil {
		p = &posting{}
		m[key] = p
	}
	if n := len(p.handles); bulk || n == 0 || p.handles[n-1] < h {
		p.handles = append(p.handles, h)
		return
	}
	if i, ok := slices.BinarySearch(p.handles, h); !ok {
		p.handles = slices.Insert(p.handles, i, h)
	}
}

func unfile[K comparable](m map[K]*posting, key K, h uint32) {
	p := m[key]
	if p == nil {
		return
	}
	if i, ok := slices.BinarySearch(p.handles, h); ok {
		p.handles = slices.Delete(p.handles, i, i+1)
	}
	if len(p.handles) == 0 {
		delete(m, key)
	}
}
