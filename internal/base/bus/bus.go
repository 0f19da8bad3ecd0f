package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Options says where the bus lives.
type Options struct {
	// URL of an external NATS cluster with JetStream ("nats://..." or
	// "tls://..."); "" embeds a server in this process.
	URL string
	// Dir is where the embedded server keeps its streams.
	Dir string
	// Listen is the embedded server's address for other nodes; "" has no
	// listener, only this process can reach it.
	Listen string
	// MaxMemory and MaxDisk bound the embedded server's streams, in bytes;
	// 0 is 64 MiB and 8 GiB.
	MaxMemory, MaxDisk int64
	// SyncAlways makes the embedded server wait for the disk before it
	// acknowledges. Without it a kill of the process loses nothing that was
	// acknowledged, a power cut may lose the last SyncInterval.
	SyncAlways   bool
	SyncInterval time.Duration // 0 is one second
	Log          *slog.Logger  // nil discards
}

// Bus is a connection that is made, and an embedded server that is started,
// when first used: a process that never publishes pays nothing. It is safe
// for concurrent use.
type Bus struct {
	o      Options
	log    *slog.Logger
	mu     sync.Mutex
	server *server.Server
	conn   *nats.Conn
	js     jetstream.JetStream
	closed bool
}

// ErrClosed is what a closed bus answers.
var ErrClosed = errors.New("bus is closed")

// New gives a bus and starts nothing.
func New(o Options) *Bus {
	if o.MaxMemory == 0 {
		o.MaxMemory = 64 << 20
	}
	if o.MaxDisk == 0 {
		o.MaxDisk = 8 << 30
	}
	if o.SyncInterval == 0 {
		o.SyncInterval = time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Bus{o: o, log: o.Log}
}

// connect gives the connection, made on first use.
func (b *Bus) connect() (*nats.Conn, jetstream.JetStream, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, nil, ErrClosed
	}
	if b.conn != nil {
		return b.conn, b.js, nil
	}
	conn, err := b.dial()
	if err != nil {
		return nil, nil, err
	}
	js, err := jetstream.New(conn)
	if err != nil {
		conn.Close()
		return nil, nil, fmt.Errorf("open JetStream: %w", err)
	}
	b.conn, b.js = conn, js
	return conn, js, nil
}

// dial connects to the cluster, or to the embedded server within the process.
func (b *Bus) dial() (*nats.Conn, error) {
	options := []nats.Option{
		nats.Name("rampart"), nats.MaxReconnects(-1), nats.ReconnectWait(500 * time.Millisecond),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				b.log.Warn("bus connection lost, reconnecting", "error", err)
			}
		}),
		nats.ErrorHandler(func(_ *nats.Conn, s *nats.Subscription, err error) {
			b.log.Warn("bus", "error", err)
		}),
	}
	url := b.o.URL
	if url == "" {
		if b.server == nil {
			s, err := embed(b.o)
			if err != nil {
				return nil, err
			}
			b.server = s
		}
		options = append(options, nats.InProcessServer(b.server))
	}
	conn, err := nats.Connect(url, options...)
	if err != nil {
		return nil, fmt.Errorf("connect to bus: %w", err)
	}
	return conn, nil
}

// Close sends what is buffered, then stops the connection and the embedded
// server. It returns when both are down or ctx ends; it may be called again.
func (b *Bus) Close(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	var errs []error
	if b.conn != nil {
		errs = append(errs, flush(ctx, b.conn))
		b.conn.Close()
		b.conn = nil
	}
	if b.server != nil {
		errs = append(errs, shutdown(ctx, b.server))
		b.server = nil
	}
	return errors.Join(errs...)
}

// flush waits until the server has taken what was sent, at most a few seconds.
func flush(ctx context.Context, conn *nats.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := conn.FlushWithContext(ctx); err != nil {
		return fmt.Errorf("flush bus: %w", err)
	}
	return nil
}
