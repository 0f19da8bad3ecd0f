package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// maxBatch is the largest message: a compressed batch of events.
const maxBatch = 4 << 20

// Stream is a bounded log of batches under "NAME.>" subjects; the oldest go
// when a bound is reached.
type Stream struct {
	Name     string // letters, digits and dashes
	MaxBytes int64
	MaxAge   time.Duration
	Replicas int // 0 is 1; 3 on a cluster
}

// duplicates is how long a Msg-Id is remembered. It only shortens the common
// case: exactly-once is the readers' checkpoint.
const duplicates = 2 * time.Minute

// EnsureStream makes the stream or adapts its bounds.
func (b *Bus) EnsureStream(ctx context.Context, s Stream) error {
	_, js, err := b.connect()
	if err != nil {
		return err
	}
	_, err = js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: s.Name, Subjects: []string{s.Name + ".>"}, Storage: jetstream.FileStorage, Discard: jetstream.DiscardOld,
		MaxBytes: s.MaxBytes, MaxAge: s.MaxAge, Replicas: max(1, s.Replicas), Duplicates: min(duplicates, orForever(s.MaxAge)), MaxMsgSize: maxBatch,
	})
	if err != nil {
		return fmt.Errorf("make stream %s: %w", s.Name, err)
	}
	return nil
}

func orForever(d time.Duration) time.Duration {
	if d == 0 {
		return duplicates
	}
	return d
}

// Publish appends one batch and returns its sequence in the stream once the
// server has stored it (see Options.SyncAlways for what that means). A batch
// whose id was published in the last two minutes is not stored again.
func (b *Bus) Publish(ctx context.Context, subject, id string, batch []byte) (uint64, error) {
	if len(batch) > maxBatch {
		return 0, fmt.Errorf("publish %s: a batch of %d bytes is beyond the limit of %d", subject, len(batch), maxBatch)
	}
	_, js, err := b.connect()
	if err != nil {
		return 0, err
	}
	ack, err := js.Publish(ctx, subject, batch, jetstream.WithMsgID(id))
	if err != nil {
		return 0, fmt.Errorf("publish %s: %w", subject, err)
	}
	return ack.Sequence, nil
}

// Batch is one message of a stream.
type Batch struct {
	Subject string
	ID      string
	Seq     uint64
	Data    []byte
	msg     jetstream.Msg
}

// Consumer reads a stream strictly in order, each batch once. It belongs to
// one goroutine.
type Consumer struct {
	c    jetstream.Consumer
	last uint64 // stream sequence that was handed out last
}

// ConsumerOptions says what to read and from where.
type ConsumerOptions struct {
	Stream  string
	Name    string // of the reader; one at a time may use it
	Subject string // filter, "" is all
	After   uint64 // the reader's checkpoint: the first batch is the one after
}

// ackWait is far above any batch's processing: what is handed out again too
// early is dropped by Fetch, but was sent for nothing.
const ackWait = 5 * time.Minute

// Consume opens a reader at its checkpoint and forgets what the server
// remembered under the name. The checkpoint, stored with the effects, is the
// truth; acknowledgements only show the server how far the reader is.
func (b *Bus) Consume(ctx context.Context, o ConsumerOptions) (*Consumer, error) {
	_, js, err := b.connect()
	if err != nil {
		return nil, err
	}
	err = js.DeleteConsumer(ctx, o.Stream, o.Name)
	if err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
		return nil, fmt.Errorf("consume %s: %w", o.Stream, err)
	}
	c, err := js.CreateConsumer(ctx, o.Stream, jetstream.ConsumerConfig{
		Durable: o.Name, FilterSubject: o.Subject, AckPolicy: jetstream.AckAllPolicy, MaxAckPending: 4096,
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: o.After + 1, AckWait: ackWait,
	})
	if err != nil {
		return nil, fmt.Errorf("consume %s: %w", o.Stream, err)
	}
	return &Consumer{c: c, last: o.After}, nil
}

// Fetch waits up to wait for up to n batches, in stream order; none is no
// error.
func (c *Consumer) Fetch(ctx context.Context, n int, wait time.Duration) ([]Batch, error) {
	fetched, err := c.c.Fetch(n, jetstream.FetchMaxWait(wait))
	if err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	var all []Batch
	for {
		select {
		case m, ok := <-fetched.Messages():
			if !ok {
				return all, fetchError(fetched.Error())
			}
			meta, err := m.Metadata()
			if err != nil {
				return all, fmt.Errorf("fetch: %w", err)
			}
			if meta.Sequence.Stream <= c.last {
				continue // delivered again because its acknowledgement is late
			}
			c.last = meta.Sequence.Stream
			all = append(all, Batch{Subject: m.Subject(), ID: m.Headers().Get(jetstream.MsgIDHeader), Seq: meta.Sequence.Stream, Data: m.Data(), msg: m})
		case <-ctx.Done():
			return all, ctx.Err()
		}
	}
}

func fetchError(err error) error {
	if err != nil {
		return fmt.Errorf("fetch: %w", err)
	}
	return nil
}

// AckThrough acknowledges this batch and all before it. Call it after the
// commit of their effects.
func (b *Batch) AckThrough() error {
	if err := b.msg.Ack(); err != nil {
		return fmt.Errorf("acknowledge: %w", err)
	}
	return nil
}
