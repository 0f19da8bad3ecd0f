package scanner

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	server "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/rampart-sec/rampart/internal/base/software"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/vuln/advisory"
	"github.com/rampart-sec/rampart/internal/vuln/image/registry"
)

// world is a registry in memory, a store, and a scanner over both.
type world struct {
	*Scanner
	t      testing.TB
	host   string
	db     string // folder of advisories
	mu     sync.Mutex
	docs   map[string]wire.Document
	puller sync.Map // path of a request to its count
}

const secret = "s3cret"

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, db: t.TempDir(), docs: map[string]wire.Document{}}
	h := server.New(server.Logger(log.New(io.Discard, "", 0)))
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		n, _ := w.puller.LoadOrStore(r.Method+" "+r.URL.Path, new(int))
		w.mu.Lock()
		*n.(*int)++
		w.mu.Unlock()
		h.ServeHTTP(rw, r)
	}))
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	w.host = strings.TrimPrefix(s.URL, "http://")
	db, err := store.Open(t.Context(), store.Options{URL: "sqlite:" + filepath.Join(t.TempDir(), "x.db"), Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	w.advise("CVE-2026-0001", "2")
	w.Scanner, err = New(Options{Store: db, Advisories: advisory.NewLive(w.db), Now: time.Now, Log: slog.New(slog.DiscardHandler), Deliver: w.deliver,
		Connectors: []Connector{{Name: "local", Scope: "/subscriptions/6f9619ff-8b86-d011-b42d-00cf4fc964ff/resourceGroups/g", Secret: secret, Registry: registry.Options{Registry: w.host, Insecure: true, Rate: 10_000}}}})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) deliver(_ context.Context, _ string, docs []wire.Document) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, d := range docs {
		if d.Deleted {
			delete(w.docs, d.ID)
			continue
		}
		w.docs[d.ID] = d
	}
	return nil
}

// advise imports an advisory: package x of Debian 12 is fixed in a version.
func (w *world) advise(cve, fixed string) {
	w.t.Helper()
	from := filepath.Join(w.t.TempDir(), "Debian")
	if err := os.MkdirAll(from, 0o700); err != nil {
		w.t.Fatal(err)
	}
	text := fmt.Sprintf(`{"id":%q,"modified":"2026-01-01T00:00:00Z","severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],"affected":[{"package":{"ecosystem":"Debian:12","name":"x"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":%q}]}]}]}`, cve, fixed)
	if err := os.WriteFile(filepath.Join(from, cve+".json"), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	if _, err := advisory.Import(w.t.Context(), advisory.ImportOptions{Dir: w.db, Paths: []string{from}, Now: time.Now()}); err != nil {
		w.t.Fatal(err)
	}
}

// layerOf packs files into a layer.
func (w *world) layerOf(pairs ...string) v1.Layer {
	w.t.Helper()
	var b bytes.Buffer
	t := tar.NewWriter(&b)
	for i := 0; i < len(pairs); i += 2 {
		if err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: pairs[i], Size: int64(len(pairs[i+1])), Mode: 0o644}); err != nil {
			w.t.Fatal(err)
		}
		if _, err := io.WriteString(t, pairs[i+1]); err != nil {
			w.t.Fatal(err)
		}
	}
	if err := t.Close(); err != nil {
		w.t.Fatal(err)
	}
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil })
	if err != nil {
		w.t.Fatal(err)
	}
	return l
}

// push pushes an image with package x of a version.
func (w *world) push(ref, version string) string {
	w.t.Helper()
	return w.pushLayer(ref, w.layerOf("etc/os-release", "ID=debian\nVERSION_ID=12", "var/lib/dpkg/status", "Package: x\nStatus: install ok installed\nVersion: "+version+"\n"))
}

func (w *world) pushLayer(ref string, l v1.Layer) string {
	w.t.Helper()
	m, err := mutate.AppendLayers(empty.Image, l)
	if err != nil {
		w.t.Fatal(err)
	}
	r, err := name.ParseReference(w.host + "/" + ref)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := remote.Write(r, m); err != nil {
		w.t.Fatal(err)
	}
	d, err := m.Digest()
	if err != nil {
		w.t.Fatal(err)
	}
	return d.String()
}

// notify posts a notification and gives the status of the answer.
func (w *world) notify(body, authorization string) int {
	w.t.Helper()
	r := httptest.NewRequest(http.MethodPost, NotificationPrefix+"local"+NotificationSuffix, strings.NewReader(body))
	r.Header.Set("Authorization", authorization)
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, r)
	return rec.Code
}

func (w *world) list() {
	w.t.Helper()
	if err := w.Scanner.list(w.t.Context(), w.connectors["local"]); err != nil {
		w.t.Fatal(err)
	}
}

// drain scans everything that is due.
func (w *world) drain() {
	w.t.Helper()
	for {
		row, c, err := w.next(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		if row == nil {
			return
		}
		w.scan(w.t.Context(), c, row)
	}
}

// standing gives "names status" of every image, by name.
func (w *world) standing() map[string]string {
	w.t.Helper()
	all := map[string]string{}
	err := w.each(w.t.Context(), "local", func(r *store.ImageRow) error {
		all[strings.Join(r.Names, " ")] = string(statuses[r.Status])
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

// fixable gives what the report of an image delivers as its critical count:
// "unknown" if nothing.
func (w *world) fixable(digest string) string {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	d, ok := w.docs[w.connectors["local"].imageID(digest)+reportSuffix]
	if !ok {
		return "none"
	}
	var body struct {
		Properties struct {
			Fixable map[string]int `json:"fixable"`
		} `json:"properties"`
	}
	if err := json.Unmarshal(d.Body, &body); err != nil {
		w.t.Fatal(err)
	}
	n, known := body.Properties.Fixable["critical"]
	if !known {
		return "unknown"
	}
	return fmt.Sprint(n)
}

func TestListedImagesAreScannedOncePerDigest(t *testing.T) {
	w := newWorld(t)
	bad, good := w.push("team/app:1", "1"), w.push("team/app:2", "2")
	w.push("other:1", "1") // the same image by another name
	w.list()
	if diff := cmp.Diff(map[string]string{"other:1 team/app:1": "Unscanned", "team/app:2": "Unscanned"}, w.standing()); diff != "" {
		t.Error(diff)
	}
	w.drain()
	w.list() // what is known is not scanned again
	if diff := cmp.Diff(map[string]string{"other:1 team/app:1": "Completed", "team/app:2": "Completed"}, w.standing()); diff != "" {
		t.Error(diff)
	}
	if w.fixable(bad) != "1" || w.fixable(good) != "0" {
		t.Errorf("%s and %s", w.fixable(bad), w.fixable(good))
	}
	w.puller.Range(func(path, n any) bool {
		if strings.HasPrefix(path.(string), "GET") && strings.Contains(path.(string), "/blobs/") && *n.(*int) > 1 {
			t.Errorf("%s was pulled %d times", path, *n.(*int))
		}
		return true
	})
}

func TestNotifications(t *testing.T) {
	w := newWorld(t)
	first := w.push("app:1", "1")
	body := func(action, digest, tag string) string {
		return fmt.Sprintf(`{"events":[{"action":%q,"target":{"mediaType":"application/vnd.docker.distribution.manifest.v2+json","repository":"app","digest":%q,"tag":%q,"url":"http://10.0.0.1/"}}]}`, action, digest, tag)
	}
	for _, tt := range []struct {
		body, authorization string
		want                int
	}{
		{body("push", first, "1"), "Bearer wrong", http.StatusUnauthorized},
		{body("push", first, "1"), "", http.StatusUnauthorized},
		{"{}", "Bearer " + secret, http.StatusBadRequest},
		{strings.Repeat(" ", registry.MaxNotification+1), "Bearer " + secret, http.StatusRequestEntityTooLarge},
		{body("push", "sha256:"+strings.Repeat("0", 64), "1"), "Bearer " + secret, http.StatusAccepted}, // it is gone already
	} {
		if got := w.notify(tt.body, tt.authorization); got != tt.want {
			t.Errorf("%.60s: %d, want %d", tt.body, got, tt.want)
		}
	}
	if n := len(w.standing()); n > 0 {
		t.Fatalf("%d images were taken in", n)
	}
	for range 2 { // delivered twice
		if got := w.notify(body("push", first, "1"), "Bearer "+secret); got != http.StatusAccepted {
			t.Fatal(got)
		}
	}
	w.drain()
	// The tag moves on; the image of before keeps its repository.
	second := w.push("app:1", "2")
	w.notify(body("push", second, "1"), "Bearer "+secret)
	w.drain()
	if diff := cmp.Diff(map[string]string{"": "Completed", "app:1": "Completed"}, w.standing()); diff != "" {
		t.Error(diff)
	}
	w.notify(body("delete", second, ""), "Bearer "+secret)
	if w.fixable(second) != "none" {
		t.Error("the deleted image is still there")
	}
}

// TestAHostileImageStopsNobody: it fails for one reason, is not tried again, and
// the next goes on.
func TestAHostileImageStopsNobody(t *testing.T) {
	w := newWorld(t)
	hostile := w.pushLayer("hostile:1", static.NewLayer([]byte("\xfd7zXZ\x00 is no layer"), types.DockerLayer))
	damaged := w.pushLayer("damaged:1", static.NewLayer([]byte("this is no layer either, although it is a little longer than the other"), types.DockerLayer))
	good := w.push("good:1", "1")
	w.list()
	w.drain()
	if diff := cmp.Diff(map[string]string{"hostile:1": "Scan error", "damaged:1": "Scan error", "good:1": "Completed"}, w.standing()); diff != "" {
		t.Error(diff)
	}
	if w.fixable(hostile) != "unknown" || w.fixable(damaged) != "unknown" || w.fixable(good) != "1" {
		t.Errorf("%s, %s, %s", w.fixable(hostile), w.fixable(damaged), w.fixable(good))
	}
	states, err := w.States(t.Context())
	if err != nil || states[0].Failed != 2 || states[0].Images != 3 || states[0].Waiting != 0 {
		t.Errorf("%+v, error %v", states, err)
	}
}

// TestAdvisoriesDecideWithoutAPull: without any an image is unknown; what comes
// is matched with what is stored.
func TestAdvisoriesDecideWithoutAPull(t *testing.T) {
	w := newWorld(t)
	live := advisory.NewLive(t.TempDir())
	w.o.Advisories = live
	digest := w.push("app:1", "2")
	w.list()
	w.drain()
	if w.fixable(digest) != "unknown" || w.standing()["app:1"] != "Scan error" {
		t.Errorf("%s, %v", w.fixable(digest), w.standing())
	}
	w.o.Advisories = advisory.NewLive(w.db)
	pulled := func() (n int) {
		w.puller.Range(func(_, c any) bool { n += *c.(*int); return true })
		return n
	}
	before := pulled()
	only := func(name string) advisory.Change {
		return advisory.Change{Packages: []advisory.PackageKey{{Base: "Debian", Name: name}}}
	}
	for _, step := range []struct {
		cve, fixed, want string
		change           advisory.Change
	}{
		{"CVE-2026-0001", "2", "0", only("x")}, // nobody knows yet who has what: all are judged
		{"CVE-2026-0002", "3", "1", only("x")},
		{"CVE-2026-0003", "3", "1", only("another")}, // not told, not judged
		{"CVE-2026-0003", "3", "2", advisory.Change{All: true}},
	} {
		w.advise(step.cve, step.fixed)
		w.o.Advisories = advisory.NewLive(w.db)
		if err := w.Rematch(t.Context(), step.change); err != nil {
			t.Fatal(err)
		}
		if got := w.fixable(digest); got != step.want {
			t.Errorf("after %s: %s, want %s", step.cve, got, step.want)
		}
	}
	if pulled() != before || w.standing()["app:1"] != "Completed" {
		t.Errorf("%d requests, %v", pulled()-before, w.standing())
	}
}

// TestStaleAdvisoriesAreAnError: what is not there could have been named since.
func TestStaleAdvisoriesAreAnError(t *testing.T) {
	w := newWorld(t)
	w.o.Advisories, w.o.MaxAge = advisory.NewLive(w.db), time.Nanosecond
	var seen []software.Package
	w.o.Seen = func(list []software.Package) { seen = append(seen, list...) }
	digest := w.push("app:1", "2")
	w.list()
	w.drain()
	if w.fixable(digest) != "unknown" || w.standing()["app:1"] != "Scan error" || len(seen) == 0 {
		t.Errorf("%s, %v, %d packages seen", w.fixable(digest), w.standing(), len(seen))
	}
}

func TestAProcessThatEndsLosesNothing(t *testing.T) {
	w := newWorld(t)
	w.push("app:1", "1")
	w.list()
	if row, _, err := w.next(t.Context()); err != nil || row == nil { // taken, then killed
		t.Fatal(err)
	}
	w.drain()
	if w.standing()["app:1"] != "Scan in progress" {
		t.Fatalf("%v", w.standing())
	}
	if err := w.resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.drain()
	if w.standing()["app:1"] != "Completed" {
		t.Errorf("%v", w.standing())
	}
}

func TestWhatIsNotKnownIsNotNought(t *testing.T) {
	w := newWorld(t)
	digest := w.pushLayer("app:1", w.layerOf("etc/os-release", "ID=debian\nVERSION_ID=12", "var/lib/dpkg/status", "Package: x\nStatus: install ok installed\nVersion: 2\n", "app/package-lock.json", "{"))
	w.list()
	w.drain()
	if got := w.fixable(digest); got != "unknown" {
		t.Errorf("a lock file could not be read, and the count is %s", got)
	}
}

// TestUnratedIsNotHarmless: what nobody has rated may be critical.
func TestUnratedIsNotHarmless(t *testing.T) {
	w := newWorld(t)
	from := filepath.Join(t.TempDir(), "Debian")
	if err := os.MkdirAll(from, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(from, "1.json"), []byte(`{"id":"CVE-2026-0009","modified":"2026-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"Debian:12","name":"x"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"9"}]}]}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := advisory.Import(t.Context(), advisory.ImportOptions{Dir: w.db, Paths: []string{from}, Now: time.Now()}); err != nil {
		t.Fatal(err)
	}
	w.o.Advisories = advisory.NewLive(w.db)
	digest := w.push("app:1", "2")
	w.list()
	w.drain()
	if got := w.fixable(digest); got != "unknown" {
		t.Errorf("the count is %s", got)
	}
}

func TestNewest(t *testing.T) {
	got := newest([]string{"1.9", "1.10", "latest", "1.2", "dev", "v2"}, 4)
	if diff := cmp.Diff([]string{"latest", "v2", "dev", "1.10"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestBackOff(t *testing.T) {
	for attempts, want := range map[int]time.Duration{0: 30 * time.Second, 1: time.Minute, 5: 16 * time.Minute, 12: 6 * time.Hour, 1000: 6 * time.Hour} {
		if got := backOff(attempts); got != want {
			t.Errorf("%d: %s, want %s", attempts, got, want)
		}
	}
}

func TestBadConnectors(t *testing.T) {
	good := Connector{Name: "a", Scope: "/subscriptions/6f9619ff-8b86-d011-b42d-00cf4fc964ff/resourceGroups/g", Registry: registry.Options{Registry: "host"}}
	for what, edit := range map[string]func(*Connector){
		"name": func(c *Connector) { c.Name = "a/b" }, "scope": func(c *Connector) { c.Scope = "/x" }, "every": func(c *Connector) { c.Every = time.Second },
		"newest": func(c *Connector) { c.Newest = 5000 }, "registry": func(c *Connector) { c.Registry.Registry = "http://x" },
	} {
		c := good
		edit(&c)
		if _, err := New(Options{Connectors: []Connector{c}}); err == nil {
			t.Errorf("a wrong %s was taken", what)
		}
	}
	if _, err := New(Options{Connectors: []Connector{good, good}}); err == nil {
		t.Error("two of one name were taken")
	}
}
