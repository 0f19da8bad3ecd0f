package policy

import (
	"encoding/json"
	"path/filepath"
	"testing"
	"time"
)

func TestPublicCatalogueCompiles(t *testing.T) {
	data := sharedData(t)
	aliases := NewAliases()
	if err := aliases.LoadFile(filepath.Join(data, "aliases.tsv.gz")); err != nil {
		t.Fatal(err)
	}
	report, err := CheckDirs([]string{filepath.Join(data, "built-in-policies.tar.gz")}, CheckOptions{Aliases: aliases, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	if report.Definitions != 5009 || report.Initiatives != 257 {
		t.Errorf("%d definitions and %d initiatives, want 5009 and 257", report.Definitions, report.Initiatives)
	}
	if len(report.Failed) > 0 {
		t.Errorf("%d failed, first %+v", len(report.Failed), report.Failed[0])
	}
	if report.Compiled+report.UnsupportedMode != report.WithRule {
		t.Errorf("%d compiled and %d unsupported of %d", report.Compiled, report.UnsupportedMode, report.WithRule)
	}
	out, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s", out)
}
