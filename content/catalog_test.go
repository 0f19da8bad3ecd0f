package content_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCatalogPageIsUpToDate(t *testing.T) {
	var want bytes.Buffer
	if err := load(t).WriteCatalog(&want); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join("..", "docs", "recommendations.md"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Error("docs/recommendations.md is stale: run go generate ./content")
	}
}

// TestCoverage checks docs/coverage.tsv: every member of the public benchmark
// that the control plane's data can judge (own properties or related
// resources) is mapped to a recommendation, and every member without public
// logic to one whose producer is named.
func TestCoverage(t *testing.T) {
	const automatable = 171
	library := load(t)
	data, err := os.ReadFile(filepath.Join("..", "docs", "coverage.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	names := make(map[string]string)
	for _, r := range library.Recommendations {
		names[r.Name] = r.ID
	}
	titles := make(map[string]bool)
	judged := 0
	for i, line := range strings.Split(strings.TrimSpace(string(data)), "\n")[1:] {
		f := strings.Split(line, "\t")
		if len(f) != 4 {
			t.Fatalf("line %d: %d columns, want 4", i+2, len(f))
		}
		switch f[3] {
		case "own", "related":
			judged++
		case "computed", "inner", "guest":
			if _, ok := library.Producer(f[2]); !ok && f[3] == "computed" {
				t.Errorf("%q: content/producers.tsv does not name who computes %s", f[0], f[1])
			}
		default:
			t.Errorf("line %d: judged from %q", i+2, f[3])
		}
		if id, ok := names[f[1]]; !ok || id != f[2] {
			t.Errorf("%q: no recommendation %s with id %s", f[0], f[1], f[2])
		}
		if titles[f[0]] {
			t.Errorf("%q is listed twice", f[0])
		}
		titles[f[0]] = true
	}
	if judged != automatable {
		t.Errorf("%d automatable members, want %d", judged, automatable)
	}
}
