package web

import (
	"context"
	"flag"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

var shots = flag.String("shots", "", "folder for a screenshot of every page in every look")

// newBrowser starts Chromium, or skips the test where there is none.
func newBrowser(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium in PATH: the pages are not opened in a browser")
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU)
	allocator, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Skipf("chromium does not start here: %v", err)
	}
	ctx, done := context.WithTimeout(ctx, 5*time.Minute)
	t.Cleanup(done)
	return ctx
}

// complaints collects what the browser writes to its console and log: script
// errors, refusals by the content security policy, failed requests.
type complaints struct {
	mu   sync.Mutex
	text []string
}

func (c *complaints) listen(ctx context.Context) {
	messages := chromedp.Console(ctx)
	go func() {
		for m, err := range messages {
			if err != nil {
				return // the browser has ended, and with it the test
			}
			c.mu.Lock()
			c.text = append(c.text, m.String())
			c.mu.Unlock()
		}
	}()
}

func (c *complaints) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := c.text
	c.text = nil
	return taken
}

// look is one way in which a page is opened.
type look struct {
	name          string
	width, height int64
	dark          bool
}

var looks = []look{{"light-1280", 1280, 900, false}, {"dark-1280", 1280, 900, true}, {"light-390", 390, 844, false}, {"dark-390", 390, 844, true}, {"light-320", 320, 640, false}, {"dark-320", 320, 640, true}}

func (l look) apply() chromedp.Action[chromedp.Void] {
	scheme := "light"
	if l.dark {
		scheme = "dark"
	}
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}}
	return chromedp.Steps(chromedp.EmulateViewport(l.width, l.height), chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, media)
		return err
	}))
}

// layout is what a page tells of itself: how much wider than the window it is,
// its landmarks, and the contrast of its poorest text.
type layout struct {
	Over     int      `json:"over"`
	H1       int      `json:"h1"`
	Mains    int      `json:"mains"`
	Navs     int      `json:"navs"`
	Unnamed  []string `json:"unnamed"`  // controls and drawings without a name
	Unlabel  []string `json:"unlabel"`  // fields without a label
	Small    []string `json:"small"`    // targets below 24 px high outside of text
	Contrast []string `json:"contrast"` // text below 4.5:1
	Cut      []string `json:"cut"`      // tables and text wider than their card
}

const inspect = `(() => {
  const seen = (e) => { const r = e.getBoundingClientRect(); return r.width > 1 && r.height > 1 && e.checkVisibility({visibilityProperty: true}); };
  const name = (e) => (e.getAttribute("aria-label") || e.innerText || e.title || (e.querySelector("[aria-label]") || {getAttribute: () => ""}).getAttribute("aria-label") || "").trim();
  const say = (e) => e.outerHTML.slice(0, 120);
  const rgb = (s) => { const m = s.match(/[\d.]+/g).map(Number); if (s.startsWith("color(srgb")) { for (let i = 0; i < 3; i++) m[i] *= 255; } return [m[0], m[1], m[2], m.length > 3 ? m[3] : 1]; };
  const lum = (c) => { const f = c.slice(0, 3).map((v) => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; }); return .2126 * f[0] + .7152 * f[1] + .0722 * f[2]; };
  const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
  const ground = (e) => { const stack = []; for (let n = e; n; n = n.parentElement) { const c = rgb(getComputedStyle(n).backgroundColor); stack.push(c); if (c[3] === 1) break; } let c = [255, 255, 255, 1]; for (const s of stack.reverse()) c = over(s, c); return c; };
  const poor = [];
  for (const e of document.querySelectorAll("body *")) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || !seen(e) || e.closest("svg, .sr, thead")) continue;
    const g = ground(e), c = over(rgb(getComputedStyle(e).color), g), a = lum(c), b = lum(g);
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) poor.push(ratio.toFixed(2) + " " + say(e));
  }
  return {
    over: document.documentElement.scrollWidth - innerWidth,
    h1: document.querySelectorAll("h1").length, mains: document.querySelectorAll("main").length, navs: document.querySelectorAll("nav").length,
    unnamed: [...document.querySelectorAll("a, button, summary, svg[role=img]")].filter((e) => seen(e) && !name(e)).map(say),
    unlabel: [...document.querySelectorAll("input:not([type=hidden]), select, textarea")].filter((e) => !e.getAttribute("aria-label") && !e.labels.length).map(say),
    small: [...document.querySelectorAll("button, summary.btn, .btn, .chip, select, input:not([type=hidden], [type=checkbox], [type=radio])")].filter((e) => seen(e) && e.getBoundingClientRect().height < 24).map(say),
    contrast: poor.slice(0, 5),
    cut: [...[...document.querySelectorAll(".scroll")].filter((e) => seen(e) && e.scrollWidth > e.clientWidth + 1),
      ...[...document.querySelectorAll(".card *")].filter((e) => seen(e) && !e.closest("pre, svg, .sr, .scroll, .tag, .trendbox, .panel") && e.getBoundingClientRect().right > e.closest(".card").getBoundingClientRect().right + 1)].map(say).slice(0, 5),
  };
})()`

// TestPagesInBrowser opens every page of the fixture in every look.
func TestPagesInBrowser(t *testing.T) {
	ctx := newBrowser(t)
	s := fixtureServerOf(t)
	server := httptest.NewServer(fixtureHandler(t, s))
	defer server.Close()
	heard := &complaints{}
	heard.listen(ctx)
	for _, target := range slices.Sorted(maps.Keys(fixturePages(t, s))) {
		for _, l := range looks {
			t.Run(l.name+target, func(t *testing.T) {
				if err := chromedp.Do(ctx, l.apply(), chromedp.Navigate(server.URL+target)); err != nil {
					t.Fatal(err)
				}
				got, err := chromedp.Run(ctx, chromedp.Evaluate[layout](inspect))
				if err != nil {
					t.Fatal(err)
				}
				for _, c := range heard.take() {
					t.Errorf("browser: %s", c)
				}
				checkLayout(t, got)
				capture(t, ctx, l.name+target)
			})
		}
	}
}

func checkLayout(t *testing.T, got layout) {
	t.Helper()
	if got.Over > 0 {
		t.Errorf("page is %d px wider than the window", got.Over)
	}
	if got.H1 != 1 || got.Mains != 1 || got.Navs == 0 {
		t.Errorf("want one h1, one main and a nav, got %d, %d, %d", got.H1, got.Mains, got.Navs)
	}
	for what, list := range map[string][]string{"no name": got.Unnamed, "no label": got.Unlabel, "target too small": got.Small, "contrast": got.Contrast, "wider than its card": got.Cut} {
		for _, e := range list {
			t.Errorf("%s: %s", what, e)
		}
	}
}

// capture keeps a screenshot of the whole page when -shots names a folder.
func capture(t *testing.T, ctx context.Context, name string) {
	if *shots == "" {
		return
	}
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	file := strings.Trim(regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(name), "-"), "-")
	if err := os.WriteFile(filepath.Join(*shots, file+".png"), png, 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestKeyboard walks through a page by Tab: the skip link comes first, every
// stop is visible and shows its focus, and the order is that of the page.
func TestKeyboard(t *testing.T) {
	ctx := newBrowser(t)
	server := httptest.NewServer(fixtureHandler(t, fixtureServerOf(t)))
	defer server.Close()
	if err := chromedp.Do(ctx, looks[0].apply(), chromedp.Navigate(server.URL+"/recommendations?state=unhealthy")); err != nil {
		t.Fatal(err)
	}
	type stop struct {
		Text    string  `json:"text"`
		Outline string  `json:"outline"`
		Width   float64 `json:"width"`
		Later   bool    `json:"later"` // than the stop before, in the document
		Body    bool    `json:"body"`
	}
	const where = `(() => { const e = document.activeElement, last = window.lastStop; window.lastStop = e; const c = getComputedStyle(e);
	  return {text: (e.innerText || e.name || "").trim().slice(0, 40), outline: c.outlineStyle + c.outlineWidth + (e.closest(".chip") ? getComputedStyle(e.closest(".chip")).outlineStyle : ""),
	    width: e.getBoundingClientRect().width, later: !last || !!(last.compareDocumentPosition(e) & Node.DOCUMENT_POSITION_FOLLOWING), body: e === document.body}; })()`
	var stops []stop
	for range 60 {
		if err := chromedp.Do(ctx, chromedp.KeyEvent(kb.Tab)); err != nil {
			t.Fatal(err)
		}
		s, err := chromedp.Run(ctx, chromedp.Evaluate[stop](where))
		if err != nil {
			t.Fatal(err)
		}
		if s.Body {
			break
		}
		stops = append(stops, s)
	}
	if len(stops) < 20 || stops[0].Text != "Skip to content" {
		t.Fatalf("want the skip link first and the whole page behind it, got %d stops: %+v", len(stops), stops[:min(3, len(stops))])
	}
	for i, s := range stops {
		if !s.Later {
			t.Errorf("stop %d %q jumps back", i, s.Text)
		}
		if !strings.Contains(s.Outline, "solid") || s.Width < 1 {
			t.Errorf("stop %d %q does not show its focus: %s, %.0f px", i, s.Text, s.Outline, s.Width)
		}
	}
}
