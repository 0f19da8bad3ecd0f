package inventory

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"sync"
	"time"

	"github.com/rampart-sec/rampart/internal/arm"
	"github.com/rampart-sec/rampart/internal/wire"
)

// EachOptions say what Each makes of a stream.
type EachOptions struct {
	Source string
	Now    time.Time // when documents were observed that do not say
	// Take gets every document, in the order of the stream, and then the
	// containers (subscriptions, groups) that ids name and nothing delivered. An
	// error rejects that document alone.
	Take func(doc *wire.Document) error
}

// Each reads a stream as Import does, without a store. The result counts what
// Take accepted as created.
func Each(ctx context.Context, r io.Reader, o EachOptions) (Result, error) {
	ctx, cancel := context.WithCancel(ctx)
	p := pipeline{now: o.Now, source: o.Source, bare: true, todo: make(chan *chunk), order: make(chan *chunk, 2*runtime.GOMAXPROCS(0))}
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	for range runtime.GOMAXPROCS(0) {
		wg.Go(p.decode)
	}
	wg.Go(func() { p.cut(ctx, r) })

	var res Result
	var missing containers
	var made []wire.Document
	delivered := map[string]bool{}
	for c := range p.order {
		<-c.done
		for _, bad := range c.bad {
			res.reject(bad)
		}
		for i := range c.docs {
			doc := &c.docs[i]
			if err := o.Take(doc); err != nil {
				c.at[i].ID, c.at[i].Reason = clip(doc.ID), err.Error()
				res.reject(c.at[i])
				continue
			}
			res.Created++
			if id, err := arm.ParseID(doc.ID); err == nil && isContainer(id) {
				delivered[id.Key()] = true
			}
		}
		fresh := missing.missing("", c.docs)
		missing.add("", fresh)
		made = append(made, fresh...)
	}
	for i := range made {
		if delivered[arm.Fold(made[i].ID)] {
			continue
		}
		if err := o.Take(&made[i]); err != nil {
			return res, fmt.Errorf("container %s: %w", made[i].ID, err)
		}
	}
	if ctx.Err() != nil {
		return res, ctx.Err()
	}
	if p.err != nil {
		return res, fmt.Errorf("read documents: %w", p.err)
	}
	return res, nil
}
