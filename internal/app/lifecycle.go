package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// stopTimeout bounds the teardown of everything.
const stopTimeout = 10 * time.Second

// slowStop is when the log says which part is waited for.
const slowStop = 2 * time.Second

// lifecycle is a last-in-first-out list of named teardowns and the goroutines
// that end with them.
type lifecycle struct {
	log    *slog.Logger
	stops  []namedStop
	failed chan error // the first error of a goroutine that should not have ended
}

type namedStop struct {
	name string
	stop func(context.Context) error
}

func newLifecycle(log *slog.Logger) *lifecycle {
	return &lifecycle{log: log, failed: make(chan error, 1)}
}

// onStop registers a teardown; the last registered runs first.
func (l *lifecycle) onStop(name string, stop func(context.Context) error) {
	l.stops = append(l.stops, namedStop{name, stop})
}

// run starts a goroutine that lives until its context is cancelled by the
// teardown. If it ends earlier with an error the whole server stops.
func (l *lifecycle) run(ctx context.Context, name string, f func(context.Context) error) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := f(ctx); err != nil && !errors.Is(err, context.Canceled) {
			select {
			case l.failed <- fmt.Errorf("%s: %w", name, err):
			default:
			}
		}
	}()
	l.onStop(name, func(stopCtx context.Context) error {
		cancel()
		select {
		case <-done:
			return nil
		case <-stopCtx.Done():
			return fmt.Errorf("still working after %v", stopTimeout)
		}
	})
}

// stop runs the teardowns, newest first, within one bound, and reports all
// that failed. It is idempotent.
func (l *lifecycle) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	var errs []error
	for i := len(l.stops) - 1; i >= 0; i-- {
		s := l.stops[i]
		waiting := time.AfterFunc(slowStop, func() { l.log.Info("stopping; waiting for a part to end", "part", s.name) })
		err := s.stop(ctx)
		waiting.Stop()
		if err != nil {
			errs = append(errs, fmt.Errorf("stopping %s: %w", s.name, err))
		}
	}
	l.stops = nil
	return errors.Join(errs...)
}
