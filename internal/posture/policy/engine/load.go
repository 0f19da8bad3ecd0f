package engine

import (
	"sync"

	"github.com/rampart-sec/rampart/internal/base/wire"
)

// Expect makes room in an empty estate for about n resources.
func (e *Estate) Expect(n int) {
	if len(e.byID) == 0 {
		e.byID = make(map[string]uint32, n)
	}
}

// Load adds or replaces a resource without evaluating anything; the verdicts
// are there after Evaluate. Several goroutines may load at once. If an id comes
// under two handles, the resource with the higher one stays. The outline is of
// the document's body; of one that is refused it is not known.
func (e *Estate) Load(h uint32, doc *wire.Document) (Outline, error) {
	w := e.workers.Get().(*worker)
	defer e.workers.Put(w)
	x, err := e.read(w, doc)
	if err != nil {
		return Outline{}, err
	}
	outline := w.dec.outline
	x.settle()
	e.loading.add(h, x)
	if e.mu.TryLock() { // else whoever has it, or the next one, takes this along
		defer e.mu.Unlock()
		e.placeLoaded()
	}
	return outline, nil
}

// loading holds the resources that were read and are not placed yet. To place one
// takes as long as a wake-up, so nobody sleeps until it is his turn.
type loading struct {
	mu   sync.Mutex
	some []arrival
	room []arrival // scratch of placeLoaded
}

type arrival struct {
	handle uint32
	entry  entry
}

func (l *loading) add(h uint32, x entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.some = append(l.some, arrival{h, x})
}

// take gives what waits, until the next call.
func (l *loading) take() []arrival {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.some, l.room = l.room[:0], l.some
	return l.room
}

// placeLoaded places what was loaded; mu is held, or nobody loads.
func (e *Estate) placeLoaded() {
	some := e.loading.take()
	for i := range some {
		e.placeOne(some[i].handle, &some[i].entry)
	}
	clear(some)
}

func (e *Estate) placeOne(h uint32, x *entry) {
	e.generation++
	e.relation.bulk = true
	other, taken := e.byID[x.id]
	if taken && other > h {
		return
	}
	if taken {
		e.displace(other)
	}
	if e.entry(h) != nil {
		e.displace(h)
	}
	e.place(h, *x)
}

// displace takes out a resource while others are loaded.
func (e *Estate) displace(h uint32) {
	e.relation.sort()
	x := e.entry(h)
	e.forget(h, x)
	*x = entry{}
	e.relation.bulk = true
}
