package registry

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var some = "sha256:" + strings.Repeat("a", 64)

func TestParseEvents(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		want       []Event
	}{
		{"distribution", `{"events":[{"action":"push","target":{"mediaType":"application/vnd.oci.image.manifest.v1+json","repository":"team/app","tag":"1","digest":"` + some + `","url":"http://10.0.0.1/x"}},
			{"action":"pull","target":{"mediaType":"application/vnd.oci.image.manifest.v1+json","repository":"team/app","digest":"` + some + `"}},
			{"action":"push","target":{"mediaType":"application/octet-stream","repository":"team/app","digest":"` + some + `"}},
			{"action":"delete","target":{"repository":"team/app","digest":"` + some + `"}}]}`, []Event{{Repository: "team/app", Tag: "1", Digest: some}, {Deleted: true, Repository: "team/app", Digest: some}}},
		{"azure", `{"id":"x","timestamp":"2026-01-01T00:00:00Z","action":"push","target":{"mediaType":"application/vnd.docker.distribution.manifest.v2+json","size":1,"digest":"` + some + `","length":1,"repository":"app","tag":"v1"},"request":{"host":"x"}}`, []Event{{Repository: "app", Tag: "v1", Digest: some}}},
		{"harbor", `{"type":"PUSH_ARTIFACT","occur_at":1,"event_data":{"resources":[{"digest":"` + some + `","tag":"1","resource_url":"http://10.0.0.1/x"}],"repository":{"name":"app","repo_full_name":"lib/app"}}}`, []Event{{Repository: "lib/app", Tag: "1", Digest: some}}},
		{"harbor-delete", `{"type":"DELETE_ARTIFACT","event_data":{"resources":[{"digest":"` + some + `","tag":"` + some + `"}],"repository":{"repo_full_name":"lib/app"}}}`, []Event{{Deleted: true, Repository: "lib/app", Digest: some}}},
		{"generic", `{"repository":"app","tag":"1"}`, []Event{{Repository: "app", Tag: "1"}}},
		{"path-traversal", `{"repository":"../v2/x","tag":"1"}`, nil},
		{"address", `{"repository":"http://10.0.0.1/x","tag":"1"}`, nil},
		{"bad-tag", `{"repository":"app","tag":"../../x"}`, nil},
		{"bad-digest", `{"repository":"app","digest":"sha256:zz"}`, nil},
		{"nothing-named", `{"repository":"app"}`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseEvents([]byte(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	for _, body := range []string{"", "[]", "{}", "null", `{"x":1}`, "<xml>"} {
		if _, err := ParseEvents([]byte(body)); err == nil {
			t.Errorf("%q was read", body)
		}
	}
}

func TestAuthentic(t *testing.T) {
	body := []byte("body")
	m := hmac.New(sha256.New, []byte("secret"))
	m.Write(body)
	signature := "sha256=" + hex.EncodeToString(m.Sum(nil))
	basic := &http.Request{Header: http.Header{}}
	basic.SetBasicAuth("x", "secret")
	for _, tt := range []struct {
		header http.Header
		secret string
		want   bool
	}{
		{http.Header{"Authorization": {"Bearer secret"}}, "secret", true},
		{http.Header{"Authorization": {"secret"}}, "secret", true},
		{basic.Header, "secret", true},
		{http.Header{"X-Rampart-Signature": {signature}}, "secret", true},
		{http.Header{"X-Hub-Signature-256": {signature}}, "secret", true},
		{http.Header{"X-Hub-Signature-256": {"sha256=00"}, "Authorization": {"Bearer secret"}}, "secret", false},
		{http.Header{"Authorization": {"Bearer other"}}, "secret", false},
		{http.Header{}, "secret", false},
		{http.Header{"Authorization": {""}}, "", false},
	} {
		if got := Authentic(tt.header, body, tt.secret); got != tt.want {
			t.Errorf("%v: %v", tt.header, got)
		}
	}
}

func FuzzParseEvents(f *testing.F) {
	f.Add([]byte(`{"events":[{"action":"push","target":{"repository":"a","tag":"1"}}]}`))
	f.Add([]byte(`{"type":"PUSH","event_data":{"resources":[{}],"repository":{"repo_full_name":"a"}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		all, _ := ParseEvents(body)
		for _, e := range all {
			if !e.valid() {
				t.Errorf("%+v", e)
			}
		}
	})
}
