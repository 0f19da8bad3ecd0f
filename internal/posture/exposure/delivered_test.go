package exposure

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// TestThinDocumentsAreUnknown: a document that is there without what decides is as
// good as none, whether the source says so or not.
func TestThinDocumentsAreUnknown(t *testing.T) {
	for _, at := range []struct{ kind, name, path string }{
		{"vm", "web", "properties.networkProfile.networkInterfaces"}, {"nic", "web", "properties.ipConfigurations"}, {"nsg", "nic", "properties.securityRules"}, {"vnet", "v", "properties.subnets"},
	} {
		for _, body := range []string{`{}`, `{"properties":null}`} {
			n := network(t)
			put(t, n, at.kind, at.name, body)
			if doc := n.Documents(time.Unix(0, 0))[0]; !doc.Deleted && !hides(doc.Unavailable, "properties.internetExposed") {
				t.Errorf("%s/%s as %s: unavailable %q", at.kind, at.name, body, doc.Unavailable)
			}
		}
	}
	for _, at := range []struct{ kind, name, declared string }{
		{"vm", "web", "properties.networkProfile no permission"}, {"nic", "web", "properties"}, {"nsg", "nic", "properties.securityRules[*].properties"},
	} {
		n := network(t)
		whole := map[string]string{"vm": `{"properties":{"networkProfile":{"networkInterfaces":[]}}}`, "nic": `{"properties":{"ipConfigurations":[]}}`, "nsg": nsg()}[at.kind]
		if err := n.Put(rg+kinds[at.kind]+"/"+at.name, kinds[at.kind], []byte(whole), []string{at.declared}); err != nil {
			t.Fatal(err)
		}
		if doc := n.Documents(time.Unix(0, 0))[0]; !doc.Deleted && !hides(doc.Unavailable, "properties.internetExposed") {
			t.Errorf("%s/%s without %s: unavailable %q", at.kind, at.name, at.declared, doc.Unavailable)
		}
	}
	n := network(t)
	put(t, n, "vm", "web", `{"properties":null}`)
	if doc := n.Documents(time.Unix(0, 0))[0]; !doc.Deleted {
		t.Errorf("without interfaces there is a document: %s", doc.Body)
	}
}

func hides(unavailable []string, path string) bool {
	return slices.ContainsFunc(unavailable, func(s string) bool { return strings.HasPrefix(s, path+" ") })
}
