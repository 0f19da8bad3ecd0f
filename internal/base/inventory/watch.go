package inventory

import (
	"context"
	"fmt"
)

// Waker carries wake-ups between the nodes of a cluster (package bus).
type Waker interface {
	// Wake tells the other nodes that the feed has grown.
	Wake(ctx context.Context) error
	// Woken receives after another node told so; it ends with ctx.
	Woken(ctx context.Context) (<-chan struct{}, error)
}

// Watch gives a channel that receives after any change was committed, here or
// on another node. Wakes coalesce and may come for nothing: read the feed
// until it is empty, then wait again. In one process the store's own wake-ups
// do it; a bus in between would only add latency. Without a wake for long a
// reader looks at the feed all the same: a lost message delays, no more.
func (v *Inventory) Watch(ctx context.Context) <-chan struct{} {
	local := v.store.Watch(ctx)
	if v.wake == nil {
		return local
	}
	remote, err := v.wake.Woken(ctx)
	if err != nil {
		v.log.Warn("other nodes cannot wake this one; it looks for changes by itself", "error", err)
		return local
	}
	both := make(chan struct{}, 1)
	go func() {
		for {
			select {
			case <-local:
			case <-remote:
			case <-ctx.Done():
				return
			}
			select {
			case both <- struct{}{}:
			default:
			}
		}
	}()
	return both
}

// Relay tells other nodes of this one's commits until ctx ends. Only a node
// of a cluster runs it.
func (v *Inventory) Relay(ctx context.Context) error {
	if v.wake == nil {
		return nil
	}
	for local := v.store.Watch(ctx); ; {
		select {
		case <-local:
			if err := v.wake.Wake(ctx); err != nil {
				return fmt.Errorf("wake other nodes: %w", err)
			}
		case <-ctx.Done():
			return nil
		}
	}
}
