package history

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// Snapshot is how the resources of a scope stood after some transaction. It is read
// from a frame and then moved on in time; see Estate.travel. Blocks of handles
// with nothing in the scope take no room.
type Snapshot struct {
	Schema  *record.Schema
	control []int // by number: index in the schema, uncounted if it is no more
	scope   SnapshotScope
	seen    *roaring.Bitmap // if set, takes the resources that are read of
	wider   bool            // scope.subs has grown: what was left out must be read

	classes    []class // of control states; 0 is nowhere
	classOf    map[record.ControlStates]uint32
	containers []container
	contOf     map[string]uint32
	tags       []tagging
	tagsOf     map[string]uint32
	subOf      map[string]uint32

	room   *sync.Pool    // of blocks
	Blocks []*rowBlock   // by handle >> blockBits
	Pools  []*index.Pool // by subscription, or one
	under  []int         // by subscription: its documents that lie in the scope's management group
	mean   mean
}

// SnapshotScope is a Scope as the past reads it: at most one of the ids is set.
type SnapshotScope struct {
	sub, group, above string // folded; above is a management group's name
	// subs are the subscriptions that are read for a management group: those
	// that lie in it now, and any that turn out to have been.
	subs    map[string]bool
	handles *roaring.Bitmap

	tag, value string
	Whole      bool // keep everything of every resource
}

// class is one control states with what it adds to a pool.
type class struct {
	states         record.ControlStates
	in             []standsIn
	known, unknown bool // in some scored control
}

type standsIn struct {
	control int
	state   record.State
}

// container is one a resource may be in.
type container struct {
	text  string // home.container, or what is told apart of it
	sub   uint32
	in    bool // in the scope
	under bool // a subscription below the scope's management group
}

// tagging is a set of tags that a resource may have.
type tagging struct {
	text string
	in   bool // has the scope's tag
}

// RowState is one resource, by numbers of past's tables. The zero held is not there.
type RowState struct{ Class, Container, Tags uint32 }

// rowBlock is a block of handles.
type rowBlock [1 << record.BlockBits]RowState

// NewSnapshot is the past before anything was.
func (l *Log) NewSnapshot(sh *record.Schema, scope SnapshotScope) *Snapshot {
	p := &Snapshot{Schema: sh, control: make([]int, record.MaxControls), scope: scope, room: &l.room}
	for i := range p.control {
		p.control[i] = slices.Index(l.Numbers, uint16(i)) // -1 is uncounted
	}
	p.begin()
	return p
}

// begin makes it the past before anything was.
func (p *Snapshot) begin() {
	p.classOf, p.contOf, p.tagsOf, p.subOf = map[record.ControlStates]uint32{}, map[string]uint32{}, map[string]uint32{}, map[string]uint32{}
	p.classes = []class{{states: record.Absent}}
	p.containers = []container{outside: {}, inside: {text: cmp.Or(p.scope.group, p.scope.sub), in: true}}
	p.tags = []tagging{outside: {in: p.scope.tag == ""}, inside: {in: true}}
	p.Pools, p.under, p.mean, p.wider = nil, nil, mean{}, false
	p.Subscription(nil)
}

// Reset is begin for one that travelled; it gives its blocks back. Whoever needs
// a snapshot no more should reset it.
func (p *Snapshot) Reset() {
	for _, rows := range p.Blocks {
		if rows != nil {
			clear(rows[:])
			p.room.Put(rows)
		}
	}
	p.Blocks = nil
	p.begin()
}

// Numbers of containers and of tags that a snapshot does not tell apart.
const (
	outside = iota
	inside
)

// nul ends what is a container's id in a home.
var nul = []byte{0}

// newSnapshotScope reads a scope. The ids of containers tell what they are; those of a
// resource need its handles.
func newSnapshotScope(scope index.Scope) SnapshotScope {
	id := arm.Fold(strings.TrimSuffix(scope.ID, "/"))
	s := SnapshotScope{tag: arm.Fold(scope.Tag), value: scope.TagValue}
	sub, group := record.ContainersOf(id)
	name, isGroup := strings.CutPrefix(id, index.ManagementGroups)
	switch {
	case id == "":
	case isGroup:
		s.above = name
	case id == group:
		s.group = id
	case id == sub:
		s.sub = id
	default:
		s.handles = roaring.New()
	}
	return s
}

// below reports whether the scope is a resource with what lies below it.
func (s SnapshotScope) below() bool { return s.handles != nil }

// weighs reports whether subscriptions are scored apart and weighed.
func (s *SnapshotScope) weighs() bool {
	return s.tag == "" && s.sub == "" && s.group == "" && s.handles == nil
}

// contains reports whether a container is in the scope, but for a management
// group.
func (s *SnapshotScope) contains(id []byte) bool {
	switch {
	case s.group != "":
		return string(id) == s.group
	case s.sub != "":
		return string(subscriptionIn(id)) == s.sub
	}
	return true
}

// leads reports whether the scope's management group is among those above a
// subscription.
func (s *SnapshotScope) leads(above []byte) bool {
	for name := range bytes.SplitSeq(above, nul) {
		if s.above != "" && string(name) == s.above {
			return true
		}
	}
	return false
}

// tags reports whether a row's tags have the scope's.
func (s *SnapshotScope) tags(text []byte) bool {
	for len(text) > 0 {
		name, rest, _ := bytes.Cut(text, nul)
		value, next, _ := bytes.Cut(rest, nul)
		if (s.value == "" || string(value) == s.value) && len(name) == len(s.tag) && arm.Fold(string(name)) == s.tag {
			return true
		}
		text = next
	}
	return false
}

// apart reports whether there is a pool for each subscription.
func (s *SnapshotScope) apart() bool { return s.weighs() || s.above != "" }

// needsTags reports whether the tags of resources matter.
func (p *Snapshot) needsTags() bool { return p.scope.tag != "" || p.scope.Whole }

// Class numbers control states.
func (p *Snapshot) Class(s record.ControlStates) uint32 {
	n, ok := p.classOf[s]
	if ok {
		return n
	}
	c := class{states: s}
	for number, control := range p.control {
		state := s.State(number)
		if state == record.NotApplicable || control == record.NotCounted {
			continue
		}
		c.in = append(c.in, standsIn{control, state})
		if p.Schema.Controls[control].Max > 0 {
			c.known = c.known || state == record.Healthy || state == record.Unhealthy
			c.unknown = c.unknown || state == record.Unknown
		}
	}
	n = uint32(len(p.classes))
	p.classOf[s] = n
	p.classes = append(p.classes, c)
	return n
}

// Contained numbers a container. Only a whole past tells all apart; else there
// is outside, which is 0, and inside, which is 1, or inside by subscription.
func (p *Snapshot) Contained(text []byte) uint32 {
	key, under := text, false
	id, above, _ := bytes.Cut(text, nul)
	if !p.scope.Whole {
		switch {
		case !p.scope.contains(id):
			return outside
		case !p.scope.apart():
			return inside
		}
		key, under = subscriptionIn(id), p.scope.leads(above)
		if p.scope.subs != nil && !p.scope.subs[string(key)] {
			if !under {
				return outside
			}
			p.scope.subs[string(key)], p.wider = true, true
		}
		if under {
			key = append(slices.Clone(nul), key...)
		}
	}
	n, ok := p.contOf[string(key)]
	if !ok {
		n = uint32(len(p.containers))
		c := container{text: string(key), sub: p.Subscription(subscriptionIn(id)), in: true, under: under}
		p.contOf[c.text] = n
		p.containers = append(p.containers, c)
	}
	return n
}

// subscriptionIn is the id of the subscription that a folded id lies in, "" if
// it lies in none.
func subscriptionIn(id []byte) []byte {
	const prefix = "/subscriptions/"
	if !bytes.HasPrefix(id, []byte(prefix)) {
		return nil
	}
	if end := bytes.IndexByte(id[len(prefix):], '/'); end >= 0 {
		return id[:len(prefix)+end]
	}
	return id
}

// Subscription numbers a subscription and makes its pool.
func (p *Snapshot) Subscription(id []byte) uint32 {
	n, ok := p.subOf[string(id)]
	if ok {
		return n
	}
	n = uint32(len(p.under))
	p.subOf[string(id)] = n
	p.under = append(p.under, 0)
	p.Pools = append(p.Pools, &index.Pool{Controls: make([]index.ControlCounts, len(p.Schema.Controls))})
	return n
}

// Tagged numbers a set of tags. Only a whole past tells all apart; else there
// are those with the scope's tag, which are 1, and others, which are 0.
func (p *Snapshot) Tagged(text []byte) uint32 {
	if !p.scope.Whole {
		if p.scope.tag != "" && p.scope.tags(text) {
			return inside
		}
		return outside
	}
	n, ok := p.tagsOf[string(text)]
	if !ok {
		n = uint32(len(p.tags))
		t := tagging{text: string(text), in: true}
		p.tagsOf[t.text] = n
		p.tags = append(p.tags, t)
	}
	return n
}

// member reports whether a resource is there and in the scope, but for the
// management group.
func (p *Snapshot) member(h uint32, r RowState) bool {
	return r.Class != 0 && p.containers[r.Container].in && p.tags[r.Tags].in && (p.scope.handles == nil || p.scope.handles.Contains(h))
}

// counts reports whether a resource is there and in the scope.
func (p *Snapshot) counts(h uint32, r RowState) bool {
	return p.member(h, r) && p.chosen(p.containers[r.Container].sub)
}

// leads reports whether a resource is a subscription below the scope's
// management group.
func (p *Snapshot) leads(r RowState) bool { return r.Class != 0 && p.containers[r.Container].under }

// tracks reports whether a block with such a resource must be kept.
func (p *Snapshot) tracks(h uint32, r RowState) bool {
	return p.member(h, r) || p.leads(r)
}

// at is a resource, nil if its block is not kept.
func (p *Snapshot) at(h uint32) *RowState {
	if n := int(h >> record.BlockBits); n < len(p.Blocks) && p.Blocks[n] != nil {
		return &p.Blocks[n][h&(1<<record.BlockBits-1)]
	}
	return nil
}

// keep makes room for the block of a handle.
func (p *Snapshot) keep(h uint32) *RowState {
	n := int(h >> record.BlockBits)
	for n >= len(p.Blocks) {
		p.Blocks = append(p.Blocks, nil)
	}
	if p.Blocks[n] == nil {
		p.Blocks[n], _ = p.room.Get().(*rowBlock)
		if p.Blocks[n] == nil {
			p.Blocks[n] = new(rowBlock)
		}
	}
	return p.at(h)
}

// Set makes a resource what it became and gives what it was. A resource outside
// the scope may be left out.
func (p *Snapshot) Set(h uint32, now RowState, moved bool) (was, is RowState) {
	r := p.at(h)
	if r == nil {
		if !moved || !p.tracks(h, now) {
			return RowState{}, RowState{}
		}
		r = p.keep(h)
	}
	was = *r
	if !moved && was.Container == outside {
		return RowState{}, RowState{} // nobody asks how it stands
	}
	if !moved {
		now.Container, now.Tags = was.Container, was.Tags
	}
	p.count(h, was, -1)
	p.count(h, now, +1)
	*r = now
	return was, now
}

// count counts a resource in, or with sign -1 out.
func (p *Snapshot) count(h uint32, r RowState, sign int32) {
	if r.Class == 0 {
		return
	}
	if p.member(h, r) {
		p.countAll(r.Container, r.Class, sign)
	} else if p.leads(r) {
		p.lead(r.Container, sign)
	}
}

// countAll counts in, or out if n is below 0, resources of a container that stand
// alike and have the scope's tag.
func (p *Snapshot) countAll(container, class uint32, n int32) {
	c := &p.containers[container]
	if c.under {
		p.lead(container, n)
	}
	if !c.in {
		return
	}
	pool, of := p.Pools[c.sub], &p.classes[class]
	for _, in := range of.in {
		pool.Controls[in.control].Add(in.state, n)
	}
	pool.Add(n, of.known, of.unknown)
	p.mean.stale(c.sub)
}

// lead notes that subscriptions came below the scope's management group.
func (p *Snapshot) lead(container uint32, n int32) {
	p.under[p.containers[container].sub] += int(n)
	p.mean.known = false
}

// Each calls fn for every resource that is there.
func (p *Snapshot) Each(fn func(h uint32, r RowState)) {
	for n, rows := range p.Blocks {
		if rows == nil {
			continue
		}
		for i, r := range rows {
			if r.Class != 0 {
				fn(uint32(n<<record.BlockBits|i), r)
			}
		}
	}
}

// Has reports whether a resource is there.
func (p *Snapshot) Has(h uint32) bool {
	r := p.at(h)
	return r != nil && r.Class != 0
}

// HasStates reports whether a resource is there and has control states.
func (p *Snapshot) HasStates(h uint32, s record.ControlStates) bool {
	return p.Has(h) && p.classes[p.at(h).Class].states == s
}

// HasPlacement reports whether a resource is there and has a home.
func (p *Snapshot) HasPlacement(h uint32, at record.Placement) bool {
	if !p.Has(h) {
		return false
	}
	r := p.at(h)
	return p.containers[r.Container].text == at.Container && p.tags[r.Tags].text == at.Tags
}
