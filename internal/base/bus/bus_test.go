package bus_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/base/bus"
)

func open(t *testing.T, o bus.Options) *bus.Bus {
	t.Helper()
	if o.Dir == "" && o.URL == "" {
		o.Dir = t.TempDir()
	}
	b := bus.New(o)
	t.Cleanup(func() { stop(t, b) })
	return b
}

func stop(t *testing.T, b *bus.Bus) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
	defer cancel()
	if err := b.Close(ctx); err != nil {
		t.Error(err)
	}
}

func TestUnusedBusStartsNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "bus")
	b := open(t, bus.Options{Dir: dir})
	stop(t, b)
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an unused bus touched its directory: %v", err)
	}
	if err := b.Wake(t.Context()); !errors.Is(err, bus.ErrClosed) {
		t.Errorf("Wake after Close = %v", err)
	}
}

func TestWakesCoalesce(t *testing.T) {
	b := open(t, bus.Options{})
	woken, err := b.Woken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if err := b.Wake(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	receive(t, woken)
}

func TestWakeReachesAnotherNode(t *testing.T) {
	addr := freeAddress(t)
	one := open(t, bus.Options{Listen: addr})
	if _, err := one.Woken(t.Context()); err != nil { // starts the server
		t.Fatal(err)
	}
	two := open(t, bus.Options{URL: "nats://" + addr})
	woken, err := two.Woken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := one.Wake(t.Context()); err != nil {
		t.Fatal(err)
	}
	receive(t, woken)
}

func receive(t *testing.T, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(10 * time.Second):
		t.Fatal("no wake came")
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestNoListenerByDefault(t *testing.T) {
	before := listeners(t)
	b := open(t, bus.Options{})
	if err := b.Wake(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after := listeners(t); after != before {
		t.Errorf("the embedded server listens: %d sockets before, %d after", before, after)
	}
}

// listeners counts this process's listening TCP sockets.
func listeners(t *testing.T) int {
	t.Helper()
	links, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("needs /proc to see this process's sockets")
	}
	own := map[string]bool{}
	for _, l := range links {
		if to, err := os.Readlink("/proc/self/fd/" + l.Name()); err == nil {
			own[strings.TrimSuffix(strings.TrimPrefix(to, "socket:["), "]")] = true
		}
	}
	n := 0
	for _, table := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		b, err := os.ReadFile(table)
		if err != nil {
			continue // no IPv6
		}
		for _, line := range strings.Split(string(b), "\n") {
			if f := strings.Fields(line); len(f) > 9 && f[3] == "0A" && own[f[9]] {
				n++
			}
		}
	}
	return n
}

func TestBatchesSurviveRestartInOrder(t *testing.T) {
	dir := t.TempDir()
	b := open(t, bus.Options{Dir: dir})
	ensure(t, b)
	for i := range 100 {
		seq, err := b.Publish(t.Context(), "events.7", fmt.Sprintf("batch-%d", i), fmt.Appendf(nil, "data %d", i))
		if err != nil || seq != uint64(i+1) {
			t.Fatalf("publish %d: seq %d, %v", i, seq, err)
		}
	}
	if seq, err := b.Publish(t.Context(), "events.7", "batch-5", []byte("again")); err != nil || seq != 6 {
		t.Errorf("the same id again: seq %d, %v; want 6", seq, err)
	}
	c := consume(t, b, 0)
	got := fetch(t, c, 60)
	if err := got[49].AckThrough(); err != nil {
		t.Fatal(err)
	}
	stop(t, b)

	b = open(t, bus.Options{Dir: dir})
	got = fetch(t, consume(t, b, 50), 50)
	for i, m := range got {
		if want := fmt.Sprintf("data %d", 50+i); string(m.Data) != want || m.Seq != uint64(51+i) || m.ID != fmt.Sprintf("batch-%d", 50+i) {
			t.Fatalf("message %d after the restart: seq %d id %s %q, want %q", i, m.Seq, m.ID, m.Data, want)
		}
	}
}

func ensure(t *testing.T, b *bus.Bus) {
	t.Helper()
	if err := b.EnsureStream(t.Context(), bus.Stream{Name: "events", MaxBytes: 1 << 20, MaxAge: time.Hour}); err != nil {
		t.Fatal(err)
	}
}

func consume(t *testing.T, b *bus.Bus, after uint64) *bus.Consumer {
	t.Helper()
	c, err := b.Consume(t.Context(), bus.ConsumerOptions{Stream: "events", Name: "detect-7", Subject: "events.7", After: after})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// fetch collects n batches.
func fetch(t *testing.T, c *bus.Consumer, n int) []bus.Batch {
	t.Helper()
	var all []bus.Batch
	for deadline := time.Now().Add(20 * time.Second); len(all) < n; {
		got, err := c.Fetch(t.Context(), n-len(all), time.Second)
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("%d of %d batches: %v", len(all), n, err)
		}
		all = append(all, got...)
	}
	return all
}

func TestConsumerStartsAfterCheckpoint(t *testing.T) {
	b := open(t, bus.Options{})
	ensure(t, b)
	for i := range 10 {
		if _, err := b.Publish(t.Context(), "events.7", fmt.Sprint(i), []byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if got := fetch(t, consume(t, b, 7), 3); got[0].Seq != 8 {
		t.Errorf("first batch is %d, want 8", got[0].Seq)
	}
	if got := fetch(t, consume(t, b, 8), 2); got[0].Seq != 9 {
		t.Errorf("a reader back at checkpoint 8 starts at %d", got[0].Seq)
	}
	none, err := consume(t, b, 10).Fetch(t.Context(), 1, 50*time.Millisecond)
	if err != nil || len(none) != 0 {
		t.Errorf("an empty fetch = %v, %v", none, err)
	}
}

func TestStreamIsBounded(t *testing.T) {
	b := open(t, bus.Options{})
	ensure(t, b)
	big := make([]byte, 100<<10)
	for i := range 30 {
		if _, err := b.Publish(t.Context(), "events.7", fmt.Sprint(i), big); err != nil {
			t.Fatal(err)
		}
	}
	if first := fetch(t, consume(t, b, 0), 1)[0].Seq; first < 20 {
		t.Errorf("30 batches of 100 KB in a stream of 1 MB start at %d", first)
	}
	if _, err := b.Publish(t.Context(), "events.7", "huge", make([]byte, 5<<20)); err == nil {
		t.Error("a batch beyond the limit was published")
	}
}

func TestClearErrors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]bus.Options{
		"directory is a file": {Dir: filepath.Join(file, "bus")},
		"no such server":      {URL: "nats://127.0.0.1:1"},
		"bad address":         {Listen: "127.0.0.1:http"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := open(t, o).Wake(t.Context()); err == nil || !strings.Contains(err.Error(), "bus") {
				t.Errorf("error %v does not say that it is the bus", err)
			}
		})
	}
}
