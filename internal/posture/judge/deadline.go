package judge

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
)

// deadlines say which rows must be judged again when: the passing of time is a
// change like any other. Times are kept in whole seconds, the set of rows per
// second; a row may be due several times and being looked at in vain does no
// harm.
type deadlines struct {
	mu   sync.Mutex // rows of a first view are judged by several goroutines
	rows map[int64]*roaring.Bitmap
	// next is the earliest key of rows, 0 if it must be searched for.
	next int64
	// aging are the rows that are due because of their age: once each, for a
	// machine that reports every minute must not leave a deadline each time.
	aging *roaring.Bitmap
}

func newDeadlines() *deadlines {
	return &deadlines{rows: map[int64]*roaring.Bitmap{}, aging: roaring.New()}
}

// dueRow is a row that is due at a time.
type dueRow struct {
	at     time.Time
	handle uint32
}

// age makes rows due unless they are already due by age: what is reported again
// only ever ages later, and is looked at anew when it is due.
func (d *deadlines) age(rows []dueRow) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range rows {
		if d.aging.CheckedAdd(r.handle) {
			d.put(r.at, r.handle)
		}
	}
}

// add makes a row due at a time, rounded up to the second.
func (d *deadlines) add(at time.Time, handle uint32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.put(at, handle)
}

func (d *deadlines) put(at time.Time, handle uint32) {
	key := at.Add(time.Second - 1).Unix()
	set := d.rows[key]
	if set == nil {
		set = roaring.New()
		d.rows[key] = set
		if d.next != 0 && key < d.next {
			d.next = key
		}
	}
	set.Add(handle)
}

// earliest is the next time at which something is due.
func (d *deadlines) earliest() (time.Time, bool) {
	if len(d.rows) == 0 {
		return time.Time{}, false
	}
	if d.next == 0 {
		d.next = slices.Min(slices.Collect(maps.Keys(d.rows)))
	}
	return time.Unix(d.next, 0).UTC(), true
}

// take removes and returns the rows that are due.
func (d *deadlines) take(now time.Time) *roaring.Bitmap {
	due := roaring.New()
	if at, ok := d.earliest(); !ok || at.After(now) {
		return due
	}
	for key, set := range d.rows {
		if key <= now.Unix() {
			due.Or(set)
			delete(d.rows, key)
		}
	}
	d.next = 0
	d.aging.AndNot(due)
	return due
}
