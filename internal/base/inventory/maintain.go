package inventory

import (
	"context"
	"time"

	"github.com/rampart-sec/rampart/internal/base/store"
)

// How often Maintain looks, and how long changes are kept for readers that
// store no position.
const (
	maintainEvery = time.Hour
	keepChanges   = 7 * 24 * time.Hour
)

// Maintain forgets, every hour until ctx ends, what need not be kept: old
// tombstones, changes that every reader is beyond, history older than
// Options.KeepHistory, and score rows that are closer together than is told of
// their age (store.DB.Sweep). A failure is logged and tried again an hour later: nothing depends on it but
// disk space.
func (v *Inventory) Maintain(ctx context.Context) error {
	tick := time.NewTicker(maintainEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		for more := true; more && ctx.Err() == nil; {
			var err error
			if more, err = v.store.Sweep(ctx, store.Keep{Changes: keepChanges, History: v.keepHistory, Scores: store.Grains}); err != nil {
				v.log.Warn("old changes could not be swept; trying again in an hour", "error", err)
				more = false
			}
		}
	}
}
