package app

import (
	"archive/zip"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/base/software"
	"github.com/rampart-sec/rampart/internal/vuln/advisory"
)

func TestFetchAdvisories(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "npm"), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(dir, "npm", "all.zip"))
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	w, err := z.Create("GHSA-1.json")
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Write([]byte(`{"id":"GHSA-1","affected":[{"package":{"ecosystem":"npm","name":"left-pad"},"versions":["1.0.0"]}]}`))
	if err != nil || z.Close() != nil || f.Close() != nil {
		t.Fatal(err)
	}
	requests := 0
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests++
		http.FileServer(http.Dir(dir)).ServeHTTP(w, r)
	}))
	defer web.Close()
	a := &App{opt: Options{Config: Config{Advisories: t.TempDir(), AdvisoriesFrom: web.URL}, Now: time.Now, Log: slog.New(slog.DiscardHandler)}}

	// nothing was met, nothing is asked for
	if err := a.fetchAdvisories(t.Context()); err != nil || requests != 0 {
		t.Fatalf("%v after %d requests", err, requests)
	}
	a.noteSeen([]software.Package{{Name: "left-pad", Version: "1.0.0", Ecosystem: "npm"}})
	if err := a.fetchAdvisories(t.Context()); err != nil {
		t.Fatal(err)
	}
	db, err := advisory.Open(a.opt.Config.Advisories)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	r, err := db.Match(t.Context(), []software.Package{{Name: "left-pad", Version: "1.0.0", Ecosystem: "npm"}})
	if err != nil || len(r.Findings) != 1 {
		t.Errorf("%+v %v", r, err)
	}
}

func TestNextFetch(t *testing.T) {
	day := func(d, h, m int) time.Time { return time.Date(2026, 12, d, h, m, 0, 0, time.UTC) }
	for now, want := range map[time.Time]time.Time{day(1, 0, 0): day(1, 3, 0), day(1, 3, 0): day(2, 3, 0), day(31, 23, 59): day(32, 3, 0)} {
		if got := nextFetch(now); !got.Equal(want) {
			t.Errorf("after %s comes %s", now, got)
		}
	}
}

func TestAdvisoryConfiguration(t *testing.T) {
	for _, c := range []Config{{FetchAdvisories: "daily"}, {AdvisoriesFrom: "file:///tmp"}, {AdvisoriesFrom: "x"}} {
		if err := c.checkAdvisories(); err == nil {
			t.Errorf("%+v passes", c)
		}
	}
}
