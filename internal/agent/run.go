package agent

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/rampart-sec/rampart/internal/base/wire"
)

// Deliver takes documents for the server. An error means that none of them
// counts as delivered; they are offered again.
type Deliver func(ctx context.Context, docs []wire.Document) error

// Bounds of the pause after a delivery that did not succeed.
const (
	minRetry = time.Second
	maxRetry = time.Minute
)

// Run collects and delivers everything, then collects again whenever a file
// that mattered changes, and every PollInterval for what announces nothing. It
// delivers only documents whose content changed. It returns when ctx ends.
func (a *Agent) Run(ctx context.Context, deliver Deliver) error {
	w, err := newWatcher(a.opts.Root, a.opts.Debounce, a.opts.Log)
	if err != nil {
		a.opts.Log.Warn("changes of files are noticed by polling only", "error", err)
	}
	defer w.close()
	poll := time.NewTicker(a.opts.PollInterval)
	defer poll.Stop()
	sent := delivered{}
	retry := minRetry
	for {
		again := poll.C
		if err := a.round(ctx, sent, deliver); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			a.opts.Log.Warn("delivery did not succeed, it is repeated", "error", err, "in", retry)
			again = time.After(retry)
			retry = min(2*retry, maxRetry)
		} else {
			retry = minRetry
		}
		if w.watch(a.touched) {
			continue // a change between reading and watching would be missed
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-w.changed():
		case <-again:
		}
	}
}

// round collects once and delivers what differs from what was delivered.
func (a *Agent) round(ctx context.Context, sent delivered, deliver Deliver) error {
	docs, err := a.Collect(ctx)
	if err != nil {
		return err
	}
	fresh := sent.changes(docs)
	if len(fresh) == 0 {
		return nil
	}
	if err := deliver(ctx, fresh); err != nil {
		return fmt.Errorf("delivering %d documents: %w", len(fresh), err)
	}
	sent.record(fresh)
	return nil
}

// delivered is the content last delivered, by id.
type delivered map[string]wire.Document

func (s delivered) changes(docs []wire.Document) []wire.Document {
	var fresh []wire.Document
	for _, d := range docs {
		old, ok := s[d.ID]
		if !ok || !bytes.Equal(old.Body, d.Body) || !slices.Equal(old.Unavailable, d.Unavailable) {
			fresh = append(fresh, d)
		}
	}
	return fresh
}

func (s delivered) record(docs []wire.Document) {
	for _, d := range docs {
		s[d.ID] = d
	}
}
