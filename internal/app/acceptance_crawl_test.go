package app

import (
	"bytes"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// Bounds of the crawl: how many pages, and how many that differ in their query
// alone.
const (
	maxCrawl     = 400
	maxSamePages = 12
)

var hrefs = regexp.MustCompile(`(?:href|src|data-[a-z]+)="(/[^"]*)"`)

// brokenText are traces of templates and formats that went wrong.
var brokenText = []string{"<no value>", "%!", "&lt;nil&gt;", "ZgotmplZ", "0001-01-01", "NaN"}

// TestEveryLinkOfTheSampleLeadsSomewhere follows the links of the sample's pages
// as a curious reader does.
func TestEveryLinkOfTheSampleLeadsSomewhere(t *testing.T) {
	a := start(t, Config{Demo: true})
	v := visit(t, a)
	sampled(t, a)
	c := &crawl{visitor: v, seen: map[string]bool{}, similar: map[string]int{}}
	c.add("/t/demo/")
	c.add("/")
	for len(c.queue) > 0 && c.visited < maxCrawl {
		path := c.queue[0]
		c.queue = c.queue[1:]
		c.open(path)
	}
	if c.visited < 60 {
		t.Errorf("only %d pages were found", c.visited)
	}
}

type crawl struct {
	*visitor
	queue   []string
	seen    map[string]bool
	similar map[string]int // pages by path
	visited int
}

func (c *crawl) add(link string) {
	u, err := url.Parse(link)
	if err != nil || c.seen[link] || u.Path == "/events" || strings.HasSuffix(u.Path, "/events") {
		return
	}
	c.seen[link] = true
	if c.similar[u.Path]++; c.similar[u.Path] <= maxSamePages {
		c.queue = append(c.queue, link)
	}
}

func (c *crawl) open(path string) {
	c.t.Helper()
	c.visited++
	resp, err := c.web.Get(c.app.Status().Dashboard + path)
	must(c.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	must(c.t, err)
	if resp.StatusCode != http.StatusOK {
		c.t.Errorf("%s: %s", path, resp.Status)
		return
	}
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
		return
	}
	for _, text := range brokenText {
		if i := bytes.Index(body, []byte(text)); i >= 0 {
			c.t.Errorf("%s shows %q: ...%s...", path, text, body[max(0, i-80):min(len(body), i+40)])
		}
	}
	for _, m := range hrefs.FindAllSubmatch(body, -1) {
		link, _, _ := strings.Cut(html.UnescapeString(string(m[1])), "#")
		c.add(link)
	}
}
