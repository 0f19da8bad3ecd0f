package posture

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/internal/arm"
	"github.com/rampart-sec/rampart/internal/policy"
	"github.com/rampart-sec/rampart/internal/policy/engine"
)

// bases remember what rules read of the resources that exemptions cover and
// that end on change: the values when the exemption first took an unhealthy
// verdict out, as prints. While they are the same the exemption holds; when one
// is another and the verdict still unhealthy, it is re-opened for the resource.
// It is a function of the base and the document alone, so the same values again
// close it. Rows without such exemptions never come here.
type bases struct {
	reads func(handle, member uint32, visit func(*policy.Reading))

	mu     sync.Mutex // rows of a first view are judged by several goroutines
	by     map[uint32][]*base
	count  int
	full   func()              // says so, once
	frozen bool                // what would be is judged: nothing is remembered
	live   map[uint64]string   // folded id of the exemption by its number
	tags   map[baseKey]baseTag // of the current catalog
	dirty  map[uint32]bool     // chunks that differ from what is stored
	chunks map[uint32]struct{} // stored ones
}

// maxBases bounds what is remembered; further resources stay exempt whatever
// changes, which the log says.
const maxBases = 1 << 20

type baseKey struct {
	exemption *policy.Exemption
	member    uint32
}

func newBases(e *Estate) *bases {
	b := &bases{by: map[uint32][]*base{}, live: map[uint64]string{}, tags: map[baseKey]baseTag{}, dirty: map[uint32]bool{}, chunks: map[uint32]struct{}{}}
	b.full = sync.OnceFunc(func() {
		e.judge.opt.Log.Warn("exemptions cover too many resources; further ones are not re-opened on change", "tenant", e.tenant, "limit", maxBases)
	})
	b.reads = func(handle, member uint32, visit func(*policy.Reading)) { e.eval.reads(handle, member, visit) }
	return b
}

// adopt takes a new catalog: bases of exemptions that are gone or were renewed
// are forgotten. It returns the resources that a rule now reads other fields
// of; their bases are made anew.
func (b *bases) adopt(c *catalog) *roaring.Bitmap {
	b.mu.Lock()
	defer b.mu.Unlock()
	again, live := roaring.New(), map[uint64]string{}
	for _, x := range c.exemptions {
		if x.ReopenOnChange {
			live[numberOf(x)] = arm.Fold(x.ID)
		}
	}
	b.live, b.tags = live, map[baseKey]baseTag{}
	if len(b.by) == 0 {
		return again
	}
	reads := make(map[uint64]uint64, len(c.members))
	for i := range c.members {
		if c.members[i].Bound == nil {
			continue // a number that is not in use
		}
		reads[memberOf(&c.members[i])] = readsOf(&c.members[i])
	}
	for handle, all := range b.by {
		b.keep(handle, all, func(o *base) bool { _, ok := live[o.exemption]; return ok })
		for _, o := range b.by[handle] {
			if now, ok := reads[o.member]; ok && now != o.reads {
				again.Add(handle)
			}
		}
	}
	return again
}

// keep drops bases of a resource.
func (b *bases) keep(handle uint32, all []*base, wanted func(*base) bool) {
	n := len(all)
	if all = slices.DeleteFunc(all, func(o *base) bool { return !wanted(o) }); len(all) == n {
		return
	}
	b.count -= n - len(all)
	b.dirty[chunkOf(handle)] = true
	if b.by[handle] = all; len(all) == 0 {
		delete(b.by, handle)
	}
}

// drop forgets a resource that is gone.
func (b *bases) drop(handle uint32) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keep(handle, b.by[handle], func(*base) bool { return false })
}

// tag is the tag of a member's bases under an exemption.
func (b *bases) tag(x *policy.Exemption, number uint32, m *engine.Member) baseTag {
	key := baseKey{x, number}
	t, ok := b.tags[key]
	if ok {
		return t
	}
	t = baseTag{numberOf(x), memberOf(m), readsOf(m)}
	b.tags[key] = t
	return t
}

// reopened says what has changed of a resource since an exemption first covered
// a verdict of it, "" if the exemption holds. A verdict that is met first, or
// by a rule that reads other fields than before, is the base.
func (b *bases) reopened(x *policy.Exemption, handle uint32, v verdict, m *engine.Member) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	tag := b.tag(x, v.member, m)
	known := b.find(handle, tag)
	if v.state != policy.NonCompliant {
		b.open(handle, known, false)
		return ""
	}
	now := b.prints(handle, v.member)
	if known == nil || known.reads != tag.reads {
		b.put(handle, known, tag, now)
		return ""
	}
	changed := known.changed(now)
	b.learn(handle, known, now)
	b.open(handle, known, len(changed) > 0)
	if len(changed) == 0 {
		known.was = nil
		return ""
	}
	return b.words(handle, v.member, known, changed)
}

func (b *bases) find(handle uint32, tag baseTag) *base {
	for _, o := range b.by[handle] {
		if o.exemption == tag.exemption && o.member == tag.member {
			return o
		}
	}
	return nil
}

func (b *bases) put(handle uint32, known *base, tag baseTag, now []placePrint) {
	switch {
	case b.frozen:
		return
	case known != nil:
		*known = base{baseTag: tag, prints: now}
	case b.count >= maxBases:
		b.full()
		return
	default:
		b.by[handle] = append(b.by[handle], &base{baseTag: tag, prints: now})
		b.count++
	}
	b.dirty[chunkOf(handle)] = true
}

func (b *bases) open(handle uint32, known *base, open bool) {
	if known != nil && known.open != open && !b.frozen {
		known.open = open
		b.dirty[chunkOf(handle)] = true
	}
}

// prints are what a rule reads now, by place.
func (b *bases) prints(handle, member uint32) []placePrint {
	var all []placePrint
	b.reads(handle, member, func(r *policy.Reading) {
		p := placePrint{place: r.Key()}
		if r.Known() {
			p.print = r.Print()
		}
		all = append(all, p)
	})
	slices.SortFunc(all, func(x, y placePrint) int { return cmp.Compare(x.place, y.place) })
	return all
}

// learn takes values into the base that were not known when it was made.
func (b *bases) learn(handle uint32, o *base, now []placePrint) {
	for i := range o.prints {
		if now, ok := printAt(now, o.prints[i].place); ok && o.prints[i].print == 0 && now != 0 && !b.frozen {
			o.prints[i].print = now
			b.dirty[chunkOf(handle)] = true
		}
	}
}

// Bounds of what is said of a change.
const (
	wordedPlaces = 2
	wordedValue  = 60 // bytes
)

// words say what was and what is, without values that are no longer known.
func (b *bases) words(handle, member uint32, o *base, changed []uint64) string {
	var parts []string
	b.reads(handle, member, func(r *policy.Reading) {
		place := r.Key()
		i := slices.Index(changed, place)
		if i < 0 {
			return
		}
		changed = slices.Delete(changed, i, i+1)
		switch was, ok := o.was[place]; {
		case ok:
			parts = append(parts, was.Path+" was "+was.Text+", is "+r.Text(wordedValue))
		default:
			parts = append(parts, placeName(r)+" is now "+r.Text(wordedValue))
		}
	})
	for _, place := range changed { // of related resources that are gone
		if was, ok := o.was[place]; ok {
			parts = append(parts, was.Path+" was "+was.Text+", is gone")
		} else {
			parts = append(parts, "a related resource is gone")
		}
	}
	slices.Sort(parts)
	if n := len(parts) - wordedPlaces; n > 0 {
		parts = append(parts[:wordedPlaces], fmt.Sprintf("and %d more", n))
	}
	return strings.Join(parts, "; ")
}

// freeze has nothing remembered of what would be.
func (b *bases) freeze(frozen bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.frozen = frozen
}
