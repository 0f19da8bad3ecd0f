package judge

import (
	"context"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/policy"
	"github.com/rampart-sec/rampart/internal/posture/policy/engine"
)

// engineEvaluator is the evaluator of a running judge: the policy engine.
type engineEvaluator struct {
	options engine.Options
	now     func() time.Time
	// reread gives the documents of some types again, for policies (the ids of
	// their definitions) that read what resident rows do not hold.
	reread func(ctx context.Context, types, definitions []string, load func(handle uint32, doc *wire.Document)) error
	// delivered reports whether anybody has delivered a type in a subscription.
	delivered func(subscription, typ string) bool
	set       *engine.Set
	estate    *engine.Estate
	firsts    []engine.Delivery // since the last evaluation
	reader    *engine.Reader
	live      bool // evaluated once; from then on documents are applied one by one
	ticked    time.Time
	changed   *roaring.Bitmap
	swaps     *policyDelta    // what a swap has changed since the last evaluation
	mixed     bool            // more than one swap has
	others    *roaring.Bitmap // rows that something else has changed
	last      *policyDelta    // swaps, at the last evaluation
}

func newEngineEvaluator(opt policy.Options, now func() time.Time, reread func(context.Context, []string, []string, func(uint32, *wire.Document)) error) *engineEvaluator {
	return &engineEvaluator{options: engine.Options{Language: opt}, now: now, reread: reread, changed: roaring.New(), others: roaring.New()}
}

// swap puts other policies to work on what is resident. Documents are read again
// only where the new policies ask for what rows do not hold.
func (n *engineEvaluator) swap(ctx context.Context, in engine.Input) ([]engine.Member, []engine.Failure, error) {
	n.options.Now = n.now()
	if n.set == nil {
		set, report, err := engine.Compile(in, n.options)
		if err != nil {
			return nil, nil, err
		}
		n.set, n.estate = set, engine.NewEstate(set)
		n.estate.Deliveries(n.delivered)
		n.reader = engine.NewReader(n.estate)
		return set.Members(), report.Failed, nil
	}
	set, report, err := n.set.Recompile(in, n.options)
	if err != nil {
		return nil, nil, err
	}
	reread := func(types []string, load func(uint32, *wire.Document)) error {
		return n.reread(ctx, types, set.Added(), load)
	}
	n.mixed = n.mixed || n.swaps != nil
	n.swaps = &policyDelta{set: set}
	if err := n.estate.Swap(set, reread, n.noteSwap); err != nil {
		return nil, nil, err
	}
	n.set, n.reader = set, engine.NewReader(n.estate)
	return set.Members(), report.Failed, nil
}

func (n *engineEvaluator) expect(documents int) { n.estate.Expect(documents) }

func (n *engineEvaluator) load(handle uint32, doc *wire.Document) (engine.Outline, error) {
	return n.estate.Load(handle, doc)
}

func (n *engineEvaluator) upsert(handle uint32, doc *wire.Document) error {
	if !n.live {
		_, err := n.load(handle, doc)
		return err
	}
	flips, err := n.estate.Upsert(handle, doc)
	if err != nil {
		n.note(n.estate.Delete(handle)) // what it was no longer holds
		return err
	}
	n.note(flips)
	return nil
}

func (n *engineEvaluator) deliver(subscription, typ string) {
	if n.live {
		n.firsts = append(n.firsts, engine.Delivery{Subscription: subscription, Type: typ})
	}
}

func (n *engineEvaluator) remove(handle uint32) { n.note(n.estate.Delete(handle)) }

func (n *engineEvaluator) note(flips []engine.Flip) {
	for _, f := range flips {
		n.changed.Add(f.Handle)
		n.others.Add(f.Handle)
	}
}

// noteSwap keeps what a swap says, if handles ascend.
func (n *engineEvaluator) noteSwap(flips []engine.Flip) {
	if len(flips) == 0 {
		return
	}
	handles := make([]uint32, len(flips))
	for i, f := range flips {
		handles[i] = f.Handle
	}
	n.changed.AddMany(handles)
	n.mixed = !n.swaps.add(flips) || n.mixed
}

// tickEvery is how often verdicts that depend on the time are looked at.
const tickEvery = time.Minute

func (n *engineEvaluator) evaluate(at time.Time) (*roaring.Bitmap, time.Time, error) {
	if len(n.firsts) > 0 {
		n.note(n.estate.Deliver(n.firsts...))
		n.firsts = nil
	}
	switch {
	case !n.live:
		n.estate.Tick(at)
		n.estate.Evaluate(nil)
		n.live, n.ticked = true, at
	case !at.Before(n.ticked.Add(tickEvery)) || at.Before(n.ticked):
		n.note(n.estate.Tick(at)) // looks at every resource if any rule reads the clock
		n.ticked = at
	}
	changed := n.changed
	n.changed = roaring.New()
	if n.mixed {
		n.swaps = nil
	} else if n.swaps != nil {
		n.swaps.except = n.others
	}
	n.last, n.swaps, n.mixed, n.others = n.swaps, nil, false, roaring.New()
	return changed, n.ticked.Add(tickEvery), nil
}

func (n *engineEvaluator) swapped() *policyDelta { return n.last }

func (n *engineEvaluator) verdicts(handle uint32, into []verdict) []verdict {
	var room [64]engine.Verdict // own: rows may be read by several goroutines
	for _, v := range n.estate.Verdicts(handle, room[:0]) {
		if v.State == policy.NotApplicable {
			continue
		}
		reason := ""
		if v.Reason != 0 {
			reason = n.set.Reason(v.Reason)
		}
		into = append(into, verdict{uint32(v.Member), v.State, reason})
	}
	return into
}

func (n *engineEvaluator) bound(handle, member uint32) *policy.Bound {
	return n.estate.Bound(handle, int(member))
}

func (n *engineEvaluator) reads(handle, member uint32, visit func(*policy.Reading)) {
	n.reader.Read(handle, int(member), visit)
}
