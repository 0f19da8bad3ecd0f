package judge

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/policy"
	"github.com/rampart-sec/rampart/internal/posture/policy/engine"
)

// oracle is the slow, obvious evaluator: it judges everything anew each time.
type oracle struct {
	mu      sync.Mutex
	aliases *policy.Aliases
	known   func(subscription, typ string) bool // what was delivered
	in      engine.Input
	members []engine.Member
	docs    map[uint32]*policy.Resource
	last    map[uint32][]verdict
}

func newOracle(aliases *policy.Aliases, known func(subscription, typ string) bool) *oracle {
	return &oracle{aliases: aliases, known: known, docs: map[uint32]*policy.Resource{}, last: map[uint32][]verdict{}}
}

func (o *oracle) swap(_ context.Context, in engine.Input) ([]engine.Member, []engine.Failure, error) {
	set, report, err := engine.Compile(in, engine.Options{})
	if err != nil {
		return nil, nil, err
	}
	o.in, o.members = in, set.Members()
	return o.members, report.Failed, nil
}

func (o *oracle) expect(int) {}

func (o *oracle) load(handle uint32, doc *wire.Document) (engine.Outline, error) {
	return engine.Outline{}, o.upsert(handle, doc)
}

func (o *oracle) upsert(handle uint32, doc *wire.Document) error {
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

func (o *oracle) deliver(string, string) {} // everything is judged anew

func (o *oracle) remove(handle uint32) {
	delete(o.docs, handle)
	delete(o.last, handle)
}

func (o *oracle) evaluate(at time.Time) (*roaring.Bitmap, time.Time, error) {
	changed := roaring.New()
	var all policy.Resources
	for _, r := range o.docs {
		all = append(all, r)
	}
	ev := &policy.Evaluator{Aliases: o.aliases, Estate: all, Delivered: o.known, Now: at}
	for _, h := range slices.Sorted(maps.Keys(o.docs)) {
		vs := o.judge(ev, o.docs[h])
		if !slices.Equal(vs, o.last[h]) {
			changed.Add(h)
			o.last[h] = vs
		}
	}
	return changed, time.Time{}, nil
}

// judge evaluates every member whose assignment covers a resource.
func (o *oracle) swapped() *policyDelta { return nil }

func (o *oracle) judge(ev *policy.Evaluator, r *policy.Resource) []verdict {
	target := policy.Target{ID: r.ID, Type: r.Type, Location: r.Body.Get("location").Str, Parents: o.in.ManagementGroups(r.ID.Subscription())}
	covers := map[string]bool{}
	for _, a := range o.in.Assignments {
		covers[a.ID] = a.Covers(target)
	}
	var vs []verdict
	for i := range o.members {
		m := &o.members[i]
		if !covers[m.Assignment] {
			continue
		}
		if v := ev.Evaluate(m.Bound, r, policy.Environment{}); v.State != policy.NotApplicable {
			vs = append(vs, verdict{uint32(i), v.State, v.Reason})
		}
	}
	return vs
}

func (o *oracle) bound(_, member uint32) *policy.Bound { return o.members[member].Bound }

func (o *oracle) reads(handle, member uint32, visit func(*policy.Reading)) {
	var all policy.Resources
	for _, r := range o.docs {
		all = append(all, r)
	}
	ev := &policy.Evaluator{Aliases: o.aliases, Estate: all, Delivered: o.known}
	if r := o.docs[handle]; r != nil {
		_ = ev.Read(o.members[member].Bound, r, policy.Environment{}, visit) // a lookup that fails reads nothing related
	}
}

func (o *oracle) verdicts(handle uint32, into []verdict) []verdict {
	return append(into, o.last[handle]...)
}
