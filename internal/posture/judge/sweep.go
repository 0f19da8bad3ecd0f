package judge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/catalog"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// maxSweepRounds is how often a sweep compares before it says that there are
// differences, and how often it starts over.
const maxSweepRounds = 3

// Sweep is what a full sweep found.
type Sweep struct {
	Resources   int
	Assessments int
	Took        time.Duration // until everything was judged anew and compared once
	// Total is the number of differences; the first maxDifferences are listed, by
	// resource.
	Total       int
	Differences []index.Difference
	// Unjudged are documents that cannot be judged, each with the reason, by id;
	// the first of them, UnjudgedTotal is how many there are.
	Unjudged      []record.Problem
	UnjudgedTotal int
}

// refusals collects documents that cannot be judged, by id.
type refusals struct {
	mu   sync.Mutex
	byID map[string]string
}

func (r *refusals) add(id string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byID == nil {
		r.byID = map[string]string{}
	}
	r.byID[id] = err.Error()
}

// list are the first of them in order of their ids.
func (r *refusals) list() (some []record.Problem, total int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(r.byID)) {
		some = append(some, record.Problem{ID: id, Reason: r.byID[id]})
	}
	return some[:min(len(some), index.MaxDifferences)], len(some)
}

// Sweep judges every document of the store anew, as a start would, in memory of
// its own, and compares all of it with what the running estate says. It is the
// proof that increments were right: it must find nothing. It changes nothing, and
// neither pages nor the judge wait for it; it takes as much time and memory as a
// start.
//
// Resources may change meanwhile, so a difference counts only if it is still the
// same when the running estate has come as far as the sweep and has looked at the
// clock. When policies, exemptions, rules or management groups change it starts over;
// if they do not come to rest, it is refused.
//
// There is one sweep of an estate at a time; another is refused with an arm.Error.
func (e *Estate) Sweep(ctx context.Context) (*Sweep, error) {
	if !e.sweeping.CompareAndSwap(false, true) {
		return nil, &arm.Error{Status: http.StatusConflict, Code: "SweepInProgress", Message: "The estate is being swept; wait until that is done."}
	}
	defer e.sweeping.Store(false)
	defer e.judge.opt.Relax()()
	for range maxSweepRounds {
		result, err := e.sweep(ctx)
		if !errors.Is(err, errStartOver) {
			return result, err
		}
	}
	return nil, &arm.Error{Status: http.StatusConflict, Code: "PoliciesChange", Message: "Policies keep changing; sweep when they are at rest."}
}

// errStartOver ends a sweep when what decides over many resources changes.
var errStartOver = errors.New("policies changed during the sweep")

// decides reports whether an object may be about many resources.
func decides(o store.Object) bool {
	return slices.Contains(catalog.ObjectKinds, o.Kind) || slices.Contains(governKinds, o.Kind)
}

func (e *Estate) sweep(ctx context.Context) (*Sweep, error) {
	began, first := time.Now(), e.View()
	s := newEstate(e.judge, store.Tenant{ID: e.tenant, CreatedAt: e.created})
	s.ageless, s.shadow = e.ageless, true
	s.share(e.names)
	if err := s.load(ctx); err != nil {
		return nil, fmt.Errorf("sweep: %w", err)
	}
	result := &Sweep{}
	var last map[index.Difference]bool
	for round := 1; ; round++ {
		if err := s.catchUp(ctx); err != nil {
			return nil, fmt.Errorf("sweep: %w", err)
		}
		v, err := e.reach(ctx, s.positions)
		if err != nil {
			return nil, fmt.Errorf("sweep: %w", err)
		}
		found := s.View().Differences(v, first)
		if last != nil {
			maps.DeleteFunc(found, func(d index.Difference, _ bool) bool { return !last[d] })
		}
		if round == 1 {
			result.Took = time.Since(began)
			result.Resources, result.Assessments = v.Resources(), v.AssessmentCount()
		}
		if len(found) == 0 || round == maxSweepRounds {
			result.take(found)
			result.Unjudged, result.UnjudgedTotal = s.refused.list()
			return result, nil
		}
		last = found
		if err := pause(ctx, e.judge.patience); err != nil {
			return nil, err
		}
	}
}

// take puts differences in order.
func (s *Sweep) take(found map[index.Difference]bool) {
	s.Total = len(found)
	s.Differences = slices.SortedFunc(maps.Keys(found), func(a, b index.Difference) int {
		return cmp.Or(cmp.Compare(a.ResourceID, b.ResourceID), cmp.Compare(a.Recommendation, b.Recommendation), cmp.Compare(a.Kept, b.Kept))
	})
	s.Differences = s.Differences[:min(len(s.Differences), index.MaxDifferences)]
}

// share makes an estate number its strings as another does.
func (e *Estate) share(n *record.Names) {
	e.names = n
	e.reports = newReports(e.judge, n)
	e.eval.reports = e.reports
}

// pause waits.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// reach waits until the judge has taken in the feed up to some positions, and
// applied what policy edits it found there, and returns the view.
func (e *Estate) reach(ctx context.Context, positions map[int]uint64) (*index.View, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	events := e.Subscribe(ctx)
	for {
		if v := e.reached(positions); v != nil {
			return v, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-events:
		}
	}
}

// reached is the view if it is as far as some positions, else nil.
func (e *Estate) reached(positions map[int]uint64) *index.View {
	e.mu.Lock()
	defer e.mu.Unlock()
	for part, seq := range positions {
		if e.positions[part] < seq {
			return nil
		}
	}
	if v := e.View(); v.Rereading() == nil && e.unwritten == nil {
		return v
	}
	return nil
}
