package spool

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Gap stands for records that are gone: From to To, both included.
type Gap struct {
	From   uint64    `json:"from"`
	To     uint64    `json:"to"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"` // when they were given up
}

// Count is how many records it stands for.
func (g Gap) Count() uint64 { return g.To - g.From + 1 }

// Reasons of gaps.
const (
	ReasonFull    = "spool full"      // the oldest gave way to newer ones
	ReasonDamaged = "segment damaged" // frames could not be read again
)

// gapFile is a gap on disk.
type gapFile struct {
	Epoch uint64 `json:"epoch"`
	Gap
}

func readGap(path string) (g gapFile, err error) {
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, &g)
	}
	if err == nil && (g.From == 0 || g.To < g.From) {
		err = fmt.Errorf("it stands for no records")
	}
	if err != nil {
		return g, fmt.Errorf("read gap %s: %w", filepath.Base(path), err)
	}
	return g, nil
}

// writeFile replaces a file as a whole. When the disk is full the reserve makes
// room.
func (s *Spool) writeFile(path string, b []byte) error {
	err := replaceFile(path, b)
	if err != nil && isFull(err) && s.releaseReserve() {
		err = replaceFile(path, b)
	}
	return err
}

func replaceFile(path string, b []byte) error {
	tmp := path + ".tmp"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		_ = os.Remove(tmp)
		return err
	}
	return nil
}

// reserveSize is kept free for gaps and positions.
const reserveSize = 64 << 10

func (s *Spool) reservePath() string { return filepath.Join(s.dir, "reserve") }

// holdReserve writes the reserve in full, so that the blocks are really taken.
// It reports false when there is no room for it.
func (s *Spool) holdReserve() bool {
	if s.reserved {
		return true
	}
	s.reserved = replaceFile(s.reservePath(), make([]byte, reserveSize)) == nil
	return s.reserved
}

func (s *Spool) releaseReserve() bool {
	held := s.reserved
	s.reserved = false
	return held && os.Remove(s.reservePath()) == nil
}
