package app

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// rootLogin is the recommendation that the test moves.
const rootLogin = "21b02d6d-3261-5d59-837e-16a54de26dc2"

// TestOpenPageFollowsTheMachine is the product in one test: a page shows this
// machine, a line of its SSH configuration changes, and recommendation, count
// of checks and score change on the open pages without a reload.
func TestOpenPageFollowsTheMachine(t *testing.T) {
	root := machine(t)
	a := start(t, Config{Agent: true, Root: root})
	waitFor(t, a, "the first verdicts", func(s snapshot) bool {
		got, ok := s.view.Assessment(machineID(t, s.view), rootLogin)
		return ok && got.State == record.Unhealthy
	})

	browser := newBrowser(t)
	overview := tab{t, browser}
	overview.open(a.Status().AdminURL)
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	overview.waitText("body", strings.Split(name, ".")[0])
	before := overview.text("#score")
	if !strings.Contains(before, "%") {
		t.Fatalf("no score on the overview: %s", before)
	}
	detail := overview.another()
	detail.open(a.Status().Dashboard + "/recommendation?id=" + rootLogin)
	detail.waitText("main", "PermitRootLogin yes", "sshd_config line 1")
	resource := overview.another()
	resource.open(a.Status().Dashboard + "/resource?id=" + machineID(t, a.judge.Estate("").View()))
	resource.waitText("main", "1 of")

	began := time.Now()
	config(t, root, "no")
	overview.waitChange("#score", before)
	t.Logf("the score on the open page followed after %v", time.Since(began).Round(time.Millisecond))
	detail.waitText("main", "PermitRootLogin no")
	for _, open := range []tab{overview, detail, resource} {
		open.neverReloaded()
	}
	s := a.judge.Estate("").View().Controls(index.Scope{})
	i := slices.IndexFunc(s, func(c index.ControlScore) bool { return c.Control.ID == "secure-management-ports" })
	if i < 0 || s[i].Current != float64(s[i].Max) {
		t.Errorf("the control should give its points now: %+v", s)
	}
}

// machineID is the id of the only machine of a view.
func machineID(t *testing.T, v *index.View) string {
	t.Helper()
	page, err := v.Inventory(index.InventoryQuery{Type: "Microsoft.HybridCompute/machines"})
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Rows) == 0 {
		return ""
	}
	return page.Rows[0].ID
}

// machine makes a file system root whose SSH server is well set up but for the
// one thing.
func machine(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	files := map[string]string{
		"etc/os-release":  "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nID=debian\n",
		"etc/passwd":      "root:x:0:0:root:/root:/bin/bash\n",
		"etc/group":       "root:x:0:\n",
		"usr/sbin/sshd":   "",
		"etc/ssh/ssh.txt": "",
	}
	for name, text := range files {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	config(t, root, "yes")
	return root
}

// config writes the SSH configuration as an editor does: a new file in place
// of the old.
func config(t *testing.T, root, permitRoot string) {
	t.Helper()
	file := filepath.Join(root, "etc/ssh/sshd_config")
	text := fmt.Sprintf("PermitRootLogin %s\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitEmptyPasswords no\n", permitRoot)
	if err := os.WriteFile(file+".new", []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
}

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
	ctx, done := context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(done)
	return ctx
}

// tab is one open page.
type tab struct {
	t   *testing.T
	ctx context.Context
}

func (p tab) another() tab {
	ctx, cancel := chromedp.NewContext(p.ctx)
	p.t.Cleanup(cancel)
	return tab{p.t, ctx}
}

// script runs a script in the page and gives its value.
func script[T any](p tab, text string) T {
	p.t.Helper()
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](text))
	if err != nil {
		p.t.Fatal(err)
	}
	return v
}

// open loads a page and leaves a mark in it that a reload would wipe.
func (p tab) open(url string) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, chromedp.Navigate(url)); err != nil {
		p.t.Fatal(err)
	}
	script[bool](p, "window.mark = true")
}

func (p tab) neverReloaded() {
	p.t.Helper()
	if !script[bool](p, "window.mark === true") {
		p.t.Error("the page was loaded again")
	}
}

func (p tab) text(sel string) string {
	p.t.Helper()
	return script[string](p, fmt.Sprintf("document.querySelector(%q)?.innerText ?? ''", sel))
}

func (p tab) waitText(sel string, want ...string) {
	p.t.Helper()
	p.poll(sel, fmt.Sprintf("%q", want), func(text string) bool {
		return !slices.ContainsFunc(want, func(w string) bool { return !strings.Contains(text, w) })
	})
}

func (p tab) waitChange(sel, old string) {
	p.t.Helper()
	p.poll(sel, "something else than before", func(text string) bool { return text != old && strings.Contains(text, "%") })
}

func (p tab) poll(sel, what string, ok func(string) bool) {
	p.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		text := p.text(sel)
		if ok(text) {
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("%s does not show %s; it shows:\n%s", sel, what, text)
		}
		time.Sleep(50 * time.Millisecond) // between looks at the page; the deadline decides
	}
}
