package app

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/face/client"
	"github.com/rampart-sec/rampart/internal/posture/index"
)

// options completes a configuration for a test: free ports, a folder of its own.
func options(t testing.TB, c Config) Options {
	t.Helper()
	if c.Data == "" {
		c.Data = t.TempDir()
	}
	if c.Listen == "" {
		c.Listen = "127.0.0.1:0"
	}
	if c.Dashboard == "" {
		c.Dashboard = "127.0.0.1:0"
	}
	if err := c.Check(); err != nil {
		t.Fatal(err)
	}
	var out io.Writer = io.Discard
	if testing.Verbose() {
		out = t.Output()
	}
	return Options{Config: c, Version: "test", Now: time.Now, Log: slog.New(slog.NewTextHandler(out, nil))}
}

// start runs a whole server in process and stops it with the test.
func start(t testing.TB, c Config) *App {
	t.Helper()
	return startWith(t, options(t, c))
}

func startWith(t testing.TB, opt Options) *App {
	t.Helper()
	a := New(opt)
	t.Cleanup(func() {
		if err := a.Stop(); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	if err := a.Start(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	return a
}

// snapshot is what tests wait for.
type snapshot struct {
	view      *index.View
	assessed  int // resources with a known or unknown verdict in the score
	resources int
}

// waitFor polls the default tenant's view until it is as wanted.
func waitFor(t testing.TB, a *App, what string, ok func(snapshot) bool) snapshot {
	t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for {
		var s snapshot
		if e := a.judge.Estate(store.DefaultTenant); e != nil {
			s.view = e.View()
			s.assessed, s.resources = s.view.Score(index.Scope{}).Applicable, s.view.Resources()
			if ok(s) {
				return s
			}
		}
		select {
		case err := <-a.life.failed:
			t.Fatalf("waiting for %s: %v", what, err)
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come within a minute; last: %+v", what, s)
		}
	}
}

func TestBootstrapFile(t *testing.T) {
	data := t.TempDir()
	a := start(t, Config{Data: data})
	info, err := os.Stat(filepath.Join(data, client.BootstrapFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("bootstrap file: %v, %v", info, err)
	}
	first, err := client.ReadBootstrap(data)
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.Dial(t.Context(), first, "")
	if err != nil {
		t.Fatalf("the file's credentials do not sign in: %v", err)
	}
	if link, err := c.Link(t.Context()); err != nil || !strings.HasPrefix(link, a.Status().Dashboard+"/signin?code=") {
		t.Errorf("link %q, %v", link, err)
	}
	res, err := c.Import(t.Context(), strings.NewReader(`{"id":"/subscriptions/6f9619ff-8b86-d011-b42d-00cf4fc964ff/resourceGroups/g/providers/A.B/c/d","type":"A.B/c","name":"d"}`+"\nnot json\n"), client.Place{})
	if err != nil || res.Created == 0 || len(res.Rejected) != 1 || res.Rejected[0].Line != 2 {
		t.Errorf("import: %+v, %v", res, err)
	}
	if err := a.Stop(); err != nil {
		t.Fatal(err)
	}
	start(t, Config{Data: data})
	again, err := client.ReadBootstrap(data)
	if err != nil || again.ClientSecret != first.ClientSecret || again.SubscriptionID != first.SubscriptionID {
		t.Errorf("a restart changed what scripts hold: %v", err)
	}
}

func TestWhatCannotStart(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	held := t.TempDir()
	start(t, Config{Data: held})
	tests := map[string]struct {
		config Config
		says   string
	}{
		"busy port":         {Config{Listen: busy.Addr().String()}, "is in use by another program"},
		"data is a file":    {Config{Data: file}, "data folder"},
		"data held already": {Config{Data: held}, "another"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := Run(t.Context(), options(t, tt.config))
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error %v, want one that says %q", err, tt.says)
			}
		})
	}
}

func TestBusyDefaultPortSteps(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	l, err := listen(busy.Addr().String(), true)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if l.Addr().String() == busy.Addr().String() {
		t.Error("two listeners on one port")
	}
}

func TestStopIsBoundedAndIdempotent(t *testing.T) {
	life := newLifecycle(slog.New(slog.DiscardHandler))
	var order []string
	life.onStop("first", func(context.Context) error { order = append(order, "first"); return nil })
	life.onStop("second", func(context.Context) error { order = append(order, "second"); return errors.New("stuck") })
	life.run(t.Context(), "worker", func(ctx context.Context) error { <-ctx.Done(); order = append(order, "worker"); return ctx.Err() })
	err := life.stop()
	if err == nil || !strings.Contains(err.Error(), "stopping second: stuck") {
		t.Errorf("stop: %v", err)
	}
	if got := strings.Join(order, " "); got != "worker second first" {
		t.Errorf("order %q", got)
	}
	if err := life.stop(); err != nil {
		t.Errorf("second stop: %v", err)
	}
}
