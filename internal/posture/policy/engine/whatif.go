package engine

import (
	"fmt"

	"github.com/rampart-sec/rampart/internal/base/wire"
)

// MaxHypotheticals is how many changes one WhatIf takes.
const MaxHypotheticals = 1000

// Hypothetical is a change to try: a document for a handle, or nil to try the
// resource's deletion. A resource that does not exist yet takes a handle that
// is not in use.
type Hypothetical struct {
	Handle   uint32
	Document *wire.Document
}

// WhatIf returns the verdicts that the changes would change, those of other
// resources included, as if they were all made together. The estate is the
// same afterwards. The flips are valid until the next call.
func (e *Estate) WhatIf(changes []Hypothetical) ([]Flip, error) {
	if len(changes) > MaxHypotheticals {
		return nil, fmt.Errorf("what if: more than %d changes", MaxHypotheticals)
	}
	e.reset()
	undo := make([]undone, 0, len(changes))
	var err error
	for _, c := range changes {
		u := undone{handle: c.Handle}
		if old := e.entry(c.Handle); old != nil {
			u.entry = *old
		}
		if err = e.try(c); err != nil {
			break
		}
		undo = append(undo, u)
	}
	flips := mergeFlips(e.flips)
	e.flips = nil
	for i := len(undo) - 1; i >= 0; i-- {
		e.restore(undo[i])
	}
	e.flips = flips
	return flips, err
}

// undone is what a handle had before a hypothetical change; an empty entry
// stands for nothing.
type undone struct {
	handle uint32
	entry  entry
}

func (e *Estate) try(c Hypothetical) error {
	if c.Document == nil || c.Document.Deleted {
		if old := e.entry(c.Handle); old != nil {
			e.remove(c.Handle, *old)
		}
		return nil
	}
	x, err := e.read(e.work, c.Document)
	if err != nil {
		return err
	}
	if err := e.free(c.Handle, &x); err != nil {
		return err
	}
	e.work.forget()
	e.put(c.Handle, x)
	return nil
}

func (e *Estate) restore(u undone) {
	e.work.forget()
	if u.entry.typ != nil {
		e.put(u.handle, u.entry)
		return
	}
	if x := e.entry(u.handle); x != nil {
		e.remove(u.handle, *x)
	}
}
