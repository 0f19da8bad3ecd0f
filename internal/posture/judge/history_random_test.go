package judge

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/history"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// moment is an estate as it became at a time.
type moment struct {
	at   time.Time
	view *index.View
}

// archive remembers every view in full: what the past must say.
type archive struct {
	w       *world
	rnd     *rand.Rand
	moments []moment
	kept    int // number of the first moment that history is kept for
}

// TestPastEqualsViews makes random edits over months, with restarts, deletions
// and subscriptions that move, and compares what the past says of random scopes
// and times with the views of then.
func TestPastEqualsViews(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := NewWorld(t)
			w.bookTogether(seed%2 == 1)
			a := &archive{w: w, rnd: rand.New(rand.NewPCG(seed, 8))}
			edits := &editor{w: w, rnd: a.rnd, docs: map[string]wire.Document{}}
			for round := range 40 {
				for range 1 + a.rnd.IntN(5) {
					edits.some()
				}
				if a.rnd.IntN(4) == 0 {
					edits.regroup()
				}
				if round%11 == 10 {
					w.restart()
				}
				a.sealOften()
				a.keep()
				w.Clock.Pass(time.Duration(1+a.rnd.IntN(3000)) * time.Minute)
			}
			a.check()
			w.restart()
			a.keep()
			a.check()
			a.forget()
			a.check()
		})
	}
}

// sealOften makes the past of many small rows and frames.
func (a *archive) sealOften() {
	a.w.Judge.compaction = history.Compaction{Rows: 1 + a.rnd.IntN(9), Entries: 20, Every: time.Hour, Share: 2, Frame: time.Hour, Least: 100}
}

// keep remembers the view of now.
func (a *archive) keep() {
	v := a.w.Step()
	a.w.Judge.Estate("").log.Wait()
	a.moments = append(a.moments, moment{a.w.Clock.Now(), v})
}

// forget removes the older half of history.
func (a *archive) forget() {
	a.kept = len(a.moments) / 2
	keep := store.Keep{Changes: time.Hour, History: a.w.Clock.Now().Sub(a.moments[a.kept].at)}
	for more := true; more; {
		var err error
		if more, err = a.w.Db.Sweep(a.w.t.Context(), keep); err != nil {
			a.w.t.Fatal(err)
		}
	}
}

// then is the number of the view that held at a time, -1 before the first.
func (a *archive) then(at time.Time) int {
	n, found := slices.BinarySearchFunc(a.moments, at, func(m moment, at time.Time) int { return m.at.Compare(at) })
	if !found {
		n--
	}
	return n
}

// some is a random time between a minute before all that is kept and now.
func (a *archive) some() time.Time {
	n := a.kept + a.rnd.IntN(len(a.moments)-a.kept)
	minute := a.rnd.IntN(3) - 1
	if a.kept > 0 {
		minute = max(minute, 0)
	}
	return a.moments[n].at.Add(time.Duration(minute) * time.Minute)
}

func (a *archive) scopes() []index.Scope {
	sub := func() string { return fmt.Sprintf("/subscriptions/%08d-1111-1111-1111-111111111111", a.rnd.IntN(2)) }
	group := func() string { return fmt.Sprintf("%s/resourceGroups/rg%d", sub(), a.rnd.IntN(2)) }
	above := func() string {
		return fmt.Sprintf("/providers/Microsoft.Management/managementGroups/MG%d", a.rnd.IntN(3))
	}
	return []index.Scope{
		{}, {ID: sub()}, {ID: group()}, {ID: above()}, {Tag: "Owner"}, {Tag: "owner", TagValue: "o1"},
		{ID: group(), Tag: "owner", TagValue: "o0"}, {ID: sub(), Tag: "owner", TagValue: "o0"}, {ID: above(), Tag: "owner", TagValue: "o1"},
		{ID: fmt.Sprintf("%s/providers/%s/r%d", group(), StorageType, a.rnd.IntN(12))}, {ID: group() + "x"}, {Tag: "none"},
	}
}

func (a *archive) check() {
	t := a.w.t
	t.Helper()
	e := a.w.Judge.Estate("")
	for range 8 {
		at := a.some()
		n := a.then(at)
		for _, scope := range a.scopes() {
			got, err := e.History().AsOf(t.Context(), scope, at)
			if err != nil {
				t.Fatal(err)
			}
			if want := a.score(n, scope); !alike(e.View(), scope, got, want) {
				t.Errorf("scope %+v at view %d of %d: %+v, was %+v", scope, n, len(a.moments), got, want)
			}
		}
	}
	a.checkHistory(e)
	a.checkWhy(e)
}

func (a *archive) score(n int, scope index.Scope) index.Score {
	if n < 0 {
		return index.Score{}
	}
	return a.moments[n].view.Score(scope)
}

// alike compares two scores. What is kept in score rows is rounded and knows no
// weight.
func alike(v *index.View, scope index.Scope, got, want index.Score) bool {
	if _, kept := history.Kept(v, scope); kept {
		got.Weight = want.Weight
	}
	return Near(got.Percent, want.Percent, 1e-5) && Near(got.Low, want.Low, 1e-5) && Near(got.High, want.High, 1e-5) && Near(got.Current, want.Current, 1e-5) &&
		got.Max == want.Max && got.Known == want.Known && got.Applicable == want.Applicable && got.Weight == want.Weight
}

func (a *archive) checkHistory(e *Estate) {
	t := a.w.t
	t.Helper()
	from, to := a.moments[a.kept].at, a.moments[len(a.moments)-1].at
	for _, scope := range a.scopes() {
		points, err := e.History().Scores(t.Context(), history.HistoryQuery{Scope: scope, From: from, To: to, Points: 9})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range points {
			if want := a.score(a.then(p.At), scope); !Near(p.Percent, want.Percent, 1e-5) || p.Max != want.Max {
				t.Errorf("scope %+v at %v: %v of %d, was %+v", scope, p.At, p.Percent, p.Max, want)
			}
		}
	}
}

// checkWhy demands that changes add up: their deltas to the difference of the
// scores, and the assessments that they name from one view to the other.
func (a *archive) checkWhy(e *Estate) {
	t := a.w.t
	t.Helper()
	for range 3 {
		from, to := a.some(), a.some()
		if to.Before(from) {
			from, to = to, from
		}
		for _, scope := range a.scopes() {
			changes := a.changes(e, history.WhyQuery{Scope: scope, From: from, To: to, Limit: 7})
			sum := 0.0
			for _, c := range changes {
				sum += c.Delta
			}
			if want := a.score(a.then(to), scope).Percent - a.score(a.then(from), scope).Percent; !Near(sum, want, 1e-6) {
				t.Errorf("scope %+v from %v to %v: deltas add up to %v, want %v", scope, from, to, sum, want)
			}
			if scope == (index.Scope{}) {
				a.replay(changes, a.then(from), a.then(to))
			}
		}
	}
}

// changes reads all pages, and turns them round: oldest first.
func (a *archive) changes(e *Estate, q history.WhyQuery) []history.ScoreChange {
	t := a.w.t
	t.Helper()
	var all []history.ScoreChange
	for {
		page, err := e.History().Changes(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page.Changes...)
		if page.Next == "" {
			break
		}
		if len(page.Changes) != q.Limit {
			t.Fatalf("a page of %d before the last, want %d", len(page.Changes), q.Limit)
		}
		q.Before = page.Next
	}
	slices.Reverse(all)
	return all
}

// replay applies changes to one view's assessments and wants those of another.
func (a *archive) replay(changes []history.ScoreChange, from, to int) {
	t := a.w.t
	t.Helper()
	states := a.states(from)
	for _, c := range changes {
		if c.Recommendation == nil {
			maps.DeleteFunc(states, func(key [2]string, _ record.State) bool {
				return c.Cause == history.CauseGone && key[0] == c.ResourceID
			})
			continue
		}
		key := [2]string{c.ResourceID, c.Recommendation.ID}
		if states[key] != c.From {
			t.Errorf("%v went from %v, it was %v", key, c.From, states[key])
		}
		if states[key] = c.To; c.To == record.NotApplicable {
			delete(states, key)
		}
	}
	if diff := cmp.Diff(a.states(to), states); diff != "" {
		t.Errorf("changes from view %d to %d lead elsewhere (-view +changes):\n%s", from, to, diff)
	}
}

// states are the counted assessments of a view.
func (a *archive) states(n int) map[[2]string]record.State {
	states := map[[2]string]record.State{}
	if n < 0 {
		return states
	}
	lib := a.w.Judge.opt.Library
	v := a.moments[n].view
	v.Rows.Each(func(_ uint32, r *record.Row) bool {
		for _, c := range r.Statuses {
			if k := lib.Recommendation(v.Schema().IDs[c.Slot]); k != nil && !k.Uncounted && !k.Preview && c.State != record.NotApplicable {
				states[[2]string{r.ID, k.ID}] = c.State
			}
		}
		return true
	})
	return states
}

// regroup delivers a subscription that lies under other management groups, or
// deletes it.
func (ed *editor) regroup() {
	id := ed.sub()
	if ed.rnd.IntN(5) == 0 {
		if err := ed.w.Inv.Delete(ed.w.t.Context(), "", id, ""); err != nil && !arm.IsNotFound(err) {
			ed.w.t.Fatal(err)
		}
		maps.DeleteFunc(ed.docs, func(doc string, _ wire.Document) bool { return strings.HasPrefix(doc, id) })
		return
	}
	var chain []any
	for n := range 3 {
		if ed.rnd.IntN(2) == 0 {
			chain = append(chain, map[string]any{"name": fmt.Sprintf("mg%d", n)})
		}
	}
	body := mustJSON(ed.w.t, map[string]any{"id": id, "properties": map[string]any{"displayName": "s", "managementGroupAncestorsChain": chain}})
	doc := wire.Document{ID: id, Type: "Microsoft.Resources/subscriptions", Source: "test", ObservedAt: ed.w.Clock.Now(), Body: body}
	if res, err := ed.w.Inv.Put(ed.w.t.Context(), "", []wire.Document{doc}); err != nil || len(res.Rejected) > 0 {
		ed.w.t.Fatal(err, res.Rejected)
	}
}
