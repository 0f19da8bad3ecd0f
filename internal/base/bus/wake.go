package bus

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go"
)

// wakeSubject is plain NATS, not a stream: a wake that nobody hears is of no
// use later.
const wakeSubject = "rampart.wake"

// Wake tells every node that hears Woken that the change feed has grown.
func (b *Bus) Wake(context.Context) error {
	conn, _, err := b.connect()
	if err != nil {
		return err
	}
	if err := conn.Publish(wakeSubject, nil); err != nil {
		return fmt.Errorf("publish wake: %w", err)
	}
	return nil
}

// Woken receives after a Wake of any node, this one included; wakes nobody has
// read yet coalesce. It falls silent when ctx ends.
func (b *Bus) Woken(ctx context.Context) (<-chan struct{}, error) {
	conn, _, err := b.connect()
	if err != nil {
		return nil, err
	}
	woken := make(chan struct{}, 1)
	sub, err := conn.Subscribe(wakeSubject, func(*nats.Msg) {
		select {
		case woken <- struct{}{}:
		default: // one is waiting already
		}
	})
	if err != nil {
		return nil, fmt.Errorf("subscribe to wakes: %w", err)
	}
	if err := flush(ctx, conn); err != nil {
		return nil, fmt.Errorf("subscribe to wakes: %w", err)
	}
	context.AfterFunc(ctx, func() { _ = sub.Unsubscribe() }) // fails only on a closed connection
	return woken, nil
}
