package content

import "testing"

func TestEmbeddedContentLoads(t *testing.T) {
	l, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d recommendations, %d controls, %d standards, %d producers", len(l.Recommendations), len(l.Controls), len(l.Standards), len(l.Producers))
}
