package posture

import (
	"testing"
	"time"
)

func TestJudgeFollowsResources(t *testing.T) {
	w := newWorld(t)
	doc := w.account("one", false, true)
	v := w.put(doc)
	if got := w.state(v, doc.ID, "storage-https"); got != Unhealthy {
		t.Fatalf("https = %v, want unhealthy", got)
	}
	if got := w.state(v, doc.ID, "storage-tls"); got != Healthy {
		t.Fatalf("tls = %v, want healthy", got)
	}
	if s := v.Score(Scope{}); s.Percent != 0 || s.Max != 10 || s.Weight != 1 {
		t.Fatalf("score = %+v, want 0 of 10", s)
	}
	w.clock.pass(time.Minute)
	v = w.put(w.account("one", true, true))
	if s := v.Score(Scope{ID: testSub}); s.Current != 4 || s.Max != 10 {
		t.Errorf("score after the fix = %+v, want 4 of 10", s)
	}
	a, ok := v.Assessment(doc.ID, v.Recommendations0(t, "storage-https should be right"))
	if !ok || !a.Since.Equal(w.clock.now()) || !a.FirstSeen.Equal(w.clock.now().Add(-time.Minute)) {
		t.Errorf("assessment = %+v, %v", a, ok)
	}
}

func (v *View) Recommendations0(t *testing.T, title string) string {
	for _, r := range v.AllRecommendations() {
		if r.Title == title {
			return r.ID
		}
	}
	t.Fatalf("no recommendation %q", title)
	return ""
}
