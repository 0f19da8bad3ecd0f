package correlate

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// snapshotMagic starts a snapshot; its last byte is the version of the form.
const snapshotMagic = "RAMPCOR\x01"

// maxText bounds a text in a snapshot.
const maxText = 1 << 20

// Snapshot writes the engine's state. An engine with the same rules that
// restores it goes on as if it had seen everything itself.
func (e *Engine) Snapshot(w io.Writer) error {
	b := bufio.NewWriterSize(w, 1<<16)
	s := &encoder{w: b}
	b.WriteString(snapshotMagic)
	s.number(uint64(len(e.rules)))
	for _, r := range e.rules {
		s.number(r.fingerprint())
	}
	sources := make([]string, 0, len(e.newest))
	for source := range e.newest {
		sources = append(sources, source)
	}
	slices.Sort(sources)
	s.number(uint64(len(sources)))
	for _, source := range sources {
		s.text(source)
		s.number(uint64(e.newest[source]))
	}
	s.number(uint64(e.hand))
	s.number(uint64(len(e.free)))
	for _, i := range e.free {
		s.number(uint64(i))
	}
	s.number(uint64(len(e.slab)))
	for i := range e.slab {
		s.group(&e.slab[i])
	}
	return b.Flush()
}

type encoder struct {
	w   *bufio.Writer
	buf [binary.MaxVarintLen64]byte
}

func (s *encoder) number(n uint64) { s.w.Write(s.buf[:binary.PutUvarint(s.buf[:], n)]) }

func (s *encoder) text(t string) {
	s.number(uint64(len(t)))
	s.w.WriteString(t)
}

func (s *encoder) group(g *group) {
	if !g.used {
		s.number(0)
		return
	}
	s.number(uint64(g.correlation) + 1)
	s.text(g.key)
	s.number(uint64(g.fired))
	s.number(uint64(g.level)<<2 | flag(g.dropped, 2) | flag(g.touched, 1))
	s.number(uint64(len(g.items)))
	last := int64(0)
	for _, it := range g.items {
		s.number(uint64(it.at - last))
		s.number(it.event)
		s.number(it.aux)
		last = it.at
	}
}

func flag(on bool, bit uint64) uint64 {
	if on {
		return bit
	}
	return 0
}

// Restore replaces the engine's state by a snapshot's. The windows of rules that
// have changed since or are gone are left out; lost counts those rules. After an
// error the engine is empty.
func (e *Engine) Restore(r io.Reader) (lost int, err error) {
	e.reset()
	defer func() {
		if err != nil {
			e.reset()
		}
	}()
	s := &decoder{r: bufio.NewReaderSize(r, 1<<16)}
	magic := make([]byte, len(snapshotMagic))
	if _, err := io.ReadFull(s.r, magic); err != nil || string(magic) != snapshotMagic {
		return 0, errors.New("read correlation snapshot: it is none, or of another version")
	}
	now, lost := e.matchRules(s)
	for n := s.number(); n > 0 && s.err == nil; n-- {
		source := s.text()
		e.newest[source] = int64(s.number())
	}
	hand := s.number()
	var free []int32
	for n := s.number(); n > 0 && s.err == nil; n-- {
		free = append(free, int32(s.number()))
	}
	for n := s.number(); n > 0 && s.err == nil; n-- {
		e.restoreGroup(s, now)
	}
	if s.err == nil && hand > uint64(len(e.slab)) {
		s.err = errors.New("damaged")
	}
	e.hand = int32(hand)
	e.restoreFree(free)
	if s.err != nil {
		return 0, fmt.Errorf("read correlation snapshot: %w", s.err)
	}
	return lost, nil
}

func (e *Engine) reset() {
	e.newest = map[string]int64{}
	e.slab, e.free, e.hand, e.stats = nil, nil, 0, Stats{}
	for i := range e.tables {
		e.tables[i].groups = map[string]int32{}
	}
}

// matchRules maps the snapshot's rules to the engine's; -1 is gone or changed.
func (e *Engine) matchRules(s *decoder) (now []int, lost int) {
	for n := s.number(); n > 0 && s.err == nil; n-- {
		fingerprint := s.number()
		i := slices.IndexFunc(e.rules, func(r *Rule) bool { return r.fingerprint() == fingerprint })
		if i < 0 {
			lost++
		}
		now = append(now, i)
	}
	return now, lost
}

// restoreGroup reads one place of the slab. Groups of rules that are gone leave
// a free place.
func (e *Engine) restoreGroup(s *decoder, now []int) {
	place := int32(len(e.slab))
	e.slab = append(e.slab, group{})
	which := s.number()
	if which == 0 || s.err != nil {
		return
	}
	g := group{key: s.text(), fired: int64(s.number()), used: true}
	flags := s.number()
	g.level, g.dropped, g.touched = uint8(min(flags>>2, 63)), flags&2 != 0, flags&1 != 0
	last := int64(0)
	for n := s.number(); n > 0 && s.err == nil; n-- {
		last += int64(s.number())
		g.items = append(g.items, item{at: last, event: s.number(), aux: s.number()})
	}
	if which > uint64(len(now)) || !slices.IsSortedFunc(g.items, func(a, b item) int {
		if a.at < b.at {
			return -1
		}
		return 0
	}) {
		s.fail()
		return
	}
	i := now[which-1]
	if i < 0 || s.err != nil {
		return
	}
	if e.rules[i].ordersMembers() && slices.ContainsFunc(g.items, func(it item) bool { return it.aux >= uint64(len(e.rules[i].Members)) }) {
		s.fail()
		return
	}
	g.correlation = int32(i)
	e.slab[place] = g
	e.tables[i].groups[g.key] = place
	e.stats.Events += len(g.items)
}

func (r *Rule) ordersMembers() bool { return r.Type == Temporal || r.Type == TemporalOrdered }

// restoreFree takes the free places in their order, then those that rules that
// are gone have left.
func (e *Engine) restoreFree(free []int32) {
	listed := map[int32]bool{}
	for _, i := range free {
		if i >= 0 && int(i) < len(e.slab) && !e.slab[i].used && !listed[i] {
			listed[i] = true
			e.free = append(e.free, i)
		}
	}
	for i := range e.slab {
		if !e.slab[i].used && !listed[int32(i)] {
			e.free = append(e.free, int32(i))
		}
	}
}

type decoder struct {
	r   *bufio.Reader
	err error
}

func (s *decoder) fail() {
	if s.err == nil {
		s.err = errors.New("damaged")
	}
}

func (s *decoder) number() uint64 {
	if s.err != nil {
		return 0
	}
	n, err := binary.ReadUvarint(s.r)
	if err != nil {
		s.err = errors.New("cut short or damaged")
	}
	return n
}

func (s *decoder) text() string {
	n := s.number()
	if n > maxText {
		s.fail()
	}
	if s.err != nil {
		return ""
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(s.r, b); err != nil {
		s.err = errors.New("cut short or damaged")
	}
	return string(b)
}

// fingerprint changes with whatever changes what a rule's windows mean.
func (r *Rule) fingerprint() uint64 {
	return fnv(fnvStart, fmt.Sprintf("%q %q %q %q %v %d %v %q %v", r.Key(), r.Type, r.Members, r.GroupBy, r.Aliases, r.Timespan, r.When, r.Field, r.Percent))
}
