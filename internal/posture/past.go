package posture

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// past is how the resources of a scope stood after some transaction. It is read
// from a frame and then moved on in time; see Estate.travel. Blocks of handles
// with nothing in the scope take no room.
type past struct {
	shape   *shape
	control []int // by number: index in the shape, uncounted if it is no more
	scope   pastScope
	wider   bool // scope.subs has grown: what was left out must be read

	classes    []class // of stances; 0 is nowhere
	classOf    map[stance]uint32
	containers []container
	contOf     map[string]uint32
	tags       []tagging
	tagsOf     map[string]uint32
	subOf      map[string]uint32

	room   *sync.Pool   // of blocks
	blocks []*heldBlock // by handle >> blockBits
	pools  []*pool      // by subscription, or one
	under  []int        // by subscription: its documents that lie in the scope's management group
	mean   mean
}

// pastScope is a Scope as the past reads it: at most one of the ids is set.
type pastScope struct {
	sub, group, above string // folded; above is a management group's name
	// subs are the subscriptions that are read for a management group: those
	// that lie in it now, and any that turn out to have been.
	subs    map[string]bool
	handles *roaring.Bitmap

	tag, value string
	whole      bool // keep everything of every resource
}

// class is one stance with what it adds to a pool.
type class struct {
	stance         stance
	in             []standsIn
	known, unknown bool // in some scored control
}

type standsIn struct {
	control int
	state   State
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

// held is one resource, by numbers of past's tables. The zero held is not there.
type held struct{ class, container, tags uint32 }

// heldBlock is a block of handles.
type heldBlock [1 << blockBits]held

// newPast is the past before anything was.
func (l *Log) newPast(sh *shape, scope pastScope) *past {
	p := &past{shape: sh, control: make([]int, maxControls), scope: scope, room: &l.room}
	for i := range p.control {
		p.control[i] = slices.Index(l.numbers, uint16(i)) // -1 is uncounted
	}
	p.begin()
	return p
}

// begin makes it the past before anything was.
func (p *past) begin() {
	p.classOf, p.contOf, p.tagsOf, p.subOf = map[stance]uint32{}, map[string]uint32{}, map[string]uint32{}, map[string]uint32{}
	p.classes = []class{{stance: nowhere}}
	p.containers = []container{outside: {}, inside: {text: cmp.Or(p.scope.group, p.scope.sub), in: true}}
	p.tags = []tagging{outside: {in: p.scope.tag == ""}, inside: {in: true}}
	p.pools, p.under, p.mean, p.wider = nil, nil, mean{}, false
	p.subscription(nil)
}

// reset is begin for one that travelled; it gives its blocks back. Whoever needs
// a past no more should reset it.
func (p *past) reset() {
	for _, rows := range p.blocks {
		if rows != nil {
			clear(rows[:])
			p.room.Put(rows)
		}
	}
	p.blocks = nil
	p.begin()
}

// Numbers of containers and of tags that a past does not tell apart.
const (
	outside = iota
	inside
)

// nul ends what is a container's id in a home.
var nul = []byte{0}

// newPastScope reads a scope. The ids of containers tell what they are; those of a
// resource need its handles.
func newPastScope(scope Scope) pastScope {
	id := arm.Fold(strings.TrimSuffix(scope.ID, "/"))
	s := pastScope{tag: arm.Fold(scope.Tag), value: scope.TagValue}
	sub, group := containersOf(id)
	name, isGroup := strings.CutPrefix(id, managementGroups)
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

// weighs reports whether subscriptions are scored apart and weighed.
func (s *pastScope) weighs() bool {
	return s.tag == "" && s.sub == "" && s.group == "" && s.handles == nil
}

// contains reports whether a container is in the scope, but for a management
// group.
func (s *pastScope) contains(id []byte) bool {
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
func (s *pastScope) leads(above []byte) bool {
	for name := range bytes.SplitSeq(above, nul) {
		if s.above != "" && string(name) == s.above {
			return true
		}
	}
	return false
}

// tags reports whether a row's tags have the scope's.
func (s *pastScope) tags(text []byte) bool {
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
func (s *pastScope) apart() bool { return s.weighs() || s.above != "" }

// needsTags reports whether the tags of resources matter.
func (p *past) needsTags() bool { return p.scope.tag != "" || p.scope.whole }

// class numbers a stance.
func (p *past) class(s stance) uint32 {
	n, ok := p.classOf[s]
	if ok {
		return n
	}
	c := class{stance: s}
	for number, control := range p.control {
		state := s.state(number)
		if state == NotApplicable || control == uncounted {
			continue
		}
		c.in = append(c.in, standsIn{control, state})
		if p.shape.controls[control].Max > 0 {
			c.known = c.known || state == Healthy || state == Unhealthy
			c.unknown = c.unknown || state == Unknown
		}
	}
	n = uint32(len(p.classes))
	p.classOf[s] = n
	p.classes = append(p.classes, c)
	return n
}

// contained numbers a container. Only a whole past tells all apart; else there
// is outside, which is 0, and inside, which is 1, or inside by subscription.
func (p *past) contained(text []byte) uint32 {
	key, under := text, false
	id, above, _ := bytes.Cut(text, nul)
	if !p.scope.whole {
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
		c := container{text: string(key), sub: p.subscription(subscriptionIn(id)), in: true, under: under}
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

// subscription numbers a subscription and makes its pool.
func (p *past) subscription(id []byte) uint32 {
	n, ok := p.subOf[string(id)]
	if ok {
		return n
	}
	n = uint32(len(p.under))
	p.subOf[string(id)] = n
	p.under = append(p.under, 0)
	p.pools = append(p.pools, &pool{tallies: make([]tally, len(p.shape.controls))})
	return n
}

// tagged numbers a set of tags. Only a whole past tells all apart; else there
// are those with the scope's tag, which are 1, and others, which are 0.
func (p *past) tagged(text []byte) uint32 {
	if !p.scope.whole {
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
func (p *past) member(h uint32, r held) bool {
	return r.class != 0 && p.containers[r.container].in && p.tags[r.tags].in && (p.scope.handles == nil || p.scope.handles.Contains(h))
}

// counts reports whether a resource is there and in the scope.
func (p *past) counts(h uint32, r held) bool {
	return p.member(h, r) && p.chosen(p.containers[r.container].sub)
}

// leads reports whether a resource is a subscription below the scope's
// management group.
func (p *past) leads(r held) bool { return r.class != 0 && p.containers[r.container].under }

// tracks reports whether a block with such a resource must be kept.
func (p *past) tracks(h uint32, r held) bool {
	return p.member(h, r) || p.leads(r)
}

// at is a resource, nil if its block is not kept.
func (p *past) at(h uint32) *held {
	if n := int(h >> blockBits); n < len(p.blocks) && p.blocks[n] != nil {
		return &p.blocks[n][h&(1<<blockBits-1)]
	}
	return nil
}

// keep makes room for the block of a handle.
func (p *past) keep(h uint32) *held {
	n := int(h >> blockBits)
	for n >= len(p.blocks) {
		p.blocks = append(p.blocks, nil)
	}
	if p.blocks[n] == nil {
		p.blocks[n], _ = p.room.Get().(*heldBlock)
		if p.blocks[n] == nil {
			p.blocks[n] = new(heldBlock)
		}
	}
	return p.at(h)
}

// set makes a resource what it became and gives what it was. A resource outside
// the scope may be left out.
func (p *past) set(h uint32, now held, moved bool) (was, is held) {
	r := p.at(h)
	if r == nil {
		if !moved || !p.tracks(h, now) {
			return held{}, held{}
		}
		r = p.keep(h)
	}
	was = *r
	if !moved && was.container == outside {
		return held{}, held{} // nobody asks how it stands
	}
	if !moved {
		now.container, now.tags = was.container, was.tags
	}
	p.book(h, was, -1)
	p.book(h, now, +1)
	*r = now
	return was, now
}

// book counts a resource in, or with sign -1 out.
func (p *past) book(h uint32, r held, sign int32) {
	if r.class == 0 {
		return
	}
	if p.member(h, r) {
		p.bookAll(r.container, r.class, sign)
	} else if p.leads(r) {
		p.lead(r.container, sign)
	}
}

// bookAll counts in, or out if n is below 0, resources of a container that stand
// alike and have the scope's tag.
func (p *past) bookAll(container, class uint32, n int32) {
	c := &p.containers[container]
	if c.under {
		p.lead(container, n)
	}
	if !c.in {
		return
	}
	pool, of := p.pools[c.sub], &p.classes[class]
	for _, in := range of.in {
		pool.tallies[in.control].add(in.state, n)
	}
	pool.add(n, of.known, of.unknown)
	p.mean.stale(c.sub)
}

// lead notes that subscriptions came below the scope's management group.
func (p *past) lead(container uint32, n int32) {
	p.under[p.containers[container].sub] += int(n)
	p.mean.known = false
}

// each calls fn for every resource that is there.
func (p *past) each(fn func(h uint32, r held)) {
	for n, rows := range p.blocks {
		if rows == nil {
			continue
		}
		for i, r := range rows {
			if r.class != 0 {
				fn(uint32(n<<blockBits|i), r)
			}
		}
	}
}

// there reports whether a resource is there.
func (p *past) there(h uint32) bool {
	r := p.at(h)
	return r != nil && r.class != 0
}

// stands reports whether a resource is there and has a stance.
func (p *past) stands(h uint32, s stance) bool {
	return p.there(h) && p.classes[p.at(h).class].stance == s
}

// holds reports whether a resource is there and has a home.
func (p *past) holds(h uint32, at home) bool {
	if !p.there(h) {
		return false
	}
	r := p.at(h)
	return p.containers[r.container].text == at.container && p.tags[r.tags].text == at.tags
}
