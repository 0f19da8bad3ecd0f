package inventory

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/wire"
)

// EachOptions say what Each makes of a stream.
type EachOptions struct {
	Source string
	Group  string    // as ImportOptions has it
	Now    time.Time // when documents were observed that do not say
	// Take gets every document, in the order of the stream, and then the
	// containers (subscriptions, groups) that ids name and nothing delivered. An
	// error rejects that document alone.
	Take func(doc *wire.Document) error
}

// Each reads a stream as Import does, without a store. The result counts what
// Take accepted as created.
func Each(ctx context.Context, r io.Reader, o EachOptions) (Result, error) {
	p := pipeline{now: o.Now, source: o.Source, group: cmp.Or(o.Group, templateGroup), assumed: o.Group == "", bare: true}
	ctx, stop := p.start(ctx, r)
	defer stop()
	e := eacher{take: o.Take, delivered: map[string]bool{}}
	for c := range p.order {
		<-c.done
		e.res.put(c, &p)
		e.chunk(c)
	}
	if err := e.containers(); err != nil {
		return e.res, err
	}
	return e.res, p.ended(ctx)
}

// eacher hands documents out and remembers which containers are missing.
type eacher struct {
	take      func(*wire.Document) error
	res       Result
	known     containers
	missing   []wire.Document
	delivered map[string]bool // containers, by folded id
}

func (e *eacher) chunk(c *chunk) {
	for _, bad := range c.bad {
		e.res.reject(bad)
	}
	for i := range c.docs {
		doc := &c.docs[i]
		if err := e.take(doc); err != nil {
			c.at[i].ID, c.at[i].Reason = clip(doc.ID), err.Error()
			e.res.reject(c.at[i])
			continue
		}
		e.res.Created++
		if id, err := arm.ParseID(doc.ID); err == nil && isContainer(id) {
			e.delivered[id.Key()] = true
		}
	}
	missing := e.known.missing("", c.docs)
	e.known.add("", missing)
	e.missing = append(e.missing, missing...)
}

// containers hands out, at the end, those that nothing delivered.
func (e *eacher) containers() error {
	for i := range e.missing {
		if e.delivered[arm.Fold(e.missing[i].ID)] {
			continue
		}
		if err := e.take(&e.missing[i]); err != nil {
			return fmt.Errorf("container %s: %w", e.missing[i].ID, err)
		}
	}
	return nil
}
