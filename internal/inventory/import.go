package inventory

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"time"

	"github.com/rampart-sec/rampart/internal/arm"
	"github.com/rampart-sec/rampart/internal/store"
	"github.com/rampart-sec/rampart/internal/wire"
)

// Sizes of the import's steps: a chunk is decoded by one worker, a few chunks
// are one transaction. Larger transactions write pages that they share once;
// smaller ones let other writers in between.
const (
	chunkDocs  = 512
	chunkBytes = 2 << 20
	loadDocs   = 16 * chunkDocs
)

// Import reads documents of any number from r: JSON Lines, a JSON array, an
// object whose "value" or "data" is the array (az, the Resource Graph, ARM's
// lists), or an ARM template. Each line or element is an ARM resource or a
// wire.Document. A broken one is rejected with its line; the others land.
//
// Documents are committed in transactions of a few thousand; progress, if not
// nil, is told after each how many have been dealt with. When Import returns
// an error or the process dies, what was committed stays and the same import
// may simply be run again. An import never deletes what it does not mention.
func (v *Inventory) Import(ctx context.Context, tenant, source string, r io.Reader, progress func(n int)) (Result, error) {
	ctx, cancel := context.WithCancel(ctx)
	p := pipeline{now: v.now(), source: source, todo: make(chan *chunk), order: make(chan *chunk, 2*runtime.GOMAXPROCS(0))}
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	for range runtime.GOMAXPROCS(0) {
		wg.Go(p.decode)
	}
	wg.Go(func() { p.cut(ctx, r) })
	return v.loadAll(ctx, &p, tenant, progress)
}

// loadAll writes the decoded chunks in the order of the stream.
func (v *Inventory) loadAll(ctx context.Context, p *pipeline, tenant string, progress func(n int)) (Result, error) {
	var res Result
	w := importer{v: v, res: &res, progress: progress, load: load{tenant: tenant}, seen: map[string]int{}}
	for c := range p.order {
		<-c.done
		if err := w.add(ctx, c); err != nil {
			return res, err
		}
	}
	if err := w.flush(ctx); err != nil {
		return res, err
	}
	if ctx.Err() != nil {
		return res, ctx.Err()
	}
	if p.err != nil {
		return res, fmt.Errorf("read documents: %w", p.err)
	}
	return res, nil
}

// chunk is some documents on their way; done is closed when they are decoded.
type chunk struct {
	pieces   []piece
	docs     []wire.Document
	prepared []store.Prepared
	at       []Rejection // where docs[i] is from
	bad      []Rejection
	done     chan struct{}
}

// pipeline cuts in one goroutine and decodes in several.
type pipeline struct {
	now    time.Time
	source string
	bare   bool // without the form that the store wants
	todo   chan *chunk
	order  chan *chunk
	err    error // why cutting ended early; read after order is closed
}

func (p *pipeline) cut(ctx context.Context, r io.Reader) {
	defer close(p.order)
	defer close(p.todo)
	s := newSplitter(r)
	for {
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
func (p *pipeline) fill(s *splitter) (*chunk, error) {
	c := &chunk{done: make(chan struct{})}
	room := make([]byte, 0, chunkBytes/4)
	for size := 0; len(c.pieces) < chunkDocs && size < chunkBytes; {
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
	doc, bad := p.document(x)
	if bad == nil {
		ps, err := store.Prepare([]wire.Document{doc})
		if err == nil {
			c.prepared = append(c.prepared, ps...)
			c.docs, c.at = append(c.docs, doc), append(c.at, Rejection{Line: x.line})
			return
		}
		bad = &Rejection{Line: x.line, ID: clip(doc.ID), Reason: err.Error()}
	}
	c.bad = append(c.bad, *bad)
}

// importer collects chunks into loads and writes them.
type importer struct {
	v        *Inventory
	res      *Result
	progress func(n int)
	load     load
	seen     map[string]int // folded id -> place in load
	dealt    int
}

func (w *importer) add(ctx context.Context, c *chunk) error {
	for _, r := range c.bad {
		w.res.reject(r)
	}
	w.dealt += len(c.bad)
	for i := range c.docs {
		k := arm.Fold(c.docs[i].ID)
		if j, ok := w.seen[k]; ok {
			before := w.load.at[j]
			before.ID = c.docs[i].ID
			w.res.reject(duplicate(before))
			w.load.docs[j], w.load.prepared[j], w.load.at[j] = c.docs[i], c.prepared[i], c.at[i]
			w.dealt++
			continue
		}
		w.seen[k] = len(w.load.docs)
		w.load.docs = append(w.load.docs, c.docs[i])
		w.load.prepared = append(w.load.prepared, c.prepared[i])
		w.load.at = append(w.load.at, c.at[i])
	}
	if len(w.load.docs) < loadDocs {
		return nil
	}
	return w.flush(ctx)
}

// flush commits what has been collected.
func (w *importer) flush(ctx context.Context) error {
	if err := w.v.write(ctx, &w.load, w.res); err != nil {
		return fmt.Errorf("after %d documents: %w", w.dealt, err)
	}
	w.dealt += len(w.load.docs)
	w.load = load{tenant: w.load.tenant}
	clear(w.seen)
	if w.progress != nil {
		w.progress(w.dealt)
	}
	return nil
}
