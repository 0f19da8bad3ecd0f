package judge

import (
	"context"
	"sync"
	"time"
)

// Event says that a new View is there.
type Event struct {
	Seq uint64
	At  time.Time
}

// broadcast hands the latest event to every subscriber.
type broadcast struct {
	mu   sync.Mutex
	subs map[chan Event]struct{}
}

func (b *broadcast) subscribe(ctx context.Context) <-chan Event {
	c := make(chan Event, 1)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.subs == nil {
		b.subs = map[chan Event]struct{}{}
	}
	b.subs[c] = struct{}{}
	context.AfterFunc(ctx, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.subs, c)
		close(c)
	})
	return c
}

// send replaces what a slow subscriber has not read yet.
func (b *broadcast) send(e Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for c := range b.subs {
		select {
		case <-c:
		default:
		}
		c <- e // has room: only send writes, under the lock
	}
}
