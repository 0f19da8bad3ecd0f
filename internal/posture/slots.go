package posture

import (
	"context"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
)

// slotTable numbers recommendations for good. It is stored: packed states and
// moves outlive the process.
type slotTable struct {
	ids    []string
	number map[string]uint16
	stored int // how many of ids the store has
}

func newSlotTable() *slotTable { return &slotTable{number: map[string]uint16{}} }

// restore takes the stored list.
func (t *slotTable) restore(ids []string) {
	for _, id := range ids {
		t.of(id)
	}
	t.stored = len(t.ids)
}

// of is the slot of an id, a new one if need be.
func (t *slotTable) of(id string) uint16 {
	key := arm.Fold(id)
	if n, ok := t.number[key]; ok {
		return n
	}
	if len(t.ids) >= maxSlots {
		return maxSlots - 1 // shared by all beyond the limit, which the catalog reports
	}
	n := uint16(len(t.ids))
	t.number[key] = n
	t.ids = append(t.ids, id)
	return n
}

// store writes the list as a setting if it has grown since it was saved.
func (t *slotTable) store(ctx context.Context, tx *store.Tx, tenant, setting string) error {
	if len(t.ids) == t.stored {
		return nil
	}
	return tx.PutSetting(ctx, tenant, setting, t.ids)
}

// saved notes that the list was stored.
func (t *slotTable) saved() { t.stored = len(t.ids) }
