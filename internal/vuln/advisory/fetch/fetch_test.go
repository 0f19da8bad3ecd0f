package fetch_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/vuln/advisory/fetch"
)

// server serves one archive, as object stores do, and breaks connections when it
// is told to.
type server struct {
	mu       sync.Mutex
	content  string
	etag     string
	breakAt  int // bytes after which the next answer ends; 0 for never
	ranges   []string
	requests int
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.URL.Path != "/Red Hat/all.zip" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("ETag", s.etag)
	if r.Method == http.MethodGet {
		s.requests++
		s.ranges = append(s.ranges, r.Header.Get("Range"))
		if s.breakAt > 0 {
			at := s.breakAt
			s.breakAt = 0
			w.Header().Set("Content-Length", fmt.Sprint(len(s.content)))
			_, _ = w.Write([]byte(s.content[:at]))
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
	}
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(s.content))
}

func run(t *testing.T, o fetch.Options) (string, error) {
	t.Helper()
	o.Ecosystems = []string{"Red Hat"}
	paths, err := fetch.Fetch(t.Context(), o)
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	return string(text), nil
}

func TestFetchResumes(t *testing.T) {
	s := &server{content: strings.Repeat("advisory ", 10_000), etag: `"1"`, breakAt: 40_000}
	web := httptest.NewServer(s)
	defer web.Close()
	dir := t.TempDir()
	var planned []fetch.File
	o := fetch.Options{Dir: dir, From: web.URL, Plan: func(files []fetch.File) error { planned = files; return nil }}

	// one attempt breaks: what came stays
	o.Attempts = 1
	if _, err := run(t, o); err == nil {
		t.Fatal("a broken connection is a success")
	}
	if planned[0].Size != 90_000 || planned[0].Have != 0 || planned[0].Current {
		t.Errorf("planned %+v", planned[0])
	}
	// the next goes on
	o.Attempts = 0
	text, err := run(t, o)
	if err != nil || text != s.content || planned[0].Have != 40_000 {
		t.Fatalf("%d bytes, %v, %+v", len(text), err, planned[0])
	}
	if got := s.ranges[len(s.ranges)-1]; got != "bytes=40000-" {
		t.Errorf("asked for %q", got)
	}
	// what is current is not loaded again
	before := s.requests
	if _, err := run(t, o); err != nil || s.requests != before || !planned[0].Current {
		t.Errorf("%v, %d requests more", err, s.requests-before)
	}
	// a break inside of one run is continued too
	s.content, s.etag, s.breakAt = strings.Repeat("new ", 20_000), `"2"`, 1000
	if text, err := run(t, o); err != nil || text != s.content {
		t.Errorf("%d bytes, %v", len(text), err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*", "*.part*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestFetchStartsAnewWhenTheFileChanged(t *testing.T) {
	s := &server{content: strings.Repeat("old", 10_000), etag: `"1"`, breakAt: 10_000}
	web := httptest.NewServer(s)
	defer web.Close()
	o := fetch.Options{Dir: t.TempDir(), From: web.URL, Attempts: 1}
	if _, err := run(t, o); err == nil {
		t.Fatal("a broken connection is a success")
	}
	s.content, s.etag = strings.Repeat("new", 10_000), `"2"`
	if text, err := run(t, o); err != nil || text != s.content {
		t.Errorf("%.10s, %v", text, err)
	}
}

// TestFetchGoesOn: one file that fails keeps nobody from the others, and a server
// that does not answer HEAD gives its files all the same.
func TestFetchGoesOn(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path != "/npm/all.zip":
			http.NotFound(w, r)
		case r.Method == http.MethodHead:
			w.WriteHeader(http.StatusMethodNotAllowed)
		default:
			_, _ = w.Write([]byte("archive"))
		}
	}))
	defer web.Close()
	paths, err := fetch.Fetch(t.Context(), fetch.Options{Dir: t.TempDir(), From: web.URL, Ecosystems: []string{"PyPI", "npm"}, KEV: web.URL + "/kev.json"})
	if err == nil || !strings.Contains(err.Error(), "PyPI") || !strings.Contains(err.Error(), "KEV") || len(paths) != 1 {
		t.Fatalf("%v %v", paths, err)
	}
	if text, err := os.ReadFile(paths[0]); err != nil || string(text) != "archive" {
		t.Errorf("%q %v", text, err)
	}
}

func TestFetchRefusals(t *testing.T) {
	hang := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("/huge/", func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Content-Length", "99999999999999") })
	mux.HandleFunc("/loop/", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) })
	mux.HandleFunc("/hang/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		if r.Method == http.MethodGet {
			w.(http.Flusher).Flush()
			select {
			case <-hang:
			case <-r.Context().Done():
			}
		}
	})
	mux.HandleFunc("/lies/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"x"`)
		w.Header().Set("Content-Range", "bytes 5-9/10")
		w.WriteHeader(http.StatusPartialContent)
	})
	web := httptest.NewServer(mux)
	defer web.Close()
	defer close(hang)
	for name, from := range map[string]string{"absent": "/absent", "huge": "/huge", "redirects": "/loop", "hangs": "/hang", "lies": "/lies"} {
		t.Run(name, func(t *testing.T) {
			_, err := run(t, fetch.Options{Dir: t.TempDir(), From: web.URL + from, Attempts: 2, Idle: 50 * time.Millisecond})
			if err == nil {
				t.Error("it is a success")
			}
		})
	}
	for _, bad := range []fetch.Options{
		{Ecosystems: []string{"../etc"}}, {Ecosystems: []string{""}}, {Ecosystems: []string{"npm"}, From: "file:///etc"}, {},
	} {
		bad.Dir = t.TempDir()
		if _, err := fetch.Fetch(t.Context(), bad); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
	stop := errors.New("no")
	s := &server{content: "x", etag: `"1"`}
	plain := httptest.NewServer(s)
	defer plain.Close()
	if _, err := run(t, fetch.Options{Dir: t.TempDir(), From: plain.URL, Plan: func([]fetch.File) error { return stop }}); !errors.Is(err, stop) || s.requests != 0 {
		t.Errorf("%v after %d downloads", err, s.requests)
	}
}
