package app

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/rampart-sec/rampart/internal/posture/record"
	"github.com/rampart-sec/rampart/internal/vuln/advisory"
)

const imageFindings = "c0b7cfc6-3172-465a-b378-53c7ff2cc0d5"

// freeAddress is a loopback address that nobody listens at.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().String()
}

// startRegistry runs Debian's docker-registry, which notifies an address.
func startRegistry(t *testing.T, notify, secret string) string {
	t.Helper()
	program, err := exec.LookPath("docker-registry")
	if err != nil {
		t.Skip("no docker-registry here")
	}
	dir, address := t.TempDir(), freeAddress(t)
	file := filepath.Join(dir, "config.yml")
	must(t, os.WriteFile(file, fmt.Appendf(nil, `version: 0.1
log: {level: error}
storage: {filesystem: {rootdirectory: %s}, delete: {enabled: true}}
http: {addr: %s}
notifications:
  endpoints:
  - name: rampart
    url: %s
    headers: {Authorization: [Bearer %s]}
    timeout: 5s
    threshold: 5
    backoff: 200ms
    ignoredmediatypes: [application/octet-stream]
`, filepath.Join(dir, "blobs"), address, notify, secret), 0o600))
	cmd := exec.Command(program, "serve", file)
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	must(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	eventually(t, "the registry answers", func() bool {
		resp, err := http.Get("http://" + address + "/v2/")
		if err == nil {
			resp.Body.Close()
		}
		return err == nil
	})
	return address
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within a minute", what)
		}
	}
}

// pushImage builds an image with one Debian package and pushes it.
func pushImage(t *testing.T, ref, version string) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for path, text := range map[string]string{"etc/os-release": "ID=debian\nVERSION_ID=\"12\"\n",
		"var/lib/dpkg/status": "Package: libssl3\nStatus: install ok installed\nSource: openssl\nVersion: " + version + "\nArchitecture: amd64\n"} {
		must(t, w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: path, Size: int64(len(text)), Mode: 0o644}))
		_, err := io.WriteString(w, text)
		must(t, err)
	}
	must(t, w.Close())
	l, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil })
	must(t, err)
	m, err := mutate.Append(empty.Image, mutate.Addendum{Layer: l, History: v1.History{CreatedBy: "RUN apt-get install libssl3"}})
	must(t, err)
	r, err := name.ParseReference(ref)
	must(t, err)
	must(t, remote.Write(r, m))
	d, err := m.Digest()
	must(t, err)
	return d.String()
}

// advise imports one advisory: openssl of Debian 12 is fixed in a version.
func advise(t *testing.T, dir, cve, fixed string) {
	t.Helper()
	from := filepath.Join(t.TempDir(), "Debian")
	must(t, os.MkdirAll(from, 0o700))
	text := fmt.Sprintf(`{"schema_version":"1.6.0","id":"DEBIAN-%s","modified":"2026-01-01T00:00:00Z","upstream":[%q],"severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
"affected":[{"package":{"ecosystem":"Debian:12","name":"openssl"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":%q}]}]}]}`, cve, cve, fixed)
	must(t, os.WriteFile(filepath.Join(from, cve+".json"), []byte(text), 0o600))
	_, err := advisory.Import(t.Context(), advisory.ImportOptions{Dir: dir, Paths: []string{from}, Now: time.Now()})
	must(t, err)
}

// TestPushedImagesAreScanned follows an image from its push to the score, with a
// real registry that notifies: findings in the API and on the page, a new
// advisory that needs no pull, and a deletion.
func TestPushedImagesAreScanned(t *testing.T) {
	data, secret := t.TempDir(), "notify-secret"
	dashboard := freeAddress(t)
	address := startRegistry(t, "http://"+dashboard+"/registries/local/notifications", secret)
	file := filepath.Join(data, "secret")
	must(t, os.WriteFile(file, []byte(secret+"\n"), 0o600))
	early := pushImage(t, address+"/team/early:1", "3.0.9-1") // before anybody listens
	a := start(t, Config{Data: data, Dashboard: dashboard, Registries: []Registry{{Name: "local", Address: address, Insecure: true, NotificationSecretFile: file}}})
	v := visit(t, a)
	group := "/subscriptions/" + v.boot.SubscriptionID + "/resourceGroups/registries/providers/Microsoft.ContainerRegistry/registries/local/images/"
	id := func(digest string) string { return group + strings.TrimPrefix(digest, "sha256:") }
	state := func(s snapshot, digest string) record.State {
		assessment, ok := s.view.Assessment(id(digest), imageFindings)
		if !ok {
			return 255
		}
		return assessment.State
	}

	// Without advisories nobody may call an image healthy.
	waitFor(t, a, "an unknown image without advisories", func(s snapshot) bool { return state(s, early) == record.Unknown })

	// The first advisories need no further pull.
	advise(t, filepath.Join(data, "advisories"), "CVE-2026-0001", "3.0.9-1")
	waitFor(t, a, "a healthy image", func(s snapshot) bool { return state(s, early) == record.Healthy })

	pushed := pushImage(t, address+"/team/app:1", "3.0.8-1")
	waitFor(t, a, "an unhealthy image after its push", func(s snapshot) bool { return state(s, pushed) == record.Unhealthy })
	type sub struct {
		Properties struct {
			DisplayName string `json:"displayName"`
		} `json:"properties"`
	}
	found := list[sub](v, id(pushed)+"/providers/Microsoft.Security/assessments/"+imageFindings+"/subAssessments?api-version=2019-01-01-preview")
	if len(found) != 1 || !strings.Contains(found[0].Properties.DisplayName, "CVE-2026-0001") {
		t.Errorf("sub-assessments %+v", found)
	}
	if !bytes.Contains(v.page("/inventory?q="+strings.TrimPrefix(pushed, "sha256:")), []byte(strings.TrimPrefix(pushed, "sha256:"))) {
		t.Error("the page of the recommendation does not name the image")
	}

	if shown := v.page("/images"); !bytes.Contains(shown, []byte("team/app:1")) || !bytes.Contains(shown, []byte("Completed")) {
		t.Errorf("the page of images shows %s", shown)
	}

	// A new advisory concerns the image of before.
	advise(t, filepath.Join(data, "advisories"), "CVE-2026-0002", "3.0.10-1")
	waitFor(t, a, "the stored image turns unhealthy", func(s snapshot) bool { return state(s, early) == record.Unhealthy })

	// A forged notification changes nothing.
	resp, err := http.Post("http://"+dashboard+"/registries/local/notifications", "application/json", strings.NewReader(`{"action":"delete","repository":"team/app","digest":"`+pushed+`"}`))
	must(t, err)
	resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("a forged notification gets %s", resp.Status)
	}

	// A deleted image leaves.
	r, err := name.NewDigest(address + "/team/app@" + pushed)
	must(t, err)
	must(t, remote.Delete(r, remote.WithContext(context.Background())))
	waitFor(t, a, "the deleted image is gone", func(s snapshot) bool { return state(s, pushed) == 255 })
}
