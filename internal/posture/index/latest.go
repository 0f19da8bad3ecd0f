package index

import (
	"context"
	"sync"
	"time"

	"github.com/rampart-sec/rampart/internal/posture/record"
)

const (
	// few is the number of resources up to which everything is made of the reader's
	// own view; beyond, what takes longer than quick is not.
	few   = 20_000
	quick = 5 * time.Millisecond
	// rest times as long as making it took, nothing is made again in the background, so
	// that the processors have time for else.
	rest = 4
	// maxLatest bounds what one Latest keeps.
	maxLatest = 256
)

// Latest keeps what is derived of views, by key, for all readers. In a small estate,
// and if it is quick to make, it is made of the reader's own view, once a view. Else a
// reader gets what was made of the latest view that there is, and the next is made
// in the background; only the first reader of all waits. The zero Latest is ready; it may be
// used from any goroutine.
type Latest[K comparable, V any] struct {
	mu   sync.Mutex
	kept map[K]*derived[V]
}

// derived is what was made last.
type derived[V any] struct {
	mu      sync.Mutex // held while it is made with somebody waiting
	value   V
	names   *record.Names // of the estate
	seq     uint64        // of the view
	took    time.Duration
	ready   time.Time // when it was made
	used    time.Time
	working bool // it is being made in the background
}

// Get gives what derive makes of a view. derive must not depend on anything else
// than the key and the view; its context outlives the reader's.
func (l *Latest[K, V]) Get(ctx context.Context, key K, v *View, now func() time.Time, derive func(context.Context) (V, error)) (V, error) {
	d := l.of(key, now())
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.names == v.names && (d.seq >= v.seq || d.took > quick && v.Resources() > few) {
		if d.seq < v.seq && !d.working && now().Sub(d.ready) > rest*d.took {
			d.working = true
			go d.renew(context.WithoutCancel(ctx), v, now, derive)
		}
		return d.value, nil
	}
	began := now()
	value, err := derive(ctx)
	if err != nil {
		return value, err
	}
	d.set(value, v, began, now())
	return value, nil
}

func (d *derived[V]) set(value V, v *View, began, ended time.Time) {
	d.value, d.names, d.seq, d.took, d.ready = value, v.names, v.seq, ended.Sub(began), ended
}

// renew makes it again; if that fails the old one stays.
func (d *derived[V]) renew(ctx context.Context, v *View, now func() time.Time, derive func(context.Context) (V, error)) {
	began := now()
	value, err := derive(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.working = false
	if err == nil {
		d.set(value, v, began, now())
	}
}

func (l *Latest[K, V]) of(key K, now time.Time) *derived[V] {
	l.mu.Lock()
	defer l.mu.Unlock()
	d := l.kept[key]
	if d == nil {
		if l.kept == nil {
			l.kept = map[K]*derived[V]{}
		}
		if len(l.kept) >= maxLatest {
			l.drop()
		}
		d = &derived[V]{}
		l.kept[key] = d
	}
	d.used = now
	return d
}

// drop forgets what was not asked for longest.
func (l *Latest[K, V]) drop() {
	var oldest K
	var old *derived[V]
	for k, d := range l.kept {
		if old == nil || d.used.Before(old.used) {
			oldest, old = k, d
		}
	}
	delete(l.kept, oldest)
}
