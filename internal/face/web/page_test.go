package web

import (
	"bytes"
	"flag"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden pages anew")

// subAssets are the embedded assets without those bundled at build time, so
// that the pages of a test are the same on every machine.
func subAssets(t testing.TB) fs.FS {
	t.Helper()
	files := fstest.MapFS{}
	for _, name := range []string{"rampart.css", "rampart.js", "icon.svg"} {
		data, err := embedded.ReadFile("assets/" + name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: data}
	}
	return files
}

func fetch(t *testing.T, h http.Handler, target string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
	return w
}

// TestGoldenPages compares every page with the one that was looked at and
// found good. The hashes in asset addresses are left out.
func TestGoldenPages(t *testing.T) {
	s := fixtureServerOf(t)
	h := fixtureHandler(t, s)
	hash := regexp.MustCompile(`/assets/[0-9a-f]{12}/`)
	for target, p := range fixturePages(t, s) {
		t.Run(p.name+"_"+strings.Trim(regexp.MustCompile(`[^a-z]+`).ReplaceAllString(strings.ToLower(target), "-"), "-"), func(t *testing.T) {
			w := fetch(t, h, target)
			if w.Code != http.StatusOK {
				t.Fatalf("status %d: %s", w.Code, w.Body)
			}
			got := hash.ReplaceAll(w.Body.Bytes(), []byte("/assets/hash/"))
			file := filepath.Join("testdata", strings.ReplaceAll(t.Name(), "/", "_")+".html")
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("page changed (-want +got); run with -update after looking at it:\n%s", diff)
			}
		})
	}
}

// TestPagesAreStrict looks for what the content security policy would refuse
// and what foreign data must never become.
func TestPagesAreStrict(t *testing.T) {
	s := fixtureServerOf(t)
	h := fixtureHandler(t, s)
	bad := map[string]*regexp.Regexp{
		"inline style":         regexp.MustCompile(`\sstyle\s*=`),
		"inline script":        regexp.MustCompile(`<script(?: [^>]*)?>[^<]`),
		"event handler":        regexp.MustCompile(`\son[a-z]+\s*=`),
		"unescaped foreign":    regexp.MustCompile(`<our>|<script>alert`),
		"template filter":      regexp.MustCompile(`ZgotmplZ`),
		"other site":           regexp.MustCompile(`(?:src|href|action)="(?:https?:)?//`),
		"missing value":        regexp.MustCompile(`<no value>|%!|NaN|&lt;nil&gt;`),
		"icon without drawing": regexp.MustCompile(`focusable="false"></svg>`),
	}
	for _, target := range slices.Sorted(maps.Keys(fixturePages(t, s))) {
		body := fetch(t, h, target).Body.Bytes()
		for what, pattern := range bad {
			if hit := pattern.Find(body); hit != nil {
				t.Errorf("%s: %s: %s", target, what, hit)
			}
		}
		ids := map[string]bool{}
		for _, m := range regexp.MustCompile(`\sid="([^"]+)"`).FindAllSubmatch(body, -1) {
			if ids[string(m[1])] {
				t.Errorf("%s: id %q is there twice", target, m[1])
			}
			ids[string(m[1])] = true
		}
		if bytes.Count(body, []byte("<h1")) != 1 || bytes.Count(body, []byte("<main")) != 1 {
			t.Errorf("%s: want one h1 and one main", target)
		}
	}
}
