package app

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"maps"
	"net/http"
	"os"
	"path"
	"regexp"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/collect/simulate"
	"github.com/rampart-sec/rampart/internal/face/api"
	"github.com/rampart-sec/rampart/internal/face/client"
	"github.com/rampart-sec/rampart/internal/face/web"
	"github.com/rampart-sec/rampart/internal/posture/index"
)

const (
	benchChanges = 100 // a second, in ten batches
	benchFetches = 40  // of every address, less if that takes longer than benchTime
	benchSame    = 2   // addresses of one route
	benchTime    = 90 * time.Second
)

// BenchmarkPages fetches every page of the dashboard and every list of the API
// from a running server while resources change, and prints what the server took,
// the slowest first. Addresses are found by walking: the routes that the server
// has, filled from links in pages and ids in lists, so a new page is measured
// without a word here. Of downloads the first byte counts.
//
// RAMPART_BENCH_DATA is the folder of a server that was stopped (it is changed);
// without it RAMPART_BENCH_RESOURCES (10,000) are simulated. RAMPART_BENCH_PROFILE
// is a file for a CPU profile of the fetches.
func BenchmarkPages(b *testing.B) {
	a, v := benchServer(b)
	ctx, cancel := context.WithCancel(b.Context())
	changed := make(chan int)
	go func() { changed <- feedChanges(ctx, v) }()
	w := &walk{visitor: v, addresses: map[string][]string{}, seen: map[string]bool{}}
	w.pages()
	w.lists()
	if name := os.Getenv("RAMPART_BENCH_PROFILE"); name != "" {
		f, err := os.Create(name)
		must(b, err)
		must(b, pprof.StartCPUProfile(f))
		defer pprof.StopCPUProfile()
	}
	b.ResetTimer()
	began := time.Now()
	rows := w.measure()
	took := time.Since(began)
	cancel()
	n := <-changed
	b.Logf("%d resources; %d changes a second", a.judge.Estate(store.DefaultTenant).View().Resources(), int(float64(n)/took.Seconds()))
	var out strings.Builder
	for _, r := range rows {
		fmt.Fprintf(&out, "%9.1f %9.1f  %s\n", r.p50, r.p95, r.route)
	}
	fmt.Printf("   p50 ms    p95 ms  route\n%s", out.String()) // a log is cut short
	b.ReportMetric(rows[0].p95, "worst-p95-ms")
	fmt.Println("not reached:", w.unfilled())
}

func benchServer(b *testing.B) (*App, *visitor) {
	data := os.Getenv("RAMPART_BENCH_DATA")
	n, err := strconv.Atoi(cmp.Or(os.Getenv("RAMPART_BENCH_RESOURCES"), "10000"))
	must(b, err)
	began := time.Now()
	a := start(b, Config{Data: data})
	v := visit(b, a)
	b.Logf("started in %v", time.Since(began).Round(time.Millisecond))
	if data == "" {
		v.load(simulated(b, n))
		v.subscriptions()
	}
	waitFor(b, a, "a judged estate", func(s snapshot) bool { return s.assessed > 0 && (data != "" || s.resources >= n) })
	return a, v
}

// feedChanges imports resources that changed until ctx ends.
func feedChanges(ctx context.Context, v *visitor) (n int) {
	c, err := client.Dial(ctx, v.boot, "")
	must(v.t, err)
	g, err := simulate.New(simulate.Options{Resources: 5000, Seed: 7})
	must(v.t, err)
	var lines [][]byte
	for doc, ok := g.Next(); ok; doc, ok = g.Next() {
		lines = append(lines, simulate.AppendLine(nil, doc))
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for round := 0; ; round++ {
		select {
		case <-ctx.Done():
			return n
		case <-tick.C:
		}
		var some []byte
		for range benchChanges / 10 {
			line := lines[n%len(lines)]
			n++
			for _, flag := range []string{"supportsHttpsTrafficOnly", "enableSoftDelete", "httpsOnly"} {
				line = turn(line, flag, round%2 == 0)
			}
			some = append(some, bytes.Replace(line, []byte(`"tags":{`), fmt.Appendf(nil, `"tags":{"bench":"%d",`, round), 1)...)
		}
		if _, err := c.Import(ctx, bytes.NewReader(some), client.Place{}); err != nil && ctx.Err() == nil {
			v.t.Errorf("change resources: %v", err)
			return n
		}
	}
}

func turn(line []byte, flag string, on bool) []byte {
	was := fmt.Appendf(nil, `"%s":%v`, flag, !on)
	return bytes.ReplaceAll(line, was, fmt.Appendf(nil, `"%s":%v`, flag, on))
}

// walk finds addresses by route.
type walk struct {
	*visitor
	addresses map[string][]string // by route
	seen      map[string]bool
	queue     []string
}

// pattern is a route of the dashboard as an expression for paths.
func pattern(route string) *regexp.Regexp {
	text := regexp.QuoteMeta(route)
	text = strings.ReplaceAll(text, regexp.QuoteMeta("{$}"), "")
	return regexp.MustCompile("^" + regexp.MustCompile(`\\\{[a-z]+\\\}`).ReplaceAllString(text, "[^/]+") + "$")
}

// pages finds addresses of the dashboard by its links.
func (w *walk) pages() {
	routes := map[string]*regexp.Regexp{}
	for _, r := range web.Routes() {
		if !strings.Contains(r, "...") {
			routes[r] = pattern(r)
		}
	}
	w.queue = append(w.queue, "/")
	for _, r := range web.Routes() {
		if !strings.Contains(r, "{") {
			w.queue = append(w.queue, r)
		}
	}
	for len(w.queue) > 0 {
		address := w.queue[0]
		w.queue = w.queue[1:]
		if w.seen[address] {
			continue
		}
		w.seen[address] = true
		p, _, _ := strings.Cut(address, "?")
		for route, re := range routes {
			if !re.MatchString(p) || len(w.addresses[route]) >= benchSame {
				continue
			}
			status, body := w.get(address)
			if status != http.StatusOK {
				continue
			}
			w.addresses[route] = append(w.addresses[route], address)
			for _, m := range hrefs.FindAllSubmatch(body, -1) {
				link, _, _ := strings.Cut(html.UnescapeString(string(m[1])), "#")
				w.queue = append(w.queue, link)
			}
		}
	}
}

func (w *walk) get(address string) (int, []byte) {
	w.t.Helper()
	resp, err := w.web.Get(w.app.Status().Dashboard + address)
	must(w.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 8<<20))
	must(w.t, err)
	return resp.StatusCode, body
}

// lists finds addresses of the API: lists by what is known of the estate, then what
// is in them by their ids.
func (w *walk) lists() {
	view := w.app.judge.Estate(store.DefaultTenant).View()
	sub := largest(view.Subscriptions())
	known := map[string]string{"{scope}": sub, "{subscription}": path.Base(sub), "{namespace}": "Microsoft.Security"}
	rows, err := view.Inventory(index.InventoryQuery{Scope: index.Scope{ID: sub}, Limit: 50})
	must(w.t, err)
	for _, r := range rows.Rows {
		if _, rest, ok := strings.Cut(strings.ToLower(r.ID), "/resourcegroups/"); ok {
			known["{group}"], _, _ = strings.Cut(rest, "/")
			known["{rest}"] = r.ID
		}
	}
	for _, route := range api.Lists() {
		address := route
		for name, value := range known {
			address = strings.ReplaceAll(address, name, value)
		}
		if strings.Contains(route, ".well-known") || strings.Contains(address, "{") && !w.fill(&address, route) {
			continue
		}
		if status, body := w.ask(address); status == http.StatusOK {
			w.addresses["API "+route] = append(w.addresses["API "+route], address)
			w.remember(route, body)
		}
	}
}

// fill replaces the last variable of an address by the first name in the list that
// it is an item of.
func (w *walk) fill(address *string, route string) bool {
	list := route[:strings.LastIndex(route, "/{")]
	for _, a := range w.addresses["API item "+list] {
		*address = a
		return true
	}
	return false
}

// remember notes the first item of a list.
func (w *walk) remember(route string, body []byte) {
	var answer struct {
		Value []struct{ ID string }
	}
	if json.Unmarshal(body, &answer) == nil && len(answer.Value) > 0 && strings.HasPrefix(answer.Value[0].ID, "/") {
		w.addresses["API item "+route] = []string{answer.Value[0].ID}
	}
}

func largest(subs []index.SubscriptionScore) (id string) {
	most := -1
	for _, s := range subs {
		if s.Score.Weight > most {
			id, most = s.ID, s.Score.Weight
		}
	}
	return id
}

func (w *walk) ask(address string) (int, []byte) {
	w.t.Helper()
	if !strings.Contains(address, "api-version=") {
		address += "?api-version=2021-06-01"
	}
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.boot.URL+address, nil)
	must(w.t, err)
	req.Header.Set("Authorization", "Bearer "+w.token)
	resp, err := w.web.Do(req)
	must(w.t, err)
	defer resp.Body.Close()
	if strings.Contains(address, "/export/") {
		_, err := io.ReadFull(resp.Body, make([]byte, 1))
		must(w.t, err)
		return resp.StatusCode, nil
	}
	body, err := io.ReadAll(resp.Body)
	must(w.t, err)
	return resp.StatusCode, body
}

// first reads the first byte of a download.
func (w *walk) first(address string) {
	resp, err := w.web.Get(w.app.Status().Dashboard + address)
	must(w.t, err)
	defer resp.Body.Close()
	_, _ = io.ReadFull(resp.Body, make([]byte, 1))
}

type pageTime struct {
	route    string
	p50, p95 float64 // ms
}

// measure fetches everything that was found in turns, the slowest route first.
func (w *walk) measure() []pageTime {
	times, end := map[string][]float64{}, time.Now().Add(benchTime)
	for n := 0; n < benchFetches && (n < 5 || time.Now().Before(end)); n++ {
		for route, addresses := range w.addresses {
			if strings.HasPrefix(route, "API item ") {
				continue
			}
			for _, address := range addresses {
				began := time.Now()
				switch {
				case strings.HasPrefix(route, "API "):
					w.ask(address)
				case path.Ext(route) != "":
					w.first(address)
				default:
					w.get(address)
				}
				times[route] = append(times[route], time.Since(began).Seconds()*1000)
			}
		}
	}
	var rows []pageTime
	for route, all := range times {
		slices.Sort(all)
		rows = append(rows, pageTime{route, all[len(all)/2], all[len(all)*95/100]})
	}
	slices.SortFunc(rows, func(a, b pageTime) int { return cmp.Compare(b.p95, a.p95) })
	return rows
}

// unfilled are the routes that no address was found for.
func (w *walk) unfilled() []string {
	missing := map[string]bool{}
	for _, r := range web.Routes() {
		if !strings.Contains(r, "...") {
			missing[r] = len(w.addresses[r]) == 0
		}
	}
	for _, r := range api.Lists() {
		missing["API "+r] = len(w.addresses["API "+r]) == 0
	}
	maps.DeleteFunc(missing, func(_ string, is bool) bool { return !is })
	return slices.Sorted(maps.Keys(missing))
}
