package web

import (
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestLivePage opens a page with the bundled scripts, lets the number on it
// change on the server and waits for the page to follow without being loaded
// again; paused, it must not.
func TestLivePage(t *testing.T) {
	files, err := fs.Sub(embedded, "assets")
	if err != nil {
		t.Fatal(err)
	}
	a, err := loadAssets(files)
	if err != nil {
		t.Fatal(err)
	}
	if !a.live() {
		t.Skip("the live scripts are not bundled; make build does that where there is npm")
	}
	ctx := newBrowser(t)
	s := fixtureServerOf(t)
	s.assets = a
	var open atomic.Int64
	epochs := make(chan int)
	mux := http.NewServeMux()
	mux.Handle("GET /assets/", s.assets)
	mux.Handle("GET /favicon.ico", http.RedirectHandler(s.assets.names["icon.svg"], http.StatusFound))
	mux.HandleFunc("GET /events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		out := http.NewResponseController(w)
		for _ = out.Flush(); ; _ = out.Flush() {
			select {
			case <-r.Context().Done():
				return
			case n := <-epochs:
				fmt.Fprint(w, epochEvent(uint64(n)))
			}
		}
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		p := fixturePages(t, s)["/"]
		page := p.data.(*overviewPage)
		page.Open = int(open.Load())
		page.At = fixtureNow.Add(time.Duration(page.Open) * time.Second)
		page.Live, page.Parts = true, []string{"nav", "status", "headline", "score", "needs"}
		for _, name := range liveScripts {
			page.Scripts = append(page.Scripts, s.assets.names[name])
		}
		s.render(w, r, p)
	})
	server := httptest.NewServer(guard(mux))
	defer server.Close()
	defer server.CloseClientConnections() // the open stream would hold Close up
	heard := &complaints{}
	heard.listen(ctx)
	shows := func(what string) {
		t.Helper()
		_, err := chromedp.Run(ctx, chromedp.Poll[bool](what, chromedp.WithPollingTimeout(20*time.Second)))
		if err != nil {
			t.Fatalf("page never had %s: %v", what, err)
		}
	}
	open.Store(41)
	if err := chromedp.Do(ctx, looks[0].apply(), chromedp.Navigate(server.URL+"/")); err != nil {
		t.Fatal(err)
	}
	shows(`document.querySelector("#live-text").textContent === "Live"`)
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`window.notLoadedAgain = true`)); err != nil {
		t.Fatal(err)
	}
	open.Store(42)
	epochs <- 2
	shows(`document.querySelector("#needs").textContent.includes("All 42 open") && window.notLoadedAgain`)

	if err := chromedp.Do(ctx, chromedp.Click(chromedp.CSS("#live-pause"))); err != nil {
		t.Fatal(err)
	}
	open.Store(43)
	epochs <- 3
	shows(`document.querySelector("#live-text").textContent.includes("changes are waiting")`)
	still, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.querySelector("#needs").textContent`))
	if err != nil || !strings.Contains(still, "All 42 open") {
		t.Errorf("a paused page changed (%v): %s", err, still)
	}
	if err := chromedp.Do(ctx, chromedp.Click(chromedp.CSS("#live-pause"))); err != nil {
		t.Fatal(err)
	}
	shows(`document.querySelector("#needs").textContent.includes("All 43 open") && window.notLoadedAgain`)

	// What somebody has typed stays, also when they look elsewhere meanwhile.
	const typed = `(() => { const i = document.createElement("input"); i.id = "typed"; document.querySelector("#needs .body").append(i); i.value = "half a sentence"; return true; })()`
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](typed)); err != nil {
		t.Fatal(err)
	}
	open.Store(44)
	epochs <- 4
	shows(`document.querySelector("#status").textContent.includes("08:14:44")`)
	kept, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`document.querySelector("#typed")?.value === "half a sentence"`))
	if err != nil || !kept {
		t.Errorf("a refresh took away what was typed (%v)", err)
	}
	for _, c := range heard.take() {
		t.Errorf("browser: %s", c)
	}
}

// TestLivePageWithoutScript reads the page as a browser without script does: it
// can be loaded again, and promises no live numbers.
func TestLivePageWithoutScript(t *testing.T) {
	s := fixtureServerOf(t)
	p := fixturePages(t, s)["/"]
	p.data.(*overviewPage).Live = true
	w := httptest.NewRecorder()
	s.render(w, httptest.NewRequest(http.MethodGet, "/", nil), p)
	for _, want := range []string{`<a href="/" data-noscript>Refresh</a>`, `role="status" data-script hidden>Connecting<`} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("the page lacks %s", want)
		}
	}
}
