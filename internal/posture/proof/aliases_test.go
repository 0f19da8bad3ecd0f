package proof

import (
	"testing"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// TestContentReadsKnownAliases: every alias that a recommendation names is one
// that its type has, so that none is switched off by a wrong name.
func TestContentReadsKnownAliases(t *testing.T) {
	library, err := content.Load()
	if err != nil {
		t.Fatal(err)
	}
	aliases := policy.NewAliases()
	for _, r := range library.Recommendations {
		d, err := policy.ParseDefinition(r.Definition())
		if err != nil {
			t.Fatal(err)
		}
		b, err := policy.Bind(d, nil, policy.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range b.UnknownAliases(aliases, policy.Options{}) {
			t.Errorf("%s reads %s, which no type has", r.Name, name)
		}
	}
}
