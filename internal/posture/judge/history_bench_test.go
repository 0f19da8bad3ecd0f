package judge

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/history"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// The past benchmarks run over a year in which 1 % of RAMPART_BENCH_RESOURCES
// resources change a day, in a transaction every five minutes. What the judge
// makes of 20,000 simulated documents is copied, and the year is written as the
// judge writes it, but for packed states.
const (
	yearDays    = 365
	yearBatches = 288 // a day
	// yearDocuments are judged, yearGroup is a management group of about a third
	// of their subscriptions.
	yearDocuments = 20_000
	yearGroup     = "third"
)

type benchYear struct {
	*benchEstate
	db         *store.DB // of the year
	past       *Estate
	start, end time.Time
	rnd        *rand.Rand
	live       []*actor
	next       uint32            // handle
	now        *history.Snapshot // how it stands, by the moves written
	sub        string            // whose score rows are written, beside the estate's
	was        [2]index.Pool
}

// actor is a copy of a judged resource that changes.
type actor struct {
	row    *record.Row
	handle uint32
	home   record.Placement
}

var yearOnce = sync.OnceValues(newBenchYear)

func newBenchYear() (*benchYear, error) {
	be, err := openBenchEstate(fmt.Sprintf("%d.db", min(benchSize(), yearDocuments)), min(benchSize(), yearDocuments))
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	y := &benchYear{benchEstate: be, rnd: rand.New(rand.NewPCG(3, 3)), next: 1, end: time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)}
	y.start = y.end.AddDate(0, 0, -yearDays)
	db, err := store.Open(ctx, store.Options{URL: "sqlite:" + filepath.Join(be.dir, fmt.Sprintf("year-%d", benchSize()), "rampart.db")})
	if err != nil {
		return nil, err
	}
	judge, err := New(Options{Store: db, Library: be.lib})
	if err != nil {
		return nil, err
	}
	y.db, y.past = db, newEstate(judge, store.Tenant{})
	y.past.log.Numbers = be.E.log.Numbers
	y.past.view.Store(copiedView(be.E.View()))
	var last store.Frame
	if err := db.View(ctx, func(tx *store.Tx) error { last, err = tx.Frame(ctx, "", time.Time{}); return err }); err != nil {
		return nil, err
	}
	y.sub = largestSubscription(be.E.View())
	if last.Seq > 0 {
		return y, nil
	}
	return y, y.write(ctx)
}

// copiedView knows the copied subscriptions of the management group.
func copiedView(v *index.View) *index.View {
	copied := v.Edit(v.Schema()).View
	v.Subs.Each(func(n uint32, s *index.Subscription) bool {
		for k := 0; n != record.NoSubscription && s.Resource != nil && k < max(1, benchSize()/yearDocuments); k += 3 {
			c := index.Subscription{ID: elsewhere(s.ID, k), Totals: s.Totals, Members: s.Members, Resource: &record.Row{
				Type: record.SubscriptionType, Container: &record.Container{Above: []string{yearGroup}}}}
			copied.Subs.Put(copied.Seq(), copied.Names().Subscriptions.Fold(c.ID), &c)
		}
		return true
	})
	return copied
}

// write makes the estate and lets a year pass.
func (y *benchYear) write(ctx context.Context) error {
	y.now = y.past.log.NewSnapshot(y.E.View().Schema(), history.SnapshotScope{Whole: true})
	seq := uint64(0)
	rows := rowsOf(y.E.View())
	for n := 0; len(y.live) < benchSize(); n++ {
		l := y.log(&seq, y.start)
		for _, r := range rows {
			if len(y.live) < benchSize() {
				y.bear(l, r, n)
			}
			if l.W != nil && l.W.Rows.Entries == maxBatch {
				l.Flush()
			}
		}
		if err := y.put(ctx, [][]store.Moves{l.Finish()}, y.start); err != nil {
			return err
		}
	}
	for day := range yearDays {
		if err := y.day(ctx, &seq, y.start.AddDate(0, 0, day)); err != nil {
			return err
		}
	}
	return nil
}

func (y *benchYear) log(seq *uint64, at time.Time) *history.TransactionWriter {
	*seq++
	return &history.TransactionWriter{Tenant: y.past.tenant, Seq: *seq, At: at}
}

// day changes 1 % of the resources.
func (y *benchYear) day(ctx context.Context, seq *uint64, at time.Time) error {
	var all [][]store.Moves
	var scores []store.ScoreRow
	for i := range yearBatches {
		at := at.Add(time.Duration(i) * 24 * time.Hour / yearBatches)
		l := y.log(seq, at)
		touched := map[int]bool{}
		for range max(1, benchSize()/100/yearBatches) {
			touched[y.rnd.IntN(len(y.live))] = true
		}
		y.change(l, slices.Sorted(maps.Keys(touched)))
		all = append(all, l.Finish())
		scores = append(scores, y.scoreRows(*seq, at)...)
	}
	if err := y.db.Update(ctx, func(tx *store.Tx) error { return tx.PutScoreRows(ctx, scores) }); err != nil {
		return err
	}
	return y.put(ctx, all, at)
}

// put writes the rows of some transactions and packs the past as a judge does.
func (y *benchYear) put(ctx context.Context, all [][]store.Moves, at time.Time) error {
	err := y.db.Update(ctx, func(tx *store.Tx) error {
		for _, rows := range all {
			if err := tx.PutMoves(ctx, rows); err != nil {
				return err
			}
			y.past.log.Loose.Add(int64(len(rows)))
		}
		return nil
	})
	if err != nil || int(y.past.log.Loose.Load()) < history.DefaultCompaction.Rows {
		return err
	}
	return y.past.log.Compact(ctx)
}

func (y *benchYear) bear(l *history.TransactionWriter, r *record.Row, copied int) {
	a := &actor{row: r, handle: y.next, home: y.E.names.Placement(r)}
	y.next++
	a.home.Container = elsewhere(a.home.Container, copied)
	if r.Type == record.SubscriptionType && copied%3 == 0 {
		a.home.Container += "\x00" + yearGroup
	}
	a.home.Tags = strings.Replace(a.home.Tags, "app-", fmt.Sprintf("app-%d-", copied), 1)
	y.live = append(y.live, a)
	y.note(l, &history.RowChange{Handle: a.handle, States: y.stance(a), Relocated: true, Created: true, Placement: a.home})
}

// elsewhere moves a container to another subscription.
func elsewhere(container string, copied int) string {
	const prefix = "/subscriptions/"
	if copied == 0 || !strings.HasPrefix(container, prefix) {
		return container
	}
	return fmt.Sprintf("%s%08x%s", prefix, copied, container[len(prefix)+8:])
}

func (y *benchYear) stance(a *actor) record.ControlStates {
	sh := y.E.View().Schema()
	st := make([]record.ControlStatus, len(sh.Controls))
	sh.ControlStatuses(a.row, st)
	return record.ControlStatesOf(a.row, st).Renumbered(y.past.log.Numbers)
}

func (y *benchYear) note(l *history.TransactionWriter, m *history.RowChange) {
	l.Note(m)
	var h history.RowState
	if m.States != record.Absent {
		h.Class = y.now.Class(m.States)
	}
	if m.Relocated {
		h.Container, h.Tags = y.now.Contained([]byte(m.Placement.Container)), y.now.Tagged([]byte(m.Placement.Tags))
	}
	y.now.Set(m.Handle, h, m.Relocated)
}

// change changes one assessment of each resource; one of a hundred gets other tags
// instead, and one goes and another comes.
func (y *benchYear) change(l *history.TransactionWriter, touched []int) {
	born := 0
	for _, n := range touched { // by ascending handle
		a := y.live[n]
		if a.row == nil {
			continue
		}
		m := &history.RowChange{Handle: a.handle}
		switch y.rnd.IntN(100) {
		case 0:
			a.home.Tags = y.some().home.Tags
			m.Relocated, m.Placement, m.States = true, a.home, y.stance(a)
		case 1:
			m.Changes, m.States, m.ID = history.PackChanges(nil, record.Diff(nil, a.row, nil, record.ResourceChanged)), record.Absent, a.row.ID
			a.row = nil
			born++
		default:
			var f record.Change
			a.row, f = y.flip(a.row)
			m.Changes, m.States = history.PackChanges(nil, []record.Change{f}), y.stance(a)
		}
		y.note(l, m)
	}
	for range born {
		if a := y.some(); a.row != nil {
			y.bear(l, a.row, y.rnd.IntN(benchSize()/yearDocuments+1))
		}
	}
}

func (y *benchYear) some() *actor { return y.live[y.rnd.IntN(len(y.live))] }

// change turns a counted assessment round, healthy to unhealthy or back.
func (y *benchYear) flip(r *record.Row) (*record.Row, record.Change) {
	sh := y.E.View().Schema()
	fresh := *r
	fresh.Statuses = slices.Clone(r.Statuses)
	for range 20 {
		if len(fresh.Statuses) == 0 {
			break
		}
		c := &fresh.Statuses[y.rnd.IntN(len(fresh.Statuses))]
		if sh.Control(c.Slot) == record.NotCounted || c.State != record.Healthy && c.State != record.Unhealthy {
			continue
		}
		f := record.Change{Handle: r.Handle, Slot: c.Slot, From: c.State, To: record.Healthy + record.Unhealthy - c.State, Cause: record.ResourceChanged}
		c.State = f.To
		return &fresh, f
	}
	return r, record.Change{}
}

// scoreRows are those of the estate and of one subscription after a transaction.
func (y *benchYear) scoreRows(seq uint64, at time.Time) []store.ScoreRow {
	n := y.now.Subscription([]byte(arm.Fold(y.sub)))
	all := index.Pool{Controls: make([]index.ControlCounts, len(y.now.Schema.Controls))}
	for _, l := range y.now.Pools {
		all.Merge(l)
	}
	one := index.Pool{Controls: slices.Clone(y.now.Pools[n].Controls)}
	w := &history.ScoreWriter{Now: index.Empty(y.E.names, y.now.Schema).From(seq - 1).Edit(y.now.Schema).Commit(at)}
	w.Scope("", y.was[0].Controls, all.Controls, y.now.Score())
	w.Scope(y.sub, y.was[1].Controls, one.Controls, index.PoolScore(y.now.Schema.Controls, one.Controls, 0))
	y.was = [2]index.Pool{all, one}
	return w.Rows
}

func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// random is an instant of the year.
func (y *benchYear) random() time.Time {
	return y.start.Add(time.Duration(y.rnd.Int64N(int64(y.end.Sub(y.start)))))
}

// yearScopes are a scope of each kind.
func (y *benchYear) scopes() map[string]index.Scope {
	group := ""
	rows := rowsOf(y.E.View())
	for _, h := range slices.Sorted(maps.Keys(rows)) {
		if _, group = record.ContainersOf(rows[h].ID); group != "" {
			break
		}
	}
	return map[string]index.Scope{
		"estate": {}, "subscription": {ID: y.sub}, "group": {ID: elsewhere(arm.Fold(group), min(7, benchSize()/yearDocuments-1))},
		"managementGroup": {ID: index.ManagementGroups + yearGroup}, "tagLarge": {Tag: "environment", TagValue: "production"},
		"tagSmall": {Tag: "application", TagValue: strings.Replace(y.smallTag(), "app-", "app-0-", 1)}, "tagAny": {Tag: "owner"},
	}
}

func (y *benchYear) smallTag() string {
	value := ""
	for _, r := range rowsOf(y.E.View()) {
		if v, ok := r.Tag("application"); ok && (value == "" || v < value) {
			value = v
		}
	}
	return value
}

func BenchmarkPastAsOf(b *testing.B) {
	y := year(b)
	for name, scope := range y.scopes() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			measured(b, func() error { _, err := y.past.History().AsOf(b.Context(), scope, y.random()); return err })
		})
	}
}

// BenchmarkPastHistory reads 30 points over the year.
func BenchmarkPastHistory(b *testing.B) {
	y := year(b)
	for name, scope := range y.scopes() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			measured(b, func() error {
				_, err := y.past.History().Scores(b.Context(), history.HistoryQuery{Scope: scope, From: y.start, To: y.end})
				return err
			})
		})
	}
}

// BenchmarkPastWhy lists the latest changes of a day and of the year.
func BenchmarkPastWhy(b *testing.B) {
	y := year(b)
	for name, scope := range y.scopes() {
		for span, days := range map[string]int{"day": 1, "year": yearDays} {
			b.Run(name+"/"+span, func(b *testing.B) {
				b.ReportAllocs()
				measured(b, func() error {
					to := y.end
					if days == 1 {
						to = y.random()
					}
					_, err := y.past.History().Why(b.Context(), scope, to.AddDate(0, 0, -days), to)
					return err
				})
			})
		}
	}
}

// BenchmarkPastWhole reads the whole past up to its end, as a start does to
// compare it with the first view, and packs it, as is done for a frame.
func BenchmarkPastWhole(b *testing.B) {
	y := year(b)
	b.ReportAllocs()
	measured(b, func() error {
		p := y.past.log.NewSnapshot(y.E.View().Schema(), history.SnapshotScope{Whole: true})
		defer p.Reset()
		if err := y.past.log.Replay(b.Context(), p, history.ReplayOptions{Times: []time.Time{history.EndOfTime}, At: func(int) {}}); err != nil {
			return err
		}
		for n := range p.Blocks {
			if _, err := p.FrameBlock(n); err != nil {
				return err
			}
		}
		return nil
	})
}

func year(b *testing.B) *benchYear {
	b.Helper()
	y, err := yearOnce()
	if err != nil {
		b.Fatal(err)
	}
	return y
}

// measured reports percentiles of wall time and the processor time of one call.
func measured(b *testing.B, call func() error) {
	var took []time.Duration
	spent := cpu()
	for b.Loop() {
		start := time.Now()
		if err := call(); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
	}
	spent = cpu() - spent
	percentiles(b, took)
	b.ReportMetric(took[len(took)/2].Seconds()*1000, "p50-ms")
	b.ReportMetric(took[len(took)-1].Seconds()*1000, "max-ms")
	b.ReportMetric(spent.Seconds()*1000/float64(b.N), "cpu-ms/op")
}
