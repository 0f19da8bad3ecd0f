package reopen

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/policy"
	"github.com/rampart-sec/rampart/internal/posture/policy/engine"
)

// Bases remember what rules read of the resources that exemptions cover and
// that end on change: the values when the exemption first took an unhealthy
// verdict out, as fingerprints. While they are the same the exemption holds; when one
// is another and the verdict still unhealthy, it is re-opened for the resource.
// It is a function of the base and the document alone, so the same values again
// close it. Resources without such exemptions never come here.
//
// They are safe for use by several goroutines, as rows of a first view are judged.
type Bases struct {
	reads Reads

	mu     sync.Mutex
	by     map[uint32][]*base
	count  int
	full   func()              // told of the first base beyond the limit
	frozen bool                // what would be is judged: nothing is remembered
	live   map[uint64]string   // folded id of the exemption by its number
	tags   map[baseKey]baseTag // of the members adopted last
	dirty  map[uint32]bool     // chunks that differ from what is stored
	chunks map[uint32]struct{} // stored ones
}

// Reads calls visit for every place that a member's rule reads of a resource.
type Reads func(handle, member uint32, visit func(*policy.Reading))

// Max bounds what is remembered; further resources stay exempt whatever changes.
const Max = 1 << 20

type baseKey struct {
	exemption *policy.Exemption
	member    uint32
}

// New makes Bases that remember nothing yet. full is called once when a base
// beyond Max would be needed.
func New(reads Reads, full func()) *Bases {
	return &Bases{
		reads: reads, full: sync.OnceFunc(full), by: map[uint32][]*base{}, live: map[uint64]string{},
		tags: map[baseKey]baseTag{}, dirty: map[uint32]bool{}, chunks: map[uint32]struct{}{},
	}
}

// Adopt takes the exemptions in force and the members of the evaluator as they are
// now: bases of exemptions that are gone or were renewed are forgotten. It returns
// the resources that a rule now reads other fields of; their bases are made anew.
func (b *Bases) Adopt(exemptions []*policy.Exemption, members []engine.Member) *roaring.Bitmap {
	b.mu.Lock()
	defer b.mu.Unlock()
	again, live := roaring.New(), map[uint64]string{}
	for _, x := range exemptions {
		if x.ReopenOnChange {
			live[numberOf(x)] = arm.Fold(x.ID)
		}
	}
	b.live, b.tags = live, map[baseKey]baseTag{}
	if len(b.by) == 0 {
		return again
	}
	reads := make(map[uint64]uint64, len(members))
	for i := range members {
		if members[i].Bound == nil {
			continue // a number that is not in use
		}
		reads[memberOf(&members[i])] = readsOf(&members[i])
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
func (b *Bases) keep(handle uint32, all []*base, wanted func(*base) bool) {
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

// Drop forgets a resource that is gone.
func (b *Bases) Drop(handle uint32) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keep(handle, b.by[handle], func(*base) bool { return false })
}

// tag is the tag of a member's bases under an exemption.
func (b *Bases) tag(x *policy.Exemption, number uint32, m *engine.Member) baseTag {
	key := baseKey{x, number}
	t, ok := b.tags[key]
	if ok {
		return t
	}
	t = baseTag{numberOf(x), memberOf(m), readsOf(m)}
	b.tags[key] = t
	return t
}

// Verdict is what one member of an assignment says of one resource.
type Verdict struct {
	Handle, Member uint32 // Member is the number of Of, by which rows are read
	Of             *engine.Member
	State          policy.State
}

// Changed says what has changed of a resource since an exemption first covered a
// verdict of it, "" if the exemption holds. A verdict that is met first, or by a
// rule that reads other fields than before, is the base.
func (b *Bases) Changed(x *policy.Exemption, v Verdict) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	tag := b.tag(x, v.Member, v.Of)
	known := b.find(v.Handle, tag)
	if v.State != policy.NonCompliant {
		b.open(v.Handle, known, false)
		return ""
	}
	now := b.prints(v.Handle, v.Member)
	if known == nil || known.reads != tag.reads {
		b.put(v.Handle, known, tag, now)
		return ""
	}
	changed := known.changed(now)
	b.learn(v.Handle, known, now)
	b.open(v.Handle, known, len(changed) > 0)
	if len(changed) == 0 {
		known.was = nil
		return ""
	}
	return b.words(v.Handle, v.Member, known, changed)
}

func (b *Bases) find(handle uint32, tag baseTag) *base {
	for _, o := range b.by[handle] {
		if o.exemption == tag.exemption && o.member == tag.member {
			return o
		}
	}
	return nil
}

func (b *Bases) put(handle uint32, known *base, tag baseTag, now []placePrint) {
	switch {
	case b.frozen:
		return
	case known != nil:
		*known = base{baseTag: tag, prints: now}
	case b.count >= Max:
		b.full()
		return
	default:
		b.by[handle] = append(b.by[handle], &base{baseTag: tag, prints: now})
		b.count++
	}
	b.dirty[chunkOf(handle)] = true
}

func (b *Bases) open(handle uint32, known *base, open bool) {
	if known != nil && known.open != open && !b.frozen {
		known.open = open
		b.dirty[chunkOf(handle)] = true
	}
}

// fingerprints are what a rule reads now, by place.
func (b *Bases) prints(handle, member uint32) []placePrint {
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
func (b *Bases) learn(handle uint32, o *base, now []placePrint) {
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
func (b *Bases) words(handle, member uint32, o *base, changed []uint64) string {
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

// Empty reports whether nothing is remembered.
func (b *Bases) Empty() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.by) == 0
}

// Has reports whether anything is remembered of a resource.
func (b *Bases) Has(handle uint32) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.by[handle]) > 0
}

// Note keeps, before they go, the values in words that the bases of a resource
// were made of, as long as it still has them. members are those with a verdict of
// it.
func (b *Bases) Note(handle uint32, members func() []uint32) {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.by[handle]
	if !slices.ContainsFunc(all, func(o *base) bool { return o.was == nil }) {
		return
	}
	texts := map[placePrint]placeText{}
	for _, member := range members() {
		b.reads(handle, member, func(r *policy.Reading) {
			if r.Known() {
				texts[placePrint{r.Key(), r.Print()}] = placeText{placeName(r), r.Text(wordedValue)}
			}
		})
	}
	for _, o := range all {
		if o.was != nil {
			continue
		}
		for _, p := range o.prints {
			if text, ok := texts[p]; ok {
				if o.was == nil {
					o.was = map[uint64]placeText{}
				}
				o.was[p.place] = text
			}
		}
	}
}

// Open is the number of resources that each exemption in force, by its folded id,
// is re-opened for.
func (b *Bases) Open() map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := map[string]int{}
	for _, all := range b.by {
		seen := map[string]bool{}
		for _, o := range all {
			if id := b.live[o.exemption]; o.open && !seen[id] {
				seen[id] = true
				out[id]++
			}
		}
	}
	return out
}

// String is all that is remembered, in words and in order.
func (b *Bases) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var lines []string
	for handle, all := range b.by {
		for _, o := range all {
			lines = append(lines, fmt.Sprint(handle, o.baseTag, o.prints, o.open))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// Freeze has nothing remembered while what would be is judged.
func (b *Bases) Freeze(frozen bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.frozen = frozen
}
