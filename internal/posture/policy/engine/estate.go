package engine

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// Estate holds the rows of a tenant's resources and every verdict about them,
// and keeps the verdicts true while resources change. Resources are named by
// handles that the caller gives. One goroutine at a time may use an Estate;
// only Load may be called from several, and with nothing else.
type Estate struct {
	set      *Set
	now      time.Time
	pages    []*page
	byID     map[string]uint32 // folded id -> handle
	subs     map[string]uint32 // numbers of subscriptions, from 1, by folded id
	relation *relation
	work     *worker
	flips    []Flip
	// generation counts changes of subscriptions and groups.
	generation uint64
	// delivered reports whether anybody has delivered resources of a type in a
	// subscription, both folded; nil: everything is delivered.
	delivered func(subscription, resourceType string) bool

	mu      sync.Mutex // of Load's placing
	loading loading
	workers sync.Pool
}

// pageSize is how many consecutive handles lie together; handles are mostly
// dense.
const pageSize = 1 << 12

type page [pageSize]entry

// entry is one resident resource. It is empty if typ is nil.
type entry struct {
	typ *typeProgram
	// sub is the number of the subscription, 0 above subscriptions.
	sub uint32
	position
	plan *plan
	row  Row
	// marks are the verdicts of the plan's members, then the answers of the
	// type's watches.
	marks []byte
	// near has a bit (its number modulo 64) for each lookup that may find
	// something beneath or attached to the resource: most find nothing.
	near uint64
	// hidden are related types that the source did not deliver, folded.
	hidden []string
}

// Marks of members: the state, and whether the if of an *IfNotExists rule is
// true, so that the state hangs on related resources.
const (
	markState = 0x0f
	markHangs = 0x80
)

// Flip is a verdict that changed. A reason code is given for Unknown and Error;
// Set.Reason has its text.
type Flip struct {
	Handle   uint32
	Member   int
	From, To policy.State
	Reason   uint32
}

// Verdict is what one member says of one resource. Members that do not apply
// to the resource's type, or do not cover it, have none; a member that may
// apply has one, NotApplicable included.
type Verdict struct {
	Member int
	State  policy.State
	Reason uint32
}

// NewEstate makes an empty estate.
func NewEstate(set *Set) *Estate {
	e := &Estate{set: set, now: set.opt.Now, byID: map[string]uint32{}, subs: map[string]uint32{}, relation: newRelation(&set.lookups)}
	e.work = newWorker(e)
	e.workers.New = func() any { return newWorker(e) }
	return e
}

// Len is the number of resident resources.
func (e *Estate) Len() int {
	e.placeLoaded()
	return len(e.byID)
}

// Set is the set that the verdicts are of.
func (e *Estate) Set() *Set { return e.set }

// entry returns the resident resource with a handle, nil if there is none.
func (e *Estate) entry(h uint32) *entry {
	p := int(h / pageSize)
	if p >= len(e.pages) || e.pages[p] == nil {
		return nil
	}
	if x := &e.pages[p][h%pageSize]; x.typ != nil {
		return x
	}
	return nil
}

// slot returns the place of a handle.
func (e *Estate) slot(h uint32) *entry {
	p := int(h / pageSize)
	for p >= len(e.pages) {
		e.pages = append(e.pages, nil)
	}
	if e.pages[p] == nil {
		e.pages[p] = new(page)
	}
	return &e.pages[p][h%pageSize]
}

// each calls f for every resident resource, by ascending handle.
func (e *Estate) each(f func(h uint32, x *entry)) {
	for i, p := range e.pages {
		if p == nil {
			continue
		}
		for k := range p {
			if p[k].typ != nil {
				f(uint32(i*pageSize+k), &p[k])
			}
		}
	}
}

// read decodes a document into an entry that is not yet resident. The row is
// scratch of the worker.
func (e *Estate) read(w *worker, doc *wire.Document) (entry, error) {
	var x entry
	id, err := arm.ParseID(doc.ID)
	if err != nil {
		return x, fmt.Errorf("resource: %w", err)
	}
	typ := arm.CanonicalType(doc.Type)
	if typ == "" {
		typ = id.Type()
	}
	k, err := w.kinds.of(e.set, typ, doc.APIVersion)
	if err != nil {
		return x, err
	}
	x.position, x.typ = newPosition(id, k.typ), k.program
	if err = w.dec.document(x.typ.program, doc, &subject{id, typ}); err != nil {
		return x, err
	}
	x.row = w.dec.appendRow(w.row[:0])
	w.row = x.row
	x.hidden = hiddenTypes(doc.Unavailable)
	x.plan = w.kinds.plan(k, policy.Target{ID: id, Type: typ, Location: w.location(&x)})
	return x, nil
}

// hiddenTypes are the related types among declarations.
func hiddenTypes(declared []string) []string {
	var out []string
	for _, text := range declared {
		if name, _, _ := strings.Cut(text, " "); wire.IsType(name) {
			out = append(out, arm.Fold(name))
		}
	}
	return out
}

// place makes an entry resident and findable.
func (e *Estate) place(h uint32, x entry) {
	x.near, x.sub = 0, e.subscriptionNumber(&x.position)
	e.nearby(&x)
	*e.slot(h) = x
	e.byID[x.id] = h
	e.relation.insert(h, &x.position, x.typ.listed)
	e.announce(&x)
}

// subscriptionNumber numbers the subscription that a resource lies in.
func (e *Estate) subscriptionNumber(p *position) uint32 {
	if p.subEnd == 0 {
		return 0
	}
	n, ok := e.subs[p.subscription()]
	if !ok {
		n = uint32(len(e.subs) + 1)
		e.subs[p.subscription()] = n
	}
	return n
}

// nearby finds out which lookups of its rules find something beneath a
// resource.
func (e *Estate) nearby(x *entry) {
	for i := range x.typ.rules {
		rp := &x.typ.rules[i]
		if rp.kind == byRelated && rp.reach < policy.ReachGroup && e.relation.find(rp.lookup, x.id) != nil {
			x.near |= nearBit(rp.lookup)
		}
	}
}

// announce tells what a resource lies beneath, or is attached to, that it is
// there.
func (e *Estate) announce(x *entry) {
	for _, id := range e.relation.lookups.byType[x.position.typ] {
		l := &e.relation.lookups.all[id]
		if l.kind != below && l.kind != attached {
			continue
		}
		l.scopes(&x.position, func(scope string) {
			if host, ok := e.byID[scope]; ok {
				e.entry(host).near |= nearBit(id)
			}
		})
	}
}

func nearBit(lookup uint32) uint64 { return 1 << (lookup % 64) }

// free makes sure that no other handle has the resource's id.
func (e *Estate) free(h uint32, x *entry) error {
	if other, ok := e.byID[x.id]; ok && other != h {
		return fmt.Errorf("resource %q is resident under another handle (%d, now %d)", clip(x.id), other, h)
	}
	return nil
}

// settle copies what is scratch into memory of its own, in one piece: marks
// first, then the row.
func (x *entry) settle() {
	n := x.typ.marks(x.plan)
	own := make([]byte, n+len(x.row))
	copy(own[n:], x.row)
	x.marks, x.row = own[:n:n], Row(own[n:])
}

// marks is the number of marks of a resource.
func (t *typeProgram) marks(p *plan) int { return len(p.members) + len(t.watches) }

// answers are the marks of the watches.
func (x *entry) answers() []byte { return x.marks[len(x.plan.members):] }

// forget takes a resource out of the indexes.
func (e *Estate) forget(h uint32, x *entry) {
	e.relation.remove(h, &x.position, x.typ.listed)
	delete(e.byID, x.id)
}

// Verdicts appends the verdicts about a resource to dst, by member.
func (e *Estate) Verdicts(h uint32, dst []Verdict) []Verdict {
	x := e.entry(h)
	if x == nil {
		return dst
	}
	var w *worker
	for i, p := range x.plan.members {
		v := Verdict{Member: int(p.member), State: policy.State(x.marks[i] & markState)}
		if v.State == policy.Unknown || v.State == policy.Error {
			if w == nil {
				w = e.workers.Get().(*worker)
				defer e.workers.Put(w)
				w.reasoning(x)
			}
			v.Reason = w.reason(x, int(p.rule))
		}
		dst = append(dst, v)
	}
	return dst
}

// Bound is the definition by which a member judges a resource, what overrides
// make of it included; nil if it has no verdict on it.
func (e *Estate) Bound(h uint32, member int) *policy.Bound {
	x := e.entry(h)
	if x == nil {
		return nil
	}
	for _, p := range x.plan.members {
		if int(p.member) == member {
			return x.typ.rules[p.rule].rule.bound
		}
	}
	return nil
}
