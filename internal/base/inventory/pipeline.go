package inventory

import (
	"context"
	"errors"
	"io"
	"runtime"
	"sync"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
)

// What one worker decodes at a time.
const (
	chunkDocs  = 512
	chunkBytes = 2 << 20
)

// chunk is some documents on their way; done is closed when they are decoded.
type chunk struct {
	pieces   []piece
	docs     []wire.Document
	prepared []store.Prepared
	at       []Rejection // where docs[i] is from
	bad      []Rejection
	placed   bool // some are of a template and lie in the pipeline's group
	done     chan struct{}
}

// pipeline cuts in one goroutine and decodes in several; order has the chunks
// as the stream had them.
type pipeline struct {
	now     time.Time
	source  string
	group   string // id of the group in which templates' resources lie
	assumed bool   // nobody named the group
	bare    bool   // without the form that the store wants
	todo    chan *chunk
	order   chan *chunk
	err     error // why cutting ended early; read after order is closed
}

// start begins to read r. stop ends all goroutines and waits for them; only a
// read of r that does not return can hold it up.
func (p *pipeline) start(ctx context.Context, r io.Reader) (_ context.Context, stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	workers := runtime.GOMAXPROCS(0)
	p.todo, p.order = make(chan *chunk), make(chan *chunk, 2*workers)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(p.decode)
	}
	wg.Go(func() { p.cut(ctx, r) })
	return ctx, func() {
		cancel()
		wg.Wait()
	}
}

// ended says why the stream ended before its time, nil if it did not. That is
// the sender's to mend, so it is an *arm.Error.
func (p *pipeline) ended(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if p.err != nil {
		return arm.Invalid("The resources cannot be read to their end: %v.", p.err)
	}
	return nil
}

func (p *pipeline) cut(ctx context.Context, r io.Reader) {
	defer close(p.order)
	defer close(p.todo)
	s := newSplitter(r)
	for ctx.Err() == nil {
		c, err := p.fill(s)
		if len(c.pieces) > 0 {
			for _, to := range []chan *chunk{p.todo, p.order} {
				select {
				case to <- c:
				case <-ctx.Done():
					return
				}
			}
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				p.err = err
			}
			return
		}
	}
}

// fill cuts the next chunk. The texts are copied: the splitter reuses its own.
// Steps are counted, not documents, so that a stream of nothing (blank lines,
// empty arrays) ends with its context.
func (p *pipeline) fill(s *splitter) (*chunk, error) {
	c := &chunk{done: make(chan struct{})}
	room := make([]byte, 0, chunkBytes/4)
	for steps, size := 0, 0; steps < chunkDocs && size < chunkBytes; steps++ {
		x, err := s.next()
		if len(x.text) > 0 || x.bad != "" {
			if cap(room)-len(room) < len(x.text) {
				room = make([]byte, 0, max(len(x.text), chunkBytes/4))
			}
			from := len(room)
			room = append(room, x.text...)
			x.text = room[from:len(room):len(room)]
			c.pieces = append(c.pieces, x)
			size += len(x.text)
		}
		if err != nil {
			return c, err
		}
	}
	return c, nil
}

func (p *pipeline) decode() {
	for c := range p.todo {
		for i := range c.pieces {
			p.decodeOne(c, &c.pieces[i])
		}
		c.pieces = nil
		close(c.done)
	}
}

func (p *pipeline) decodeOne(c *chunk, x *piece) {
	doc, placed, err := p.document(x)
	if err == nil && !p.bare {
		var ps []store.Prepared
		ps, err = store.Prepare([]wire.Document{doc})
		c.prepared = append(c.prepared, ps...)
	}
	if err != nil {
		c.bad = append(c.bad, Rejection{Line: x.line, ID: clip(doc.ID), Reason: err.Error()})
		return
	}
	c.placed = c.placed || placed
	c.docs, c.at = append(c.docs, doc), append(c.at, Rejection{Line: x.line})
}

func (p *pipeline) document(x *piece) (doc wire.Document, placed bool, err error) {
	switch {
	case x.bad != "":
		return wire.Document{}, false, errors.New(x.bad)
	case x.template != nil:
		return x.template.decode(x.text, p)
	}
	doc, err = Decode(x.text, p.now, p.source)
	return doc, false, err
}
