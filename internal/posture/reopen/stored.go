package reopen

import (
	"context"
	"fmt"
	"slices"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
)

// Stored form: the bases of 1,024 handles are one setting, and basesSetting
// lists which there are.
const (
	basesSetting = "posture.bases" // []uint32
	chunkBits    = 10
)

func chunkOf(handle uint32) uint32 { return handle >> chunkBits }

func chunkSetting(chunk uint32) string { return fmt.Sprintf("%s.%d", basesSetting, chunk) }

// storedBase is a base as it is stored.
type storedBase struct {
	Handle uint32               `json:"h"`
	Tag    [3]uint64            `json:"t"`
	Prints []uint64             `json:"p"` // places and prints in turn
	Open   bool                 `json:"o,omitempty"`
	Was    map[uint64]placeText `json:"w,omitempty"` // of open ones
}

// Restore reads what is stored.
func (b *Bases) Restore(ctx context.Context, tx *store.Tx, tenant string) error {
	var chunks []uint32
	if err := tx.Setting(ctx, tenant, basesSetting, &chunks); err != nil && !arm.IsNotFound(err) {
		return err
	}
	for _, chunk := range chunks {
		var stored []storedBase
		if err := tx.Setting(ctx, tenant, chunkSetting(chunk), &stored); err != nil && !arm.IsNotFound(err) {
			return err
		}
		b.chunks[chunk] = struct{}{}
		for _, s := range stored {
			o := &base{baseTag: baseTag{s.Tag[0], s.Tag[1], s.Tag[2]}, open: s.Open, was: s.Was}
			for i := 0; i+1 < len(s.Prints); i += 2 {
				o.prints = append(o.prints, placePrint{s.Prints[i], uint32(s.Prints[i+1])})
			}
			b.by[s.Handle] = append(b.by[s.Handle], o)
			b.count++
		}
	}
	return nil
}

// Write stores what has changed; Saved says that it is stored.
func (b *Bases) Write(ctx context.Context, tx *store.Tx, tenant string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.dirty) == 0 {
		return nil
	}
	kept := map[uint32]bool{}
	for chunk := range b.chunks {
		kept[chunk] = !b.dirty[chunk]
	}
	for chunk := range b.dirty {
		stored := b.stored(chunk)
		if kept[chunk] = len(stored) > 0; !kept[chunk] {
			if err := tx.DeleteSetting(ctx, tenant, chunkSetting(chunk)); err != nil {
				return err
			}
			continue
		}
		if err := tx.PutSetting(ctx, tenant, chunkSetting(chunk), stored); err != nil {
			return err
		}
	}
	list := []uint32{}
	for chunk, ok := range kept {
		if ok {
			list = append(list, chunk)
		}
	}
	slices.Sort(list)
	return tx.PutSetting(ctx, tenant, basesSetting, list)
}

// Saved notes that what Write wrote last is stored.
func (b *Bases) Saved() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for chunk := range b.dirty {
		b.chunks[chunk] = struct{}{}
	}
	clear(b.dirty)
}

func (b *Bases) stored(chunk uint32) []storedBase {
	var all []storedBase
	for handle := chunk << chunkBits; handle < (chunk+1)<<chunkBits; handle++ {
		for _, o := range b.by[handle] {
			s := storedBase{Handle: handle, Tag: [3]uint64{o.exemption, o.member, o.reads}, Open: o.open}
			for _, p := range o.prints {
				s.Prints = append(s.Prints, p.place, uint64(p.print))
			}
			if o.open {
				s.Was = o.was
			}
			all = append(all, s)
		}
	}
	return all
}
