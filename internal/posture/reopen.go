package posture

import (
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/internal/arm"
	"github.com/rampart-sec/rampart/internal/policy"
	"github.com/rampart-sec/rampart/internal/policy/engine"
	"github.com/rampart-sec/rampart/internal/store"
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
	live   map[uint32]string   // folded id of the exemption by its number
	tags   map[baseKey]baseTag // of the current catalog
	dirty  map[uint32]bool     // chunks that differ from what is stored
	chunks map[uint32]struct{} // stored ones
}

// maxBases bounds what is remembered; further resources stay exempt whatever
// changes, which the log says.
const maxBases = 1 << 20

// base is what one member's rule read of one resource under one exemption.
type base struct {
	baseTag
	prints []placePrint // by place
	// open is set while the exemption is re-opened for the resource.
	open bool
	// was are the values in words, as far as they are known.
	was map[uint32]placeText
}

// baseTag says whose base it is.
type baseTag struct {
	exemption uint32 // the exemption as it was last renewed
	member    uint32 // definition and reference id
	reads     uint32 // the fields that the rule reads: a rule that reads others begins anew
}

type baseKey struct {
	exemption *policy.Exemption
	member    uint32
}

// placePrint is the print of the values in one place; 0 if they are not known.
type placePrint struct{ place, print uint32 }

type placeText struct{ Path, Text string }

func newBases(e *Estate) *bases {
	b := &bases{by: map[uint32][]*base{}, live: map[uint32]string{}, tags: map[baseKey]baseTag{}, dirty: map[uint32]bool{}, chunks: map[uint32]struct{}{}}
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
	again, live := roaring.New(), map[uint32]string{}
	for _, x := range c.exemptions {
		if x.ReopenOnChange {
			live[numberOf(x)] = arm.Fold(x.ID)
		}
	}
	b.live, b.tags = live, map[baseKey]baseTag{}
	if len(b.by) == 0 {
		return again
	}
	reads := make(map[uint32]uint32, len(c.members))
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

// numberOf tells exemptions and their renewals apart.
func numberOf(x *policy.Exemption) uint32 { return hashOf(arm.Fold(x.ID), x.BasedAt) }

func hashOf(parts ...string) uint32 {
	h := fnv.New32a()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return h.Sum32()
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

// memberOf tells the members of an assignment apart, in every process.
func memberOf(m *engine.Member) uint32 {
	return hashOf(arm.Fold(m.DefinitionID), arm.Fold(m.ReferenceID))
}

// readsOf tells apart which fields a member's rule reads.
func readsOf(m *engine.Member) uint32 {
	var fields []string
	for _, f := range m.Bound.FieldReads() {
		fields = append(fields, fmt.Sprint(arm.Fold(f.Field.Text), f.Related, f.Deep))
	}
	slices.Sort(fields)
	return hashOf(fields...)
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

// excuse finds the exemption that excuses a verdict: the first that holds for
// the member and is not re-opened for the row. Of those that are, reopened says
// what has changed.
func (ru *rollup) excuse(r *row, v verdict, assignment string, over *rowExemptions, at time.Time) (x *policy.Exemption, reopened string) {
	m := &ru.catalog.members[v.member]
	for _, x := range over.all {
		if !x.Exempts(assignment, m.ReferenceID, over.target, at) {
			continue
		}
		if !x.ReopenOnChange {
			return x, ""
		}
		change := ru.bases.reopened(x, r.handle, v, m)
		if change == "" {
			return x, ""
		}
		reopened = "exemption " + titleOf(x) + " re-opened: " + change
	}
	return nil, reopened
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
	slices.SortFunc(all, func(x, y placePrint) int { return int(int64(x.place) - int64(y.place)) })
	return all
}

func printAt(prints []placePrint, place uint32) (print uint32, ok bool) {
	i, ok := slices.BinarySearchFunc(prints, place, func(p placePrint, place uint32) int { return int(int64(p.place) - int64(place)) })
	if !ok {
		return 0, false
	}
	return prints[i].print, true
}

// changed are the places with other values than in the base. What is not known
// now, or was not then, has not changed.
func (o *base) changed(now []placePrint) []uint32 {
	var places []uint32
	for _, p := range now {
		if was, ok := printAt(o.prints, p.place); !ok || was != p.print && was != 0 && p.print != 0 {
			places = append(places, p.place)
		}
	}
	for _, p := range o.prints {
		if _, ok := printAt(now, p.place); !ok {
			places = append(places, p.place)
		}
	}
	return places
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
func (b *bases) words(handle, member uint32, o *base, changed []uint32) string {
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

// placeName is the path, with the name of the related resource that it is of.
func placeName(r *policy.Reading) string {
	if r.Resource == "" {
		return r.Path
	}
	return r.Resource[strings.LastIndexByte(r.Resource, '/')+1:] + " " + r.Path
}

// causeWords is a cause in words. What an exemption no longer excuses since the
// resource changed is told apart: mostly it was re-opened.
func causeWords(cause Cause, from, to State) string {
	if cause == ResourceChanged && from == Exempt && to == Unhealthy {
		return "resource changed under its exemption"
	}
	return cause.String()
}

// about notes, before a batch of documents is taken in, the values in words
// that are about to go, and has the resources judged again whose related ones
// change: their verdicts need not.
func (e *Estate) about(v *View, docs []store.Resource, b *edits) {
	if len(e.bases.by) == 0 {
		return
	}
	for i := range docs {
		if b.read[docs[i].Handle] {
			e.aboutOne(v, docs[i].Handle, docs[i].Doc.ID)
		}
	}
	for handle := range b.gone {
		if r := v.rows.at(handle); r != nil {
			e.aboutOne(v, handle, r.id)
		}
	}
}

// aboutMasked is about for reports that are shown anew, with other findings
// disabled.
func (e *Estate) aboutMasked(v *View, docs []store.Resource) {
	if len(e.bases.by) == 0 {
		return
	}
	for i := range docs {
		e.aboutOne(v, docs[i].Handle, docs[i].Doc.ID)
	}
}

func (e *Estate) aboutOne(v *View, handle uint32, id string) {
	e.noteReadings(handle)
	for end := strings.LastIndexByte(id, '/'); end > 0; end = strings.LastIndexByte(id[:end], '/') {
		if r := v.byID(id[:end]); r != nil && len(e.bases.by[r.handle]) > 0 {
			e.noteReadings(r.handle)
			e.recheck.Add(r.handle)
		}
	}
}

// noteReadings keeps the values that the bases of a resource were made of, as
// long as it still has them.
func (e *Estate) noteReadings(handle uint32) {
	b := e.bases
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.by[handle]
	if !slices.ContainsFunc(all, func(o *base) bool { return o.was == nil }) {
		return
	}
	texts := map[placePrint]placeText{}
	for _, v := range e.eval.verdicts(handle, nil) {
		b.reads(handle, v.member, func(r *policy.Reading) {
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
					o.was = map[uint32]placeText{}
				}
				o.was[p.place] = text
			}
		}
	}
}

// Reopened is the number of resources that each exemption in force, by its
// folded id, is re-opened for.
func (e *Estate) Reopened() map[string]int {
	e.bases.mu.Lock()
	defer e.bases.mu.Unlock()
	out := map[string]int{}
	for _, all := range e.bases.by {
		seen := map[string]bool{}
		for _, o := range all {
			if id := e.bases.live[o.exemption]; o.open && !seen[id] {
				seen[id] = true
				out[id]++
			}
		}
	}
	return out
}

// freeze has nothing remembered of what would be.
func (b *bases) freeze(frozen bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.frozen = frozen
}

// Stored form: the bases of 1,024 handles are one setting, and basesSetting
// lists which there are.
const (
	basesSetting = "posture.bases" // []uint32
	chunkBits    = 10
)

func chunkOf(handle uint32) uint32 { return handle >> chunkBits }

func chunkSetting(chunk uint32) string { return fmt.Sprintf("%s.%d", basesSetting, chunk) }

// storedBase is a base as it is stored.
type storedBase struct {
	Handle uint32               `json:"h"`
	Tag    [3]uint32            `json:"t"`
	Prints []uint32             `json:"p"` // places and prints in turn
	Open   bool                 `json:"o,omitempty"`
	Was    map[uint32]placeText `json:"w,omitempty"` // of open ones
}

// restore reads what is stored.
func (b *bases) restore(ctx context.Context, tx *store.Tx, tenant string) error {
	var chunks []uint32
	if err := tx.Setting(ctx, tenant, basesSetting, &chunks); err != nil && !isNotFound(err) {
		return err
	}
	for _, chunk := range chunks {
		var stored []storedBase
		if err := tx.Setting(ctx, tenant, chunkSetting(chunk), &stored); err != nil && !isNotFound(err) {
			return err
		}
		b.chunks[chunk] = struct{}{}
		for _, s := range stored {
			o := &base{baseTag: baseTag{s.Tag[0], s.Tag[1], s.Tag[2]}, open: s.Open, was: s.Was}
			for i := 0; i+1 < len(s.Prints); i += 2 {
				o.prints = append(o.prints, placePrint{s.Prints[i], s.Prints[i+1]})
			}
			b.by[s.Handle] = append(b.by[s.Handle], o)
			b.count++
		}
	}
	return nil
}

// write stores what has changed; saved says that it is stored.
func (b *bases) write(ctx context.Context, tx *store.Tx, tenant string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.dirty) == 0 {
		return nil
	}
	kept := map[uint32]bool{}
	for chunk := range b.chunks {
		kept[chunk] = !b.dirty[chunk]
	}
	for chunk := range b.dirty {
		stored := b.stored(chunk)
		if kept[chunk] = len(stored) > 0; !kept[chunk] {
			if err := tx.DeleteSetting(ctx, tenant, chunkSetting(chunk)); err != nil {
				return err
			}
			continue
		}
		if err := tx.PutSetting(ctx, tenant, chunkSetting(chunk), stored); err != nil {
			return err
		}
	}
	list := []uint32{}
	for chunk, ok := range kept {
		if ok {
			list = append(list, chunk)
		}
	}
	slices.Sort(list)
	return tx.PutSetting(ctx, tenant, basesSetting, list)
}

func (b *bases) saved() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for chunk := range b.dirty {
		b.chunks[chunk] = struct{}{}
	}
	clear(b.dirty)
}

func (b *bases) stored(chunk uint32) []storedBase {
	var all []storedBase
	for handle := chunk << chunkBits; handle < (chunk+1)<<chunkBits; handle++ {
		for _, o := range b.by[handle] {
			s := storedBase{Handle: handle, Tag: [3]uint32{o.exemption, o.member, o.reads}, Open: o.open}
			for _, p := range o.prints {
				s.Prints = append(s.Prints, p.place, p.print)
			}
			if o.open {
				s.Was = o.was
			}
			all = append(all, s)
		}
	}
	return all
}
