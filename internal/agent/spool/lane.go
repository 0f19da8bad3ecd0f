package spool

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// position is a place in a lane: everything up to it is delivered.
type position struct {
	Epoch uint64 `json:"epoch"`
	Seq   uint64 `json:"seq"`
}

// lane is one queue: segments and gaps in order, the last one open for writing.
type lane struct {
	dir      string
	segments []*segment
	epoch    uint64   // of the next record
	next     uint64   // its sequence
	w        *os.File // the last segment; nil until the next write makes one
	buf      []byte
	unsynced bool
	limit    int64

	done   position // delivered
	stored position // as on disk
	acks   []acked
	// cursor is where done lies in its segment, so that it is not looked for again.
	cursor struct {
		at     position
		offset int64
	}
}

// acked remembers when a position was reached.
type acked struct {
	position
	at time.Time
}

func (s *Spool) openLane(l Lane) (*lane, error) {
	ln := &lane{dir: filepath.Join(s.dir, l.String()), limit: s.options.Segment}
	if err := os.MkdirAll(ln.dir, 0o700); err != nil {
		return nil, fmt.Errorf("open spool: %w", err)
	}
	s.noteEpochs(ln.dir)
	var err error
	if ln.segments, err = s.openSegments(ln.dir, s.epochs); err != nil {
		return nil, err
	}
	b, err := os.ReadFile(ln.positionPath())
	if err == nil {
		err = json.Unmarshal(b, &ln.done)
	}
	if err != nil && !os.IsNotExist(err) {
		s.log.Warn("spool: what was delivered is not known any more and is delivered again", "lane", l.String(), "error", err)
		ln.done, s.lostPosition = position{}, true
	}
	ln.stored = ln.done
	return ln, nil
}

// noteEpochs adds epochs of segments that the state does not know, in the order
// of their files.
func (s *Spool) noteEpochs(dir string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		var epoch, first uint64
		if _, err := fmt.Sscanf(e.Name(), "%016x-%016x.", &epoch, &first); err == nil && !slices.Contains(s.epochs, epoch) {
			s.epochs = append(s.epochs, epoch)
		}
	}
}

// begin says which epoch the lane goes on with.
func (ln *lane) begin(epoch uint64) {
	ln.epoch, ln.next = epoch, 1
	if ln.done.Epoch == epoch {
		ln.next = ln.done.Seq + 1
	}
	if n := len(ln.segments); n > 0 && ln.segments[n-1].epoch == epoch {
		ln.next = max(ln.next, ln.segments[n-1].last+1)
	}
}

func (ln *lane) positionPath() string { return filepath.Join(ln.dir, "position") }

func (ln *lane) size() (n int64) {
	for _, seg := range ln.segments {
		n += seg.size
	}
	return n
}

// write appends frames to the open segment. After an error nothing of them is
// left.
func (ln *lane) write(records [][]byte, sync bool) error {
	ln.buf = ln.buf[:0]
	for i, r := range records {
		ln.buf = appendFrame(ln.buf, ln.next+uint64(i), r)
	}
	if err := ln.open(int64(len(ln.buf))); err != nil {
		return err
	}
	seg := ln.segments[len(ln.segments)-1]
	_, err := ln.w.Write(ln.buf)
	if err == nil && sync {
		err = ln.w.Sync()
	}
	if err != nil {
		if terr := ln.w.Truncate(seg.size); terr != nil {
			ln.closeSegment() // its end is cut off when the spool is opened again
		} else if _, serr := ln.w.Seek(seg.size, io.SeekStart); serr != nil {
			ln.closeSegment()
		}
		return err
	}
	seg.size += int64(len(ln.buf))
	seg.last += uint64(len(records))
	ln.next += uint64(len(records))
	ln.unsynced = !sync
	return nil
}

// open makes sure that a segment of the current epoch is open with room for n
// bytes.
func (ln *lane) open(n int64) error {
	if ln.w != nil {
		if seg := ln.segments[len(ln.segments)-1]; seg.size+n <= ln.limit || seg.last < seg.first {
			return nil
		}
		if err := ln.closeSegment(); err != nil {
			return err
		}
	}
	if n := len(ln.segments); n > 0 && ln.segments[n-1].last < ln.segments[n-1].first {
		ln.segments = ln.segments[:n-1] // empty: the new one has its name
	}
	path := filepath.Join(ln.dir, segmentName(ln.epoch, ln.next, false))
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	header := appendHeader(nil, ln.epoch, ln.next)
	if _, err := f.Write(header); err != nil {
		_ = f.Close()
		_ = os.Remove(path)
		return err
	}
	ln.w = f
	ln.segments = append(ln.segments, &segment{path: path, epoch: ln.epoch, first: ln.next, last: ln.next - 1, size: int64(len(header))})
	return nil
}

func (ln *lane) closeSegment() error {
	if ln.w == nil {
		return nil
	}
	err := ln.w.Sync()
	if cerr := ln.w.Close(); err == nil {
		err = cerr
	}
	ln.w, ln.unsynced = nil, false
	return err
}

func (ln *lane) close() error { return ln.closeSegment() }

func (ln *lane) sync() error {
	if !ln.unsynced || ln.w == nil {
		return nil
	}
	ln.unsynced = false
	return ln.w.Sync()
}

// delivered reports whether everything of a segment is delivered.
func (ln *lane) delivered(seg *segment) bool {
	if seg.epoch == ln.done.Epoch {
		return seg.last <= ln.done.Seq
	}
	return ln.isBefore(seg.epoch, ln.done.Epoch)
}

// isBefore reports whether epoch a comes before b. The segments tell the order;
// an epoch that none has any more is behind all.
func (ln *lane) isBefore(a, b uint64) bool {
	if b == 0 {
		return false
	}
	first, second := -1, len(ln.segments)
	for i, seg := range ln.segments {
		if seg.epoch == a && first < 0 {
			first = i
		}
		if seg.epoch == b && second == len(ln.segments) {
			second = i
		}
	}
	if second == len(ln.segments) && b != ln.epoch {
		return false // done lies in an epoch that was removed: all that is left is newer
	}
	return first < second
}

// read gives the records behind done.
func (ln *lane) read(s *Spool, maxBytes int) (*Batch, error) {
	for i, seg := range ln.segments {
		if ln.delivered(seg) || seg.last < seg.first {
			continue
		}
		from := seg.first
		if seg.epoch == ln.done.Epoch {
			from = max(from, ln.done.Seq+1)
		}
		if seg.gap != nil {
			g := *seg.gap
			g.From = from
			return &Batch{Epoch: seg.epoch, First: from, Gap: &g}, nil
		}
		b, err := ln.readSegment(seg, from, maxBytes)
		if err == nil {
			return b, nil
		}
		if !errors.Is(err, errTorn) {
			return nil, fmt.Errorf("read spool: %w", err)
		}
		// What could be read once cannot be read now: the rest of the segment is lost.
		if i == len(ln.segments)-1 {
			if err := ln.closeSegment(); err != nil {
				s.log.Error("spool: close a damaged segment", "error", err)
			}
		}
		if err := ln.replaceWithGap(s, i, Gap{From: from, To: seg.last, Reason: ReasonDamaged, At: s.now().UTC()}); err != nil {
			return nil, err
		}
		return ln.read(s, maxBytes)
	}
	return nil, nil
}

// readSegment reads records from a sequence on.
func (ln *lane) readSegment(seg *segment, from uint64, maxBytes int) (*Batch, error) {
	f, err := os.Open(seg.path)
	if err != nil {
		if os.IsNotExist(err) {
			return nil, errTorn
		}
		return nil, err
	}
	defer f.Close()
	seq, offset := seg.first, int64(headerSize)
	if c := ln.cursor; c.at.Epoch == seg.epoch && c.at.Seq+1 == from && c.offset > 0 && from > seg.first {
		seq, offset = from, c.offset
	}
	batch := &Batch{Epoch: seg.epoch, First: from}
	size := 0
	window := make([]byte, min(seg.size-offset, int64(maxBytes)+frameSize+64<<10))
	for seq <= seg.last && (size == 0 || size < maxBytes) {
		n, err := f.ReadAt(window, offset)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		used := 0
		for seq <= seg.last && (size == 0 || size < maxBytes) {
			payload, take, err := parseFrame(window[used:min(n, len(window))], seq)
			if err != nil {
				break
			}
			if seq >= from {
				batch.Records = append(batch.Records, slices.Clone(payload))
				size += take
			}
			used += take
			seq++
		}
		offset += int64(used)
		if used > 0 {
			continue
		}
		if int64(len(window)) >= seg.size-offset || len(window) > MaxRecord+frameSize {
			break // the frame is there as a whole and cannot be read
		}
		window = make([]byte, min(seg.size-offset, MaxRecord+frameSize+1))
	}
	if len(batch.Records) == 0 {
		return nil, errTorn
	}
	ln.cursor.at, ln.cursor.offset = position{seg.epoch, batch.Last()}, offset
	return batch, nil
}

func (ln *lane) ack(epoch, seq uint64, at time.Time) {
	if epoch == ln.done.Epoch && seq <= ln.done.Seq || epoch != ln.done.Epoch && ln.isBefore(epoch, ln.done.Epoch) {
		return
	}
	ln.done = position{epoch, seq}
	ln.acks = append(ln.acks, acked{ln.done, at})
}

// rewind forgets acknowledgements of records that are still kept.
func (ln *lane) rewind() {
	if len(ln.segments) == 0 {
		return
	}
	first := ln.segments[0]
	ln.done = position{first.epoch, first.first - 1}
	ln.acks = nil
}

// storePosition writes what is delivered, so that it is not delivered again.
func (ln *lane) storePosition(s *Spool) error {
	if ln.done == ln.stored {
		return nil
	}
	b, err := json.Marshal(ln.done)
	if err == nil {
		err = s.writeFile(ln.positionPath(), b)
	}
	if err != nil {
		return fmt.Errorf("store what the spool has delivered: %w", err)
	}
	ln.stored = ln.done
	return nil
}

// removeDelivered removes segments that were delivered before a time; all
// delivered ones if it is zero. The open segment goes only when it is not empty,
// and its numbers stay taken: the position on disk is beyond them.
func (ln *lane) removeDelivered(s *Spool, before time.Time) (n int) {
	safe := ln.done
	if !before.IsZero() {
		safe = position{}
		for len(ln.acks) > 0 && !ln.acks[0].at.After(before) {
			safe = ln.acks[0].position
			ln.acks = ln.acks[1:]
		}
		if len(ln.acks) > 0 && safe.Epoch == 0 {
			return 0
		}
		if len(ln.acks) == 0 {
			safe = ln.done
		}
	}
	for len(ln.segments) > 0 {
		seg := ln.segments[0]
		within := seg.epoch == safe.Epoch && seg.last <= safe.Seq || seg.epoch != safe.Epoch && ln.isBefore(seg.epoch, safe.Epoch)
		if !within || seg.last < seg.first || ln.storePosition(s) != nil {
			return n
		}
		if len(ln.segments) == 1 {
			if err := ln.closeSegment(); err != nil {
				return n
			}
		}
		if err := seg.remove(); err != nil {
			s.log.Error("spool: remove a delivered segment", "error", err)
			return n
		}
		ln.segments = ln.segments[1:]
		n++
	}
	return n
}

// dropOldest gives up the oldest segment with records and puts a gap in its
// place. It reports false if there is none.
func (ln *lane) dropOldest(s *Spool) (bool, error) {
	i := slices.IndexFunc(ln.segments, func(seg *segment) bool {
		return seg.gap == nil && seg.last >= seg.first && !ln.delivered(seg)
	})
	if i < 0 {
		return false, nil
	}
	if i == len(ln.segments)-1 {
		if err := ln.closeSegment(); err != nil {
			return false, err
		}
	}
	seg := ln.segments[i]
	from := seg.first
	if seg.epoch == ln.done.Epoch {
		from = max(from, ln.done.Seq+1)
	}
	return true, ln.replaceWithGap(s, i, Gap{From: from, To: seg.last, Reason: ReasonFull, At: s.now().UTC()})
}

// replaceWithGap puts a gap in the place of segment i, joined with gaps beside it;
// i behind the last adds one.
func (ln *lane) replaceWithGap(s *Spool, i int, g Gap) error {
	epoch := ln.epoch
	var gone []*segment
	if i < len(ln.segments) {
		epoch = ln.segments[i].epoch
		gone = append(gone, ln.segments[i])
	} else if err := ln.closeSegment(); err != nil {
		return err
	}
	from, to := i, min(i+1, len(ln.segments))
	if from > 0 && ln.joins(ln.segments[from-1], epoch, g) {
		from--
		g.From = ln.segments[from].gap.From
		gone = append(gone, ln.segments[from])
	}
	if to < len(ln.segments) && ln.joins(ln.segments[to], epoch, g) {
		g.To = ln.segments[to].gap.To
		gone = append(gone, ln.segments[to])
		to++
	}
	gap, err := s.putGap(ln.dir, epoch, g)
	if err != nil {
		return err
	}
	for _, seg := range gone {
		if seg.path == gap.path {
			continue
		}
		if err := seg.remove(); err != nil {
			return err
		}
	}
	ln.segments = slices.Replace(ln.segments, from, to, gap)
	return nil
}

// joins reports whether a neighbour is a gap that can be made one with g.
func (ln *lane) joins(seg *segment, epoch uint64, g Gap) bool {
	return seg.gap != nil && seg.epoch == epoch && seg.gap.Reason == g.Reason && (seg.last+1 == g.From || g.To+1 == seg.first)
}

func (ln *lane) status() (st Status) {
	for _, seg := range ln.segments {
		st.Bytes += seg.size
		if ln.delivered(seg) || seg.last < seg.first {
			continue
		}
		from := seg.first
		if seg.epoch == ln.done.Epoch {
			from = max(from, ln.done.Seq+1)
		}
		st.Records += seg.last - from + 1
		if seg.gap != nil {
			st.Lost += seg.last - from + 1
		}
		if info, err := os.Stat(seg.path); err == nil && st.Oldest.IsZero() {
			st.Oldest = info.ModTime()
		}
	}
	return st
}
