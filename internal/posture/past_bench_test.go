package posture

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
	next       uint32 // handle
	now        *past  // how it stands, by the moves written
	sub        string // whose score rows are written, beside the estate's
	was        [2]pool
}

// actor is a copy of a judged resource that changes.
type actor struct {
	row    *row
	handle uint32
	home   home
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
	y.past.log.numbers = be.e.log.numbers
	y.past.view.Store(copiedView(be.e.View()))
	var last store.Frame
	if err := db.View(ctx, func(tx *store.Tx) error { last, err = tx.Frame(ctx, "", time.Time{}); return err }); err != nil {
		return nil, err
	}
	y.sub = largestSubscription(be.e.View())
	if last.Seq > 0 {
		return y, nil
	}
	return y, y.write(ctx)
}

// copiedView knows the copied subscriptions of the management group.
func copiedView(v *View) *View {
	copied := v.edit(v.shape).v
	v.subs.Each(func(n uint32, s *subscription) bool {
		for k := 0; n != noSub && s.resource != nil && k < max(1, benchSize()/yearDocuments); k += 3 {
			c := subscription{id: elsewhere(s.id, k), ledger: s.ledger, members: s.members, resource: &row{
				typ: subscriptionType, container: &containerFacts{above: []string{yearGroup}}}}
			copied.subs.Put(copied.seq, copied.names.subs.fold(c.id), &c)
		}
		return true
	})
	return copied
}

// write makes the estate and lets a year pass.
func (y *benchYear) write(ctx context.Context) error {
	y.now = y.past.log.newPast(y.e.View().shape, pastScope{whole: true})
	seq := uint64(0)
	rows := rowsOf(y.e.View())
	for n := 0; len(y.live) < benchSize(); n++ {
		l := y.log(&seq, y.start)
		for _, r := range rows {
			if len(y.live) < benchSize() {
				y.bear(l, r, n)
			}
			if l.w != nil && l.w.rows.Entries == maxBatch {
				l.flush()
			}
		}
		if err := y.put(ctx, [][]store.Moves{l.finish()}, y.start); err != nil {
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

func (y *benchYear) log(seq *uint64, at time.Time) *moveLog {
	*seq++
	return &moveLog{tenant: y.past.tenant, seq: *seq, at: at}
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
		all = append(all, l.finish())
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
			y.past.log.loose.Add(int64(len(rows)))
		}
		return nil
	})
	if err != nil || int(y.past.log.loose.Load()) < defaultSealing.rows {
		return err
	}
	return y.past.log.seal(ctx)
}

func (y *benchYear) bear(l *moveLog, r *row, copied int) {
	a := &actor{row: r, handle: y.next, home: y.e.names.home(r)}
	y.next++
	a.home.container = elsewhere(a.home.container, copied)
	if r.typ == subscriptionType && copied%3 == 0 {
		a.home.container += "\x00" + yearGroup
	}
	a.home.tags = strings.Replace(a.home.tags, "app-", fmt.Sprintf("app-%d-", copied), 1)
	y.live = append(y.live, a)
	y.note(l, &moved{handle: a.handle, stance: y.stance(a), moved: true, born: true, home: a.home})
}

// elsewhere moves a container to another subscription.
func elsewhere(container string, copied int) string {
	const prefix = "/subscriptions/"
	if copied == 0 || !strings.HasPrefix(container, prefix) {
		return container
	}
	return fmt.Sprintf("%s%08x%s", prefix, copied, container[len(prefix)+8:])
}

func (y *benchYear) stance(a *actor) stance {
	sh := y.e.View().shape
	st := make([]standing, len(sh.controls))
	sh.standings(a.row, st)
	return stanceOf(a.row, st).renumbered(y.past.log.numbers)
}

func (y *benchYear) note(l *moveLog, m *moved) {
	l.note(m)
	var h held
	if m.stance != nowhere {
		h.class = y.now.class(m.stance)
	}
	if m.moved {
		h.container, h.tags = y.now.contained([]byte(m.home.container)), y.now.tagged([]byte(m.home.tags))
	}
	y.now.set(m.handle, h, m.moved)
}

// change flips one assessment of each resource; one of a hundred gets other tags
// instead, and one goes and another comes.
func (y *benchYear) change(l *moveLog, touched []int) {
	born := 0
	for _, n := range touched { // by ascending handle
		a := y.live[n]
		if a.row == nil {
			continue
		}
		m := &moved{handle: a.handle}
		switch y.rnd.IntN(100) {
		case 0:
			a.home.tags = y.some().home.tags
			m.moved, m.home, m.stance = true, a.home, y.stance(a)
		case 1:
			m.flips, m.stance, m.id = packFlips(nil, diff(nil, a.row, nil, ResourceChanged)), nowhere, a.row.id
			a.row = nil
			born++
		default:
			var f flip
			a.row, f = y.flip(a.row)
			m.flips, m.stance = packFlips(nil, []flip{f}), y.stance(a)
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

// flip turns a counted assessment round, healthy to unhealthy or back.
func (y *benchYear) flip(r *row) (*row, flip) {
	sh := y.e.View().shape
	fresh := *r
	fresh.cells = slices.Clone(r.cells)
	for range 20 {
		if len(fresh.cells) == 0 {
			break
		}
		c := &fresh.cells[y.rnd.IntN(len(fresh.cells))]
		if sh.control(c.slot) == uncounted || c.state != Healthy && c.state != Unhealthy {
			continue
		}
		f := flip{r.handle, c.slot, c.state, Healthy + Unhealthy - c.state, ResourceChanged}
		c.state = f.to
		return &fresh, f
	}
	return r, flip{}
}

// scoreRows are those of the estate and of one subscription after a transaction.
func (y *benchYear) scoreRows(seq uint64, at time.Time) []store.ScoreRow {
	n := y.now.subscription([]byte(arm.Fold(y.sub)))
	all := pool{tallies: make([]tally, len(y.now.shape.controls))}
	for _, l := range y.now.pools {
		all.merge(l)
	}
	one := pool{tallies: slices.Clone(y.now.pools[n].tallies)}
	w := &scoreWriter{now: &View{seq: seq, at: at, shape: y.now.shape}}
	w.scope("", y.was[0].tallies, all.tallies, y.now.score())
	w.scope(y.sub, y.was[1].tallies, one.tallies, poolScore(y.now.shape.controls, one.tallies, 0))
	y.was = [2]pool{all, one}
	return w.rows
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
func (y *benchYear) scopes() map[string]Scope {
	group := ""
	rows := rowsOf(y.e.View())
	for _, h := range slices.Sorted(maps.Keys(rows)) {
		if _, group = containersOf(rows[h].id); group != "" {
			break
		}
	}
	return map[string]Scope{
		"estate": {}, "subscription": {ID: y.sub}, "group": {ID: elsewhere(arm.Fold(group), min(7, benchSize()/yearDocuments-1))},
		"managementGroup": {ID: managementGroups + yearGroup}, "tagLarge": {Tag: "environment", TagValue: "production"},
		"tagSmall": {Tag: "application", TagValue: strings.Replace(y.smallTag(), "app-", "app-0-", 1)}, "tagAny": {Tag: "owner"},
	}
}

func (y *benchYear) smallTag() string {
	value := ""
	for _, r := range rowsOf(y.e.View()) {
		if v, ok := r.tag("application"); ok && (value == "" || v < value) {
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
				_, err := y.past.History().Scores(b.Context(), HistoryQuery{Scope: scope, From: y.start, To: y.end})
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
		p := y.past.log.newPast(y.e.View().shape, pastScope{whole: true})
		defer p.reset()
		if err := y.past.log.travel(b.Context(), p, trip{times: []time.Time{endOfTime}, at: func(int) {}}); err != nil {
			return err
		}
		for n := range p.blocks {
			if _, err := p.frameBlock(n); err != nil {
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
