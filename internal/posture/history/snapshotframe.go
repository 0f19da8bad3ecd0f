package history

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// frameVersion is the first byte of both parts of a packed frame block:
//
//	n, n times control states; n, n times container; control states; containers
//	n, n times tags; tags
//
// What follows the texts are columns: an entry for each handle of the block, by
// number in the texts, first the low bytes of all, then the high ones. Stances
// are numbered from 1 on; 0 is not there. Texts and columns have their length
// before them.
const frameVersion = 1

// FrameBlock packs a block of a snapshot that reaches everything, nil if nothing is
// in it.
func (p *Snapshot) FrameBlock(n int) (*store.FrameBlock, error) {
	var states, containers, tags numbered[uint32]
	var stateColumn, containerColumn, tagColumn column
	if p.Blocks[n] == nil {
		return nil, nil
	}
	for i, r := range p.Blocks[n] {
		if r.Class == 0 {
			continue
		}
		stateColumn.set(i, states.of(r.Class)+1)
		containerColumn.set(i, containers.of(r.Container))
		tagColumn.set(i, tags.of(r.Tags))
	}
	if len(states.list) == 0 {
		return nil, nil
	}
	if len(states.list) > math.MaxUint16 {
		return nil, fmt.Errorf("frame block %d: %d states are too many", n, len(states.list))
	}
	b := binary.AppendUvarint([]byte{frameVersion}, uint64(len(states.list)))
	for _, c := range states.list {
		b = binary.AppendUvarint(b, uint64(p.classes[c].states))
	}
	b = binary.AppendUvarint(b, uint64(len(containers.list)))
	for _, c := range containers.list {
		b = appendText(b, p.containers[c].text)
	}
	b = containerColumn.append(stateColumn.append(b))
	t := binary.AppendUvarint([]byte{frameVersion}, uint64(len(tags.list)))
	for _, n := range tags.list {
		t = appendText(t, p.tags[n].text)
	}
	return &store.FrameBlock{Block: uint32(n), Stances: b, Tags: tagColumn.append(t)}, nil
}

// column is a number for each handle of a block.
type column struct{ low, high []byte }

func (c *column) set(i int, n uint64) {
	for len(c.low) <= i {
		c.low, c.high = append(c.low, 0), append(c.high, 0)
	}
	c.low[i], c.high[i] = byte(n), byte(n>>8)
}

func (c *column) at(i int) int { return int(c.low[i]) | int(c.high[i])<<8 }

func (c *column) append(b []byte) []byte {
	b = append(binary.AppendUvarint(b, uint64(len(c.low))), c.low...)
	return append(binary.AppendUvarint(b, uint64(len(c.high))), c.high...)
}

func (c *column) read(d *record.PackedReader) {
	c.low, c.high = d.Bytes(), d.Bytes()
	if len(c.low) != len(c.high) || len(c.low) > 1<<record.BlockBits {
		d.Fail()
	}
}

// frameReader reads a block of a frame with the numbers of a snapshot.
type frameReader struct {
	classes, containers, tags             []uint32
	stateColumn, containerColumn, tagging column
}

func (f *frameReader) open(p *Snapshot, b *store.FrameBlock) error {
	if len(b.Stances) == 0 || b.Stances[0] != frameVersion {
		return record.ErrPacked
	}
	d := record.PackedReader{Data: b.Stances[1:]}
	f.classes = append(f.classes, 0)
	for range d.Count() {
		f.classes = append(f.classes, p.Class(record.ControlStates(d.Uvarint())))
	}
	for range d.Count() {
		f.containers = append(f.containers, p.Contained(d.Bytes()))
	}
	f.stateColumn.read(&d)
	f.containerColumn.read(&d)
	if d.Bad || !p.needsTags() {
		f.tags = []uint32{p.Tagged(nil)}
		return d.Damaged()
	}
	if len(b.Tags) == 0 || b.Tags[0] != frameVersion {
		return record.ErrPacked
	}
	d = record.PackedReader{Data: b.Tags[1:]}
	for range d.Count() {
		f.tags = append(f.tags, p.Tagged(d.Bytes()))
	}
	f.tagging.read(&d)
	return d.Damaged()
}

// tracked reports whether the block may hold something that must be kept.
func (f *frameReader) tracked(p *Snapshot) bool {
	tagged, in := false, false
	for _, t := range f.tags {
		tagged = tagged || p.tags[t].in
	}
	for _, c := range f.containers {
		if p.containers[c].under {
			return true
		}
		in = in || p.containers[c].in
	}
	return tagged && in
}

// load takes in a block of a frame.
func (p *Snapshot) load(b *store.FrameBlock) error {
	var f frameReader
	if err := f.open(p, b); err != nil {
		return fmt.Errorf("frame block %d: %w", b.Block, err)
	}
	if p.wider {
		return nil // only what else there is of the scope is of interest
	}
	base := b.Block << record.BlockBits
	if p.scope.handles != nil && !p.scope.handles.IntersectsWithInterval(uint64(base), uint64(base)+1<<record.BlockBits) || !f.tracked(p) {
		return nil
	}
	p.keep(base)
	return f.rows(p, b.Block)
}

// rows reads the columns. Resources of a subscription that stand alike are
// counted first and written together.
func (f *frameReader) rows(p *Snapshot, block uint32) error {
	rows := p.Blocks[block]
	first, pools := f.poolsOf(p)
	counts := make([]int32, len(first)*len(f.classes))
	if n := len(f.stateColumn.low); n != len(f.containerColumn.low) || p.needsTags() && n != len(f.tagging.low) {
		return fmt.Errorf("frame block %d: %w", block, record.ErrPacked)
	}
	for i := range f.stateColumn.low {
		class, in, tagged := f.stateColumn.at(i), f.containerColumn.at(i), 0
		if class == 0 {
			continue
		}
		if p.needsTags() {
			tagged = f.tagging.at(i)
		}
		if class >= len(f.classes) || in >= len(f.containers) || tagged >= len(f.tags) {
			return fmt.Errorf("frame block %d: %w", block, record.ErrPacked)
		}
		if f.containers[in] == outside {
			continue
		}
		tags := f.tags[tagged]
		rows[i] = RowState{f.classes[class], f.containers[in], tags}
		if n := pools[in]; n < 0 || p.scope.handles != nil {
			p.count(block<<record.BlockBits+uint32(i), rows[i], +1)
		} else if p.tags[tags].in {
			counts[n*len(f.classes)+class]++
		}
	}
	for i, n := range counts {
		if n > 0 {
			p.countAll(first[i/len(f.classes)], f.classes[i%len(f.classes)], n)
		}
	}
	return nil
}

// poolsOf numbers the subscriptions of a block by its containers, and gives a
// container of each. One that must be looked at by itself has -1.
func (f *frameReader) poolsOf(p *Snapshot) (first []uint32, pools []int) {
	numbers := map[uint32]int{}
	pools = make([]int, len(f.containers))
	for i, container := range f.containers {
		c := &p.containers[container]
		if c.under || !c.in {
			pools[i] = -1
			continue
		}
		n, ok := numbers[c.sub]
		if !ok {
			n = len(first)
			numbers[c.sub] = n
			first = append(first, container)
		}
		pools[i] = n
	}
	return first, pools
}
