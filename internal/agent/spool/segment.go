package spool

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// segment is a file of records, or the gap in its place.
type segment struct {
	path  string
	epoch uint64
	first uint64 // sequence of its first record
	last  uint64 // of its last; first-1 if it is empty
	size  int64
	gap   *Gap
	lost  uint64 // records behind last that are damaged; their numbers are taken
}

func segmentName(epoch, first uint64, gap bool) string {
	kind := "seg"
	if gap {
		kind = "gap"
	}
	return fmt.Sprintf("%016x-%016x.%s", epoch, first, kind)
}

// openSegments reads a lane's folder: segments of an epoch by sequence, epochs in
// the order given. The end of each segment that cannot be read is cut off and
// becomes a gap, but for the last one's: what is torn there was never appended.
func (s *Spool) openSegments(dir string, epochs []uint64) ([]*segment, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("open spool: %w", err)
	}
	var segments []*segment
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch filepath.Ext(e.Name()) {
		case ".seg":
			seg, err := openSegment(path)
			if err != nil {
				s.log.Warn("spool: a segment cannot be read", "file", path, "error", err)
				_ = os.Rename(path, path+".damaged") // its records become a gap below
				continue
			}
			segments = append(segments, seg)
		case ".gap":
			g, err := readGap(path)
			if err != nil {
				s.log.Warn("spool: a gap cannot be read", "file", path, "error", err)
				_ = os.Remove(path) // the hole in the sequence says the same
				continue
			}
			segments = append(segments, &segment{path: path, epoch: g.Epoch, first: g.From, last: g.To, gap: &g.Gap})
		case ".tmp":
			_ = os.Remove(path)
		}
	}
	slices.SortFunc(segments, func(a, b *segment) int {
		if d := slices.Index(epochs, a.epoch) - slices.Index(epochs, b.epoch); d != 0 {
			return d
		}
		if a.first != b.first {
			if a.first < b.first {
				return -1
			}
			return 1
		}
		return strings.Compare(filepath.Ext(a.path), filepath.Ext(b.path)) // .gap before .seg
	})
	return s.closeHoles(dir, segments)
}

// closeHoles drops segments that a gap already stands for and puts gaps where
// numbers are missing.
func (s *Spool) closeHoles(dir string, in []*segment) ([]*segment, error) {
	var out []*segment
	for _, seg := range in {
		if n := len(out); n > 0 && out[n-1].epoch == seg.epoch {
			before := out[n-1]
			if seg.last <= before.last && seg.last >= seg.first { // a kill came between the gap and the removal
				_ = os.Remove(seg.path)
				continue
			}
			if seg.first > before.last+1 {
				gap, err := s.putGap(dir, seg.epoch, Gap{From: before.last + 1, To: seg.first - 1, Reason: ReasonDamaged, At: s.now().UTC()})
				if err != nil {
					return nil, err
				}
				out = append(out, gap)
			}
		}
		out = append(out, seg)
	}
	if n := len(out); n > 0 && out[n-1].lost > 0 {
		end := out[n-1]
		gap, err := s.putGap(dir, end.epoch, Gap{From: end.last + 1, To: end.last + end.lost, Reason: ReasonDamaged, At: s.now().UTC()})
		if err != nil {
			return nil, err
		}
		out = append(out, gap)
	}
	return out, nil
}

func (s *Spool) putGap(dir string, epoch uint64, g Gap) (*segment, error) {
	b, err := json.Marshal(gapFile{epoch, g})
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, segmentName(epoch, g.From, true))
	if err := s.writeFile(path, b); err != nil {
		return nil, fmt.Errorf("record a gap in the spool: %w", err)
	}
	return &segment{path: path, epoch: epoch, first: g.From, last: g.To, gap: &g}, nil
}

// openSegment finds the segment's last whole record and cuts off what follows.
func openSegment(path string) (*segment, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	epoch, first, err := parseHeader(b)
	if err != nil {
		return nil, err
	}
	seg := &segment{path: path, epoch: epoch, first: first, last: first - 1}
	at := headerSize
	for at < len(b) {
		_, n, err := parseFrame(b[at:], seg.last+1)
		if err != nil {
			break
		}
		seg.last++
		at += n
	}
	seg.lost = laterFrames(b[at:], seg.last)
	if at < len(b) {
		if err := os.Truncate(path, int64(at)); err != nil {
			return nil, fmt.Errorf("cut off a torn end: %w", err)
		}
	}
	seg.size = int64(at)
	return seg, nil
}

// laterFrames finds whole frames behind a damaged one and gives how far their
// numbers are beyond last. A write that was cut short leaves none.
func laterFrames(b []byte, last uint64) uint64 {
	var beyond uint64
	for at := 1; at+frameSize <= len(b); at++ {
		seq := binary.LittleEndian.Uint64(b[at+8:])
		if seq <= last || seq > last+uint64(len(b)/frameSize)+1 {
			continue
		}
		if _, n, err := parseFrame(b[at:], seq); err == nil {
			beyond = max(beyond, seq-last)
			at += n - 1
		}
	}
	return beyond
}

// remove takes the file away.
func (seg *segment) remove() error {
	if err := os.Remove(seg.path); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}
