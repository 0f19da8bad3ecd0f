package bus

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// readyWithin bounds the start of the embedded server; recovering a million
// messages takes about one second.
const readyWithin = 30 * time.Second

// embed starts a server in this process. Without Options.Listen it opens no
// socket at all.
func embed(o Options) (*server.Server, error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("start bus: %w", err)
	}
	so := &server.Options{
		ServerName: "rampart", DontListen: o.Listen == "", NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: o.Dir, JetStreamMaxMemory: o.MaxMemory, JetStreamMaxStore: o.MaxDisk,
		SyncAlways: o.SyncAlways, SyncInterval: o.SyncInterval,
		DisableJetStreamBanner: true, MaxPayload: maxBatch + 4096, NoSystemAccount: true,
	}
	if o.Listen != "" {
		host, port, err := net.SplitHostPort(o.Listen)
		if err != nil {
			return nil, fmt.Errorf("start bus: %w", err)
		}
		so.Host = host
		if so.Port, err = strconv.Atoi(port); err != nil {
			return nil, fmt.Errorf("start bus: port %q is not a number", port)
		}
	}
	s, err := server.NewServer(so)
	if err != nil {
		return nil, fmt.Errorf("start bus: %w", err)
	}
	s.SetLoggerV2(logger{o.Log}, false, false, false)
	s.Start()
	if !s.ReadyForConnections(readyWithin) || !s.JetStreamEnabled() {
		s.Shutdown()
		return nil, fmt.Errorf("start bus in %s: the embedded server is not ready after %s; is the directory writable, the disk full or the address taken?", o.Dir, readyWithin)
	}
	return s, nil
}

// shutdown waits for the server no longer than ctx.
func shutdown(ctx context.Context, s *server.Server) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Shutdown()
		s.WaitForShutdown()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop bus: %w", ctx.Err())
	}
}
