package policy

import (
	"testing"

	"github.com/rampart-sec/rampart/internal/posture/policy/provider"
)

// TestPublicPathsParse: every path of the table that ships is one, and is what
// its alias resolves to.
func TestPublicPathsParse(t *testing.T) {
	a, n := NewAliases(), 0
	for typ := range provider.Known().Types() {
		for row := range provider.Known().Aliases(folded(typ)) {
			n++
			path, origin := a.Path(row.Type, row.Name, "")
			if path == nil || origin != OriginTable && origin != OriginBuiltIn || origin == OriginTable && path.String() != row.Path {
				t.Errorf("%s is %s from %d, want %s", row.Name, path, origin, row.Path)
			}
		}
	}
	if n < 70_000 {
		t.Errorf("%d aliases", n)
	}
}
