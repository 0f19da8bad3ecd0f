package catalog

import (
	"context"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// SlotTable numbers recommendations for good. It is stored: packed states and
// moves outlive the process.
type SlotTable struct {
	IDs    []string
	number map[string]uint16
	stored int // how many of ids the store has
}

// NewSlotTable has no slots yet.
func NewSlotTable() *SlotTable { return &SlotTable{number: map[string]uint16{}} }

// Restore takes the stored list.
func (t *SlotTable) Restore(ids []string) {
	for _, id := range ids {
		t.Of(id)
	}
	t.stored = len(t.IDs)
}

// Of is the slot of an id, a new one if need be.
func (t *SlotTable) Of(id string) uint16 {
	key := arm.Fold(id)
	if n, ok := t.number[key]; ok {
		return n
	}
	if len(t.IDs) >= record.MaxSlots {
		return record.MaxSlots - 1 // shared by all beyond the limit, which the catalog reports
	}
	n := uint16(len(t.IDs))
	t.number[key] = n
	t.IDs = append(t.IDs, id)
	return n
}

// Store writes the list as a setting if it has grown since it was saved.
func (t *SlotTable) Store(ctx context.Context, tx *store.Tx, tenant, setting string) error {
	if len(t.IDs) == t.stored {
		return nil
	}
	return tx.PutSetting(ctx, tenant, setting, t.IDs)
}

// Saved notes that the list was stored.
func (t *SlotTable) Saved() { t.stored = len(t.IDs) }
