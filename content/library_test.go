package content_test

import (
	"encoding/json"
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

func load(t testing.TB) *content.Library {
	t.Helper()
	library, err := content.Load()
	if err != nil {
		t.Fatal(err)
	}
	return library
}

func TestInitiativeParses(t *testing.T) {
	library := load(t)
	initiative, err := policy.ParseInitiative(library.Initiative())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(initiative.Members), len(library.Recommendations); got != want {
		t.Errorf("%d members, want %d", got, want)
	}
	values, err := initiative.Values(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range initiative.Members {
		if _, err := m.Values(values); err != nil {
			t.Errorf("%s: %v", m.ID, err)
		}
	}
}

// families are the kinds of resources that need standards of their own, with
// the start of the types that belong to them.
var families = []struct {
	name  string
	types []string
}{
	{"virtual-machines", []string{"Microsoft.Compute/virtualMachines"}},
	{"non-cloud-servers", []string{"Microsoft.HybridCompute/machines"}},
	{"sql", []string{"Microsoft.Sql/"}},
	{"storage", []string{"Microsoft.Storage/"}},
	{"app-service", []string{"Microsoft.Web/"}},
	{"key-vault", []string{"Microsoft.KeyVault/"}},
	{"network", []string{"Microsoft.Network/"}},
	{"kubernetes", []string{"Microsoft.ContainerService/", "Microsoft.Kubernetes/"}},
	{"registries", []string{"Microsoft.ContainerRegistry/"}},
	{"identity", []string{"Microsoft.Authorization/", "Microsoft.ManagedIdentity/", "Microsoft.Resources/subscriptions"}},
	{"service-fabric", []string{"Microsoft.ServiceFabric/"}},
}

func TestEveryFamilyHasEightRecommendations(t *testing.T) {
	library := load(t)
	for _, f := range families {
		t.Run(f.name, func(t *testing.T) {
			n := 0
			for _, r := range library.Recommendations {
				if concerns(r, f.types) {
					n++
				}
			}
			if n < 8 {
				t.Errorf("%d recommendations, want at least 8", n)
			}
		})
	}
}

func concerns(r *content.Recommendation, starts []string) bool {
	for _, typ := range r.Types {
		for _, start := range starts {
			if strings.HasPrefix(strings.ToLower(typ), strings.ToLower(start)) {
				return true
			}
		}
	}
	return false
}

func TestSizeOfTheLibrary(t *testing.T) {
	library := load(t)
	if n := len(library.Recommendations); n < 260 {
		t.Errorf("%d recommendations, want at least 260", n)
	}
	if n := len(normalised(t, library)); n < 200 {
		t.Errorf("%d distinct rules, want at least 200", n)
	}
	if n := len(library.Controls); n != 15 {
		t.Errorf("%d controls, want 15", n)
	}
	points := 0
	for _, c := range library.Controls {
		points += c.Max
	}
	if points != 58 {
		t.Errorf("controls sum to %d points, want 58", points)
	}
}

// normalised groups recommendations by what their rule says once letter case,
// the order of keys and the resource type's own name are gone: two services
// with the same switch count once.
func normalised(t testing.TB, library *content.Library) map[string][]string {
	t.Helper()
	groups := make(map[string][]string)
	for _, r := range library.Recommendations {
		text := strings.ToLower(sorted(t, r.If) + sorted(t, r.Details))
		for _, typ := range r.Types {
			text = strings.ReplaceAll(text, strings.ToLower(typ), "type")
		}
		groups[text] = append(groups[text], r.Name)
	}
	return groups
}

// sorted is JSON with its keys in order, "" for nothing.
func sorted(t testing.TB, text json.RawMessage) string {
	t.Helper()
	if text == nil {
		return ""
	}
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	ordered, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(ordered)
}

// TestIDs checks content/ids.tsv: every recommendation of the library is in it
// with its source, and nothing else.
func TestIDs(t *testing.T) {
	library := load(t)
	data, err := fs.ReadFile(content.FS, "ids.tsv")
	if err != nil {
		t.Fatal(err)
	}
	listed := make(map[string]bool)
	for i, line := range strings.Split(strings.TrimSpace(string(data)), "\n")[1:] {
		f := strings.Split(line, "\t")
		if len(f) != 3 {
			t.Fatalf("line %d: %d columns, want 3", i+2, len(f))
		}
		if r := library.Recommendation(f[1]); r == nil || r.Name != f[0] {
			t.Errorf("%s: no recommendation with id %s", f[0], f[1])
		}
		listed[f[0]] = true
	}
	for _, r := range library.Recommendations {
		if !listed[r.Name] {
			t.Errorf("%s is missing", r.Name)
		}
	}
}

// TestProducersAreNamed demands a row of producers.tsv for every recommendation
// over documents that only something of ours can write.
func TestProducersAreNamed(t *testing.T) {
	library := load(t)
	for _, r := range library.Recommendations {
		var details struct{ Type string }
		if r.Details == nil {
			continue
		}
		if err := json.Unmarshal(r.Details, &details); err != nil {
			t.Fatal(err)
		}
		p, named := library.Producer(r.ID)
		if p.Package == "internal/posture/policy" {
			continue // the rule itself computes it
		}
		if own := ownDocument(details.Type); own != named {
			t.Errorf("%s: looks at %s, named in producers.tsv: %v", r.Name, details.Type, named)
		}
		if named && !strings.EqualFold(p.Document, details.Type) {
			t.Errorf("%s: producer writes %s, the rule reads %s", r.Name, p.Document, details.Type)
		}
	}
}

// ownDocument reports whether documents of a type are written by us and not by
// a cloud's control plane.
func ownDocument(typ string) bool {
	switch strings.ToLower(typ) {
	case "microsoft.security/pricings", "microsoft.security/securitycontacts":
		return false
	}
	return strings.HasPrefix(strings.ToLower(typ), "microsoft.security/") ||
		strings.EqualFold(typ, "Microsoft.GuestConfiguration/guestConfigurationAssignments")
}

// placeholder finds what fixes may leave to be filled in.
var placeholder = regexp.MustCompile(`\{[A-Za-z]+\}`)

func TestFixesUseKnownPlaceholders(t *testing.T) {
	known := map[string]bool{"{id}": true, "{name}": true, "{resourceGroup}": true, "{subscription}": true, "{parent}": true}
	for _, r := range load(t).Recommendations {
		texts := map[string]string{"az": r.Remediation.Az, "patch": string(r.Remediation.Patch), "create": string(r.Remediation.Create)}
		for key, text := range texts {
			for _, p := range placeholder.FindAllString(text, -1) {
				if !known[p] {
					t.Errorf("%s: %s uses %s", r.Name, key, p)
				}
			}
		}
	}
}

// TestAwaits: what nothing produces yet is said of exactly the recommendations
// that producers.tsv lists so.
func TestAwaits(t *testing.T) {
	l := load(t)
	awaited := 0
	for _, r := range l.Recommendations {
		p, ok := l.Producer(r.ID)
		if want := ok && p.Package == content.NotYet; (r.Awaits() != nil) != want {
			t.Errorf("%s awaits %v, want one: %v", r.Name, r.Awaits(), want)
		}
		if r.Awaits() != nil {
			awaited++
		}
	}
	if awaited == 0 {
		t.Error("nothing is awaited: this test shows nothing")
	}
}
