package inventory

import (
	"cmp"
	"context"
	"fmt"
	"io"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// loadDocs is how many documents one transaction takes. Larger ones write
// pages that they share once; smaller ones let other writers in between.
const loadDocs = 16 * chunkDocs

// ImportOptions say what Import makes of a stream. Source must be set.
type ImportOptions struct {
	Source string
	// Group is the id of the resource group to which an ARM template in the
	// stream is deployed, as TemplateGroup gives it; "" is a made-up one, and the
	// result says so.
	Group string
	// Progress, if not nil, is told after each transaction how many documents
	// have been dealt with.
	Progress func(n int)
}

// Import reads documents of any number from r: JSON Lines, a JSON array, an
// object whose "value" or "data" is the array (az, the Resource Graph, ARM's
// lists), or an ARM template. Each line or element is an ARM resource or a
// wire.Document. A broken one is rejected with its line; the others land. The
// whole may be packed with gzip.
//
// Documents are committed in transactions of a few thousand. When Import
// returns an error or the process dies, what was committed stays and the same
// import may simply be run again. An import never deletes what it does not
// mention.
func (v *Inventory) Import(ctx context.Context, tenant string, r io.Reader, o ImportOptions) (Result, error) {
	p := pipeline{now: v.now(), source: o.Source, group: cmp.Or(o.Group, templateGroup), assumed: o.Group == ""}
	ctx, stop := p.start(ctx, r)
	defer stop()
	res, err := v.loadAll(ctx, &p, tenant, o.Progress)
	res.inOrder()
	return res, err
}

// loadAll writes the decoded chunks in the order of the stream.
func (v *Inventory) loadAll(ctx context.Context, p *pipeline, tenant string, progress func(n int)) (Result, error) {
	var res Result
	w := importer{v: v, res: &res, progress: progress, load: load{tenant: tenant}, seen: map[string]int{}}
	for c := range p.order {
		<-c.done
		res.put(c, p)
		if err := w.add(ctx, c); err != nil {
			return res, err
		}
	}
	if err := w.flush(ctx); err != nil {
		return res, err
	}
	return res, p.ended(ctx)
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
