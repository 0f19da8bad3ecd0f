package judge

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/inventory"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/collect/simulate"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/plan"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// The benchmarks run over a simulated estate of RAMPART_BENCH_RESOURCES
// documents (default 20,000), seed 1. With RAMPART_BENCH_DIR the store is kept
// there, so that a million documents are imported once.

type benchEstate struct {
	dir   string
	db    *store.DB
	inv   *inventory.Inventory
	lib   *content.Library
	judge *Judge
	E     *Estate
	took  time.Duration // first load of the posture from the store
}

var benchOnce = sync.OnceValues(newBenchEstate)

func benchSize() int {
	if n, err := strconv.Atoi(os.Getenv("RAMPART_BENCH_RESOURCES")); err == nil {
		return n
	}
	return 20_000
}

func Bench(b *testing.B) *benchEstate {
	b.Helper()
	be, err := benchOnce()
	if err != nil {
		b.Fatal(err)
	}
	return be
}

func newBenchEstate() (*benchEstate, error) {
	return openBenchEstate(fmt.Sprintf("%d.db", benchSize()), benchSize())
}

// openBenchEstate opens the estate in a file, or makes it of some documents.
func openBenchEstate(name string, documents int) (*benchEstate, error) {
	ctx := context.Background()
	dir := os.Getenv("RAMPART_BENCH_DIR")
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "rampart-bench"); err != nil {
			return nil, err
		}
	}
	be := &benchEstate{dir: dir}
	var err error
	if be.lib, err = content.Load(); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, name)
	_, missing := os.Stat(path)
	if be.db, err = store.Open(ctx, store.Options{URL: "sqlite:" + path}); err != nil {
		return nil, err
	}
	be.inv = inventory.New(inventory.Options{Store: be.db})
	if missing != nil {
		if err := be.fill(ctx, documents); err != nil {
			return nil, err
		}
	}
	start := time.Now()
	err = be.load(ctx)
	be.took = time.Since(start)
	return be, err
}

func (be *benchEstate) fill(ctx context.Context, documents int) error {
	gen, err := simulate.New(simulate.Options{Resources: documents, Seed: 1, Library: be.lib, Now: time.Now()})
	if err != nil {
		return err
	}
	var batch []wire.Document
	for {
		doc, ok := gen.Next()
		if ok {
			batch = append(batch, doc)
		}
		if len(batch) == 5000 || !ok && len(batch) > 0 {
			if _, err := be.inv.Put(ctx, "", batch); err != nil {
				return err
			}
			batch = nil
		}
		if !ok {
			return nil
		}
	}
}

func (be *benchEstate) load(ctx context.Context) error {
	judge, err := New(Options{Store: be.db, Inventory: be.inv, Library: be.lib, StaleAfter: 10000 * time.Hour, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		return err
	}
	if err := judge.step(ctx); err != nil {
		return err
	}
	be.judge, be.E = judge, judge.Estate("")
	return judge.settle(ctx)
}

// BenchmarkFollow judges an import on a running judge: RAMPART_BENCH_RESOURCES
// documents that came while it followed an empty store.
func BenchmarkFollow(b *testing.B) {
	lib, err := content.Load()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		b.StopTimer()
		db, err := store.Open(b.Context(), store.Options{URL: "sqlite:" + filepath.Join(b.TempDir(), "follow.db")})
		if err != nil {
			b.Fatal(err)
		}
		be := &benchEstate{db: db, inv: inventory.New(inventory.Options{Store: db}), lib: lib}
		if err := be.load(b.Context()); err != nil {
			b.Fatal(err)
		}
		if err := be.fill(b.Context(), benchSize()); err != nil {
			b.Fatal(err)
		}
		cpu := cpuSeconds()
		b.StartTimer()
		if err := be.judge.step(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(cpuSeconds()-cpu, "cpu-s")
	}
}

// cpuSeconds is the processor time that this process has used; 0 where that
// cannot be told.
func cpuSeconds() float64 {
	data, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
	user, _ := strconv.ParseFloat(fields[11], 64)
	system, _ := strconv.ParseFloat(fields[12], 64)
	return (user + system) / 100
}

// rss is the resident set of this process in bytes, 0 where it cannot be read.
func rss() float64 {
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(data)) {
		if kb, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, _ := strconv.ParseFloat(strings.Fields(kb)[0], 64)
			return n * 1024
		}
	}
	return 0
}

func BenchmarkLoad(b *testing.B) {
	be := Bench(b)
	for b.Loop() {
		if err := be.load(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(be.took.Seconds(), "first-load-s")
	b.ReportMetric(float64(be.E.View().Resources()), "resources")
	runtime.GC()
	debug.FreeOSMemory()
	b.ReportMetric(rss()/(1<<20), "RSS-MB")
}

func BenchmarkScoreEstate(b *testing.B) {
	be := Bench(b)
	v := be.E.View()
	for b.Loop() {
		v.Cache = index.NewCache()
		v.Score(index.Scope{})
	}
	b.ReportMetric(be.took.Seconds(), "first-load-s")
	b.ReportMetric(rss()/(1<<20), "RSS-MB")
}

func BenchmarkScoreSubscription(b *testing.B) {
	v := Bench(b).E.View()
	id := largestSubscription(v)
	for b.Loop() {
		v.Score(index.Scope{ID: id})
	}
}

func BenchmarkScoreTag(b *testing.B) {
	v := Bench(b).E.View()
	name, value := largestTag(v)
	b.ReportMetric(float64(v.Tags.Find(name, value).GetCardinality()), "tagged")
	for b.Loop() {
		v.Score(index.Scope{Tag: name, TagValue: value})
	}
}

func largestSubscription(v *index.View) string {
	best, most := "", 0
	v.Subs.Each(func(n uint32, s *index.Subscription) bool {
		if n != record.NoSubscription && s.Totals.Rows > most {
			best, most = s.ID, s.Totals.Rows
		}
		return true
	})
	return best
}

func largestTag(v *index.View) (name, value string) {
	var most uint64
	seen := map[string]bool{}
	v.Rows.Each(func(h uint32, r *record.Row) bool {
		r.EachTag(func(n, val string) {
			if seen[n+"="+val] {
				return
			}
			seen[n+"="+val] = true
			if c := v.Tags.Find(n, val).GetCardinality(); c > most {
				name, value, most = n, val, c
			}
		})
		return len(seen) < 1000
	})
	return name, value
}

// BenchmarkPages reads pages of 100 while changes go on, and reports the 95th
// and 99th percentile.
func BenchmarkPages(b *testing.B) {
	be := Bench(b)
	v := be.E.View()
	sub := largestSubscription(v)
	tag, value := largestTag(v)
	for _, tc := range []struct {
		name string
		read func(*index.View) error
	}{
		{"recommendations-estate", func(v *index.View) error { _, err := v.Recommendations(index.RecommendationQuery{}); return err }},
		{"recommendations-tag", func(v *index.View) error {
			_, err := v.Recommendations(index.RecommendationQuery{Scope: index.Scope{Tag: tag, TagValue: value}, Severity: []content.Severity{content.High}})
			return err
		}},
		{"assessments-subscription", func(v *index.View) error {
			_, err := v.Assessments(index.AssessmentQuery{Scope: index.Scope{ID: sub}, State: []record.State{record.Unhealthy}})
			return err
		}},
		{"assessments-estate", func(v *index.View) error { _, err := v.Assessments(index.AssessmentQuery{}); return err }},
		{"inventory-estate", func(v *index.View) error { _, err := v.Inventory(index.InventoryQuery{}); return err }},
		{"inventory-by-name", func(v *index.View) error {
			_, err := v.Inventory(index.InventoryQuery{Scope: index.Scope{ID: sub}, Sort: "name"})
			return err
		}},
		{"inventory-text", func(v *index.View) error { _, err := v.Inventory(index.InventoryQuery{Text: "prod 77"}); return err }},
	} {
		b.Run(tc.name, func(b *testing.B) {
			stop := be.disturb(b)
			defer stop()
			var took []time.Duration
			for b.Loop() {
				start := time.Now()
				if err := tc.read(be.E.View()); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(start))
			}
			percentiles(b, took)
		})
	}
}

func percentiles(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	b.ReportMetric(took[len(took)*95/100].Seconds()*1000, "p95-ms")
	b.ReportMetric(took[len(took)*99/100].Seconds()*1000, "p99-ms")
}

// disturb changes one resource twenty times a second until it is stopped.
func (be *benchEstate) disturb(b *testing.B) (stop func()) {
	ctx, cancel := context.WithCancel(b.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			if err := be.change(ctx, i); err != nil && ctx.Err() == nil {
				b.Error(err)
				return
			}
			select {
			case <-ctx.Done():
			case <-time.After(50 * time.Millisecond):
			}
		}
	})
	return func() { cancel(); wg.Wait() }
}

// change changes one storage account and lets the judge catch up.
func (be *benchEstate) change(ctx context.Context, i int) error {
	id := BenchAccount(i % 100)
	body := fmt.Sprintf(`{"id":%q,"type":%q,"location":"westeurope","tags":{"env":"prod"},"properties":{"supportsHttpsTrafficOnly":%v}}`, id, StorageType, i%2 == 0)
	_, err := be.inv.Put(ctx, "", []wire.Document{{ID: id, Type: StorageType, Source: "bench", ObservedAt: time.Now(), Body: json.RawMessage(body)}})
	if err != nil {
		return err
	}
	return be.judge.step(ctx)
}

func BenchAccount(i int) string {
	return fmt.Sprintf("%s/resourceGroups/bench/providers/%s/bench%d", TestSub, StorageType, i)
}

// BenchmarkChangeToScore is one resource change from the put to the new view.
func BenchmarkChangeToScore(b *testing.B) {
	be := Bench(b)
	var took []time.Duration
	for i := 0; b.Loop(); i++ {
		start := time.Now()
		seq := be.E.View().Seq()
		if err := be.change(b.Context(), i); err != nil {
			b.Fatal(err)
		}
		be.E.View().Score(index.Scope{})
		if be.E.View().Seq() == seq {
			b.Fatal("nothing changed")
		}
		took = append(took, time.Since(start))
	}
	percentiles(b, took)
}

// BenchmarkPolicyEdit is an edit of policies from the put to the new view: of
// exemptions, of one subscription's assignment of the built-in initiative, and
// of policies of one's own, over the largest subscription and over everything.
func BenchmarkPolicyEdit(b *testing.B) {
	be := Bench(b)
	sub := largestSubscription(be.E.View())
	const authorization = "/providers/Microsoft.Authorization/"
	builtIn := sub + authorization + "policyAssignments/" + plan.BuiltInAssignment
	member := commonMember(be.E.View())
	rule := func(condition string, args ...any) any {
		return map[string]any{"mode": "All", "policyRule": map[string]any{
			"if":   json.RawMessage(fmt.Sprintf(condition, args...)),
			"then": map[string]string{"effect": "audit"}}}
	}
	for _, tc := range []struct {
		name, kind, id string
		properties     func(i int) any
	}{
		{"exempt-subscription", "policyExemption", sub + authorization + "policyExemptions/bench", func(i int) any {
			p := map[string]any{"policyAssignmentId": builtIn, "exemptionCategory": "Waiver", "displayName": fmt.Sprint(i)}
			if i%2 == 1 {
				p["policyDefinitionReferenceIds"] = []string{"none"}
			}
			return p
		}},
		{"member-off-subscription", "policyAssignment", builtIn, func(i int) any {
			p := map[string]any{"policyDefinitionId": plan.BuiltInInitiative, "scope": sub, "parameters": map[string]any{}}
			if i%2 == 0 {
				p["parameters"] = map[string]any{member: map[string]any{"value": "Disabled"}}
			}
			return p
		}},
		{"own-accounts", "policyDefinition", authorization + "policyDefinitions/bench-accounts", func(i int) any {
			return rule(`{"allOf":[{"field":"type","equals":"Microsoft.Storage/storageAccounts"},{"field":"location","notEquals":"bench%d"}]}`, i%2)
		}},
		{"own-new-path", "policyDefinition", authorization + "policyDefinitions/bench-path", func(i int) any {
			return rule(`{"field":"tags['bench%d']","exists":"false"}`, time.Now().UnixNano())
		}},
		{"own-everything", "policyDefinition", authorization + "policyDefinitions/bench-all", func(i int) any {
			return rule(`{"field":"location","like":"*e%d"}`, i%2)
		}},
		{"own-all-flip", "policyDefinition", authorization + "policyDefinitions/bench-flip", func(i int) any {
			return rule(`{"field":"type","exists":"%v"}`, i%2 == 0)
		}},
		{"exempt-everything", "policyExemption", authorization + "policyExemptions/bench", func(i int) any {
			p := map[string]any{"policyAssignmentId": authorization + "policyAssignments/own-all-flip", "exemptionCategory": "Waiver", "displayName": fmt.Sprint(i)}
			if i%2 == 1 {
				p["expiresOn"] = "2020-01-01T00:00:00Z"
			}
			return p
		}},
	} {
		b.Run(tc.name, func(b *testing.B) {
			put := func(kind, id string, properties any) {
				err := be.db.Update(b.Context(), func(tx *store.Tx) error {
					body := mustJSON(b, map[string]any{"id": id, "name": id[strings.LastIndexByte(id, '/')+1:], "properties": properties})
					_, err := tx.PutObject(b.Context(), store.Object{Kind: kind, ID: id, Body: body}, "")
					return err
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			if tc.kind == "policyDefinition" {
				put("policyAssignment", authorization+"policyAssignments/"+tc.name, map[string]any{"policyDefinitionId": tc.id, "scope": "/"})
			}
			put(tc.kind, tc.id, tc.properties(1)) // whatever an earlier run left
			if err := be.judge.step(b.Context()); err != nil {
				b.Fatal(err)
			}
			var took []time.Duration
			for i := 0; b.Loop(); i++ {
				start, seq := time.Now(), be.E.View().Seq()
				put(tc.kind, tc.id, tc.properties(i))
				stepped := make(chan error, 1)
				go func() { stepped <- be.judge.step(b.Context()) }() // with what is written behind
				for be.E.View().Seq() == seq && len(stepped) == 0 {
					time.Sleep(time.Millisecond)
				}
				be.E.View().Score(index.Scope{})
				took = append(took, time.Since(start))
				if err := <-stepped; err != nil || be.E.View().Seq() == seq {
					b.Fatalf("the edit made no view (%v)", err)
				}
			}
			percentiles(b, took)
			if len(be.E.Problems()) > 0 {
				b.Fatal(be.E.Problems())
			}
		})
	}
}

// commonMember is the effect parameter of a scored recommendation that many
// resources have.
func commonMember(v *index.View) string {
	best, most := "", int32(0)
	for slot, r := range v.Schema().Slots {
		if r == nil || !r.Counted || r.Content == nil {
			continue
		}
		if n := v.Total.Of(uint16(slot)).ByState[record.Unhealthy]; n > most {
			best, most = r.Content.Name+"-effect", n
		}
	}
	return best
}
