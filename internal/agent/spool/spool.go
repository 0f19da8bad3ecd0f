package spool

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// Lane is a queue of its own. Lower lanes are delivered first and give way last.
type Lane int

// The lanes by priority.
const (
	Alerts Lane = iota
	Inventory
	Events
	lanes
)

// String is the lane's name, which is also that of its folder.
func (l Lane) String() string { return [...]string{"alerts", "inventory", "events"}[l] }

// Options say where a spool is and how much it may take.
type Options struct {
	Dir        string
	MaxBytes   int64         // on disk, all lanes; default 512 MiB
	Segment    int64         // bytes of a segment; default a 16th of MaxBytes, at most 4 MiB
	SyncEvery  time.Duration // default 1 s
	SyncAlways bool          // sync before Append returns
	Retain     time.Duration // how long delivered records are kept; default 10 s
	// BootID names the host's start ("" if unknown): a spool that was not closed
	// before another start begins a new epoch.
	BootID string
	Now    func() time.Time // default time.Now
	Log    *slog.Logger     // nil discards
}

// Spool is an open spool.
type Spool struct {
	dir     string
	options Options
	now     func() time.Time
	log     *slog.Logger

	mu     sync.Mutex
	lanes  [lanes]*lane
	epochs []uint64 // that segments have, the current one last
	closed bool
	// reserved: the reserve's blocks are taken.
	reserved bool
	// lostPosition: a lane does not know what it delivered, so its numbers may be
	// taken.
	lostPosition bool
	added        [lanes]chan struct{} // woken after an append
}

// state is what a spool remembers beside its lanes.
type state struct {
	Epochs []uint64 `json:"epochs"`
	BootID string   `json:"bootId"`
	Clean  bool     `json:"clean"`
}

// Open opens or creates a spool. One process may have it open.
func Open(o Options) (*Spool, error) {
	if o.MaxBytes == 0 {
		o.MaxBytes = 512 << 20
	}
	if o.Segment == 0 {
		o.Segment = min(4<<20, o.MaxBytes/16)
	}
	if o.SyncEvery == 0 {
		o.SyncEvery = time.Second
	}
	if o.Retain == 0 {
		o.Retain = 10 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Spool{dir: o.Dir, options: o, now: o.Now, log: o.Log}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("open spool: %w", err)
	}
	before := s.readState()
	s.epochs = before.Epochs
	for l := range s.lanes {
		s.added[l] = make(chan struct{}, 1)
		ln, err := s.openLane(Lane(l))
		if err != nil {
			return nil, err
		}
		s.lanes[l] = ln
	}
	if sameStart := o.BootID != "" && o.BootID == before.BootID; len(s.epochs) == 0 || s.lostPosition || !before.Clean && !sameStart {
		s.epochs = append(s.epochs, newEpoch())
	}
	for _, ln := range s.lanes {
		ln.begin(s.epochs[len(s.epochs)-1])
	}
	s.holdReserve() // on a full disk Append makes room for it
	return s, s.writeState(false)
}

func newEpoch() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return binary.LittleEndian.Uint64(b[:]) | 1
}

func (s *Spool) statePath() string { return filepath.Join(s.dir, "state") }

// readState gives what was stored; nothing if it cannot be read, which begins a
// new epoch.
func (s *Spool) readState() (st state) {
	b, err := os.ReadFile(s.statePath())
	if err != nil || json.Unmarshal(b, &st) != nil {
		return state{}
	}
	return st
}

func (s *Spool) writeState(clean bool) error {
	b, err := json.Marshal(state{Epochs: s.epochs, BootID: s.options.BootID, Clean: clean})
	if err == nil {
		err = s.writeFile(s.statePath(), b)
	}
	if err != nil {
		return fmt.Errorf("write spool state: %w", err)
	}
	return nil
}

// Append adds records to a lane and gives the sequence of the first. When the
// disk has no room even after others gave way, the records are a gap; only if
// that cannot be written either, an error says that they are not produced.
func (s *Spool) Append(l Lane, records ...[]byte) (first uint64, err error) {
	if len(records) == 0 {
		return 0, errors.New("append to the spool: no records")
	}
	size := int64(0)
	for _, r := range records {
		if len(r) > MaxRecord {
			return 0, fmt.Errorf("append to the spool: a record of %d bytes, at most %d are possible", len(r), MaxRecord)
		}
		size += int64(frameSize + len(r))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, errors.New("append to the spool: it is closed")
	}
	ln := s.lanes[l]
	first = ln.next
	if err := s.appendBounded(l, records, size); err != nil {
		return 0, err
	}
	select {
	case s.added[l] <- struct{}{}:
	default:
	}
	return first, nil
}

func (s *Spool) appendBounded(l Lane, records [][]byte, size int64) error {
	ln := s.lanes[l]
	for s.sizeLocked()+size > s.options.MaxBytes {
		if !s.giveWay(l) {
			return s.appendLost(ln, len(records))
		}
	}
	for {
		err := ln.write(records, s.options.SyncAlways)
		if err == nil {
			return nil
		}
		if !isFull(err) {
			return fmt.Errorf("append to the spool: %w", err)
		}
		if !s.giveWay(l) {
			return s.appendLost(ln, len(records))
		}
		// What was freed belongs to the reserve first: without it the next gap has
		// no room.
		for !s.holdReserve() && s.giveWay(l) {
		}
	}
}

// appendLost gives records that find no room their numbers, in a gap.
func (s *Spool) appendLost(ln *lane, n int) error {
	g := Gap{From: ln.next, To: ln.next + uint64(n) - 1, Reason: ReasonFull, At: s.now().UTC()}
	if err := ln.replaceWithGap(s, len(ln.segments), g); err != nil {
		return fmt.Errorf("append to the spool: it is full, and %w", err)
	}
	ln.next = g.To + 1
	return nil
}

func (s *Spool) sizeLocked() (n int64) {
	for _, ln := range s.lanes {
		n += ln.size()
	}
	return n
}

// giveWay frees one segment for a record of lane l: one that is delivered, else
// the oldest of the lowest lane that is not above l.
func (s *Spool) giveWay(l Lane) bool {
	for _, ln := range s.lanes {
		if ln.removeDelivered(s, time.Time{}) > 0 {
			return true
		}
	}
	for low := lanes - 1; low >= l; low-- {
		if dropped, err := s.lanes[low].dropOldest(s); err != nil {
			s.log.Error("spool: nothing can be given up", "lane", low.String(), "error", err)
		} else if dropped {
			return true
		}
	}
	return false
}

// Batch is a run of records of one epoch and lane, or a gap.
type Batch struct {
	Epoch   uint64
	Lane    Lane
	First   uint64
	Records [][]byte
	Gap     *Gap // then there are no records
}

// Last is the sequence of the last record that the batch stands for.
func (b *Batch) Last() uint64 {
	if b.Gap != nil {
		return b.Gap.To
	}
	return b.First + uint64(len(b.Records)) - 1
}

// Next gives what follows the last acknowledged record of a lane, about maxBytes
// at most but at least one record; nil if there is nothing. Until Ack it gives
// the same again.
func (s *Spool) Next(l Lane, maxBytes int) (*Batch, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.lanes[l].read(s, maxBytes)
	if b != nil {
		b.Lane = l
	}
	return b, err
}

// Ack says that the server has a batch.
func (s *Spool) Ack(b *Batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lanes[b.Lane].ack(b.Epoch, b.Last(), s.now())
}

// Rewind goes back to the oldest record that is still kept, for a server that
// has lost what it acknowledged last.
func (s *Spool) Rewind() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, ln := range s.lanes {
		ln.rewind()
	}
}

// Added receives after records were appended to a lane; wakes coalesce.
func (s *Spool) Added(l Lane) <-chan struct{} { return s.added[l] }

// Status is how much a lane holds.
type Status struct {
	Records uint64    // not delivered yet, those of gaps included
	Bytes   int64     // on disk
	Lost    uint64    // records that gaps on disk stand for
	Oldest  time.Time // when the oldest undelivered segment was written; zero if none
}

// Status tells how much is kept of each lane.
func (s *Spool) Status() map[Lane]Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := map[Lane]Status{}
	for l, ln := range s.lanes {
		m[Lane(l)] = ln.status()
	}
	return m
}

// Run syncs and removes what was delivered until ctx ends.
func (s *Spool) Run(ctx context.Context) error {
	tick := time.NewTicker(s.options.SyncEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := s.Tidy(); err != nil {
				s.log.Error("spool: sync", "error", err)
			}
		}
	}
}

// Tidy does once what Run does: syncs what was appended, stores what was
// delivered, and removes segments that were delivered long enough ago.
func (s *Spool) Tidy() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	before := s.now().Add(-s.options.Retain)
	for _, ln := range s.lanes {
		errs = append(errs, ln.sync(), ln.storePosition(s))
		ln.removeDelivered(s, before)
	}
	s.holdReserve() // if there is room again
	used := slices.DeleteFunc(slices.Clone(s.epochs[:len(s.epochs)-1]), func(e uint64) bool {
		return !slices.ContainsFunc(s.lanes[:], func(ln *lane) bool {
			return slices.ContainsFunc(ln.segments, func(seg *segment) bool { return seg.epoch == e })
		})
	})
	if len(used) < len(s.epochs)-1 {
		s.epochs = append(used, s.epochs[len(s.epochs)-1])
		errs = append(errs, s.writeState(false))
	}
	return errors.Join(errs...)
}

// Close syncs and closes. It may be called again.
func (s *Spool) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	var errs []error
	for _, ln := range s.lanes {
		errs = append(errs, ln.sync(), ln.storePosition(s), ln.close())
	}
	return errors.Join(append(errs, s.writeState(true))...)
}
