package index

import (
	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/internal/posture/cow"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// setEdit is what is taken out of a set and put in.
type setEdit struct{ out, in handleSet }

// handleSet is a set that is filled by ascending handle.
type handleSet struct {
	latest []uint32 // not in bits yet
	bits   *roaring.Bitmap
}

// handlesTogether are put into the bits at once.
const handlesTogether = 1 << 10

func (s *handleSet) add(h uint32) {
	if len(s.latest) == handlesTogether {
		s.finish()
	}
	s.latest = append(s.latest, h)
}

func (s *handleSet) finish() {
	if len(s.latest) == 0 {
		return
	}
	if s.bits == nil {
		s.bits = roaring.New()
	}
	s.bits.AddMany(s.latest)
	s.latest = s.latest[:0]
}

// setLayout numbers the sets of a view that follow from statuses, tasks and age.
type setLayout struct{ slots, controls int }

const (
	setsOfRec     = completedSet + 1
	setsOfControl = record.Exempt + 3
)

func layoutOf(sh *record.Schema) setLayout { return setLayout{len(sh.Slots), len(sh.Controls)} }

func (l setLayout) rec(slot uint16, s record.State) int { return int(slot)*int(setsOfRec) + int(s) }

func (l setLayout) control(i int, s record.State) int {
	return l.slots*int(setsOfRec) + i*int(setsOfControl) + int(s)
}

func (l setLayout) last(i int) int      { return l.control(i, record.Exempt+1) }
func (l setLayout) lastMixed(i int) int { return l.control(i, record.Exempt+2) }
func (l setLayout) unhealthy(n int) int { return l.control(l.controls, 0) + n }
func (l setLayout) assessed() int       { return l.unhealthy(record.MaxUnhealthy + 1) }
func (l setLayout) pending() int        { return l.assessed() + 1 }
func (l setLayout) stale() int          { return l.assessed() + 2 }
func (l setLayout) busy() int           { return l.assessed() + 3 }
func (l setLayout) sets() int           { return l.assessed() + 4 }

// of are the places of the sets in a view, by number.
func (l setLayout) of(v *View) []**cow.Set {
	all := make([]**cow.Set, 0, l.sets())
	for i := range v.Recs {
		for k := range v.Recs[i] {
			all = append(all, &v.Recs[i][k])
		}
	}
	for i := range v.controls {
		c := &v.controls[i]
		for k := range c.by {
			all = append(all, &c.by[k])
		}
		all = append(all, &c.last, &c.lastMixed)
	}
	for i := range v.byUnhealthy {
		all = append(all, &v.byUnhealthy[i])
	}
	return append(all, &v.assessed, &v.pending, &v.stale, &v.busy)
}
