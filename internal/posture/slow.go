package posture

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/internal/policy"
	"github.com/rampart-sec/rampart/internal/wire"
)

// slowEvaluator is the slow, obvious evaluator: it judges everything anew each time.
type slowEvaluator struct {
	mu      sync.Mutex
	aliases *policy.Aliases
	bounds  []*policy.Bound
	docs    map[uint32]*policy.Resource
	last    map[uint32][]verdict
}

func newSlowEvaluator(aliases *policy.Aliases) *slowEvaluator {
	return &slowEvaluator{aliases: aliases, docs: map[uint32]*policy.Resource{}, last: map[uint32][]verdict{}}
}

func (o *slowEvaluator) swap(bounds []*policy.Bound) error { o.bounds = bounds; return nil }

func (o *slowEvaluator) upsert(handle uint32, doc *wire.Document) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	copied := *doc
	copied.Body = slices.Clone(doc.Body)
	r, err := policy.NewResource(copied)
	if err != nil {
		delete(o.docs, handle)
		return err
	}
	o.docs[handle] = r
	return nil
}

func (o *slowEvaluator) remove(handle uint32) {
	delete(o.docs, handle)
	delete(o.last, handle)
}

func (o *slowEvaluator) evaluate(at time.Time) (*roaring.Bitmap, time.Time, error) {
	changed := roaring.New()
	var all policy.Resources
	for _, r := range o.docs {
		all = append(all, r)
	}
	ev := &policy.Evaluator{Aliases: o.aliases, Estate: all, Now: at}
	for _, h := range slices.Sorted(maps.Keys(o.docs)) {
		var vs []verdict
		for i, b := range o.bounds {
			if v := ev.Evaluate(b, o.docs[h], policy.Environment{}); v.State != policy.NotApplicable {
				vs = append(vs, verdict{uint32(i), v.State, v.Reason})
			}
		}
		if !slices.Equal(vs, o.last[h]) {
			changed.Add(h)
			o.last[h] = vs
		}
	}
	return changed, time.Time{}, nil
}

func (o *slowEvaluator) verdicts(handle uint32, into []verdict) []verdict {
	return append(into, o.last[handle]...)
}
