package judge

import (
	"fmt"
	"io/fs"
	"strings"
	"testing/fstest"

	"github.com/google/uuid"
)

// testContent is a library small enough to count by hand: two storage
// recommendations in one control, one that looks for a child in another, one
// on vaults that is preview, and one about old data.
var testContent = func() fs.FS {
	files := fstest.MapFS{
		"controls/transit.yaml":  {Data: []byte("id: transit\nname: 0e55495e-034f-4abc-8293-767229250176\ntitle: Encrypt data in transit\ndescription: d\nmax: 4\n")},
		"controls/network.yaml":  {Data: []byte("id: network\nname: 1e55495e-034f-4abc-8293-767229250176\ntitle: Restrict network access\ndescription: d\nmax: 6\n")},
		"controls/practice.yaml": {Data: []byte("id: practice\nname: 2e55495e-034f-4abc-8293-767229250176\ntitle: Best practices\ndescription: d\nmax: 0\n")},
		"standards/mcsb.yaml":    {Data: []byte("id: mcsb\nname: mcsb\ntitle: Benchmark\nversion: '1'\ncontrols:\n- {number: A-1, domain: d, title: t}\n")},
	}
	for _, r := range testRecommendations {
		files["policies/test/"+r.name+".yaml"] = &fstest.MapFile{Data: []byte(r.yaml())}
	}
	return files
}()

type testRecommendation struct {
	name, typ, severity, control, effect, body, patch, extra string
	good, bad                                                string // properties of the examples
}

const StorageType = "Microsoft.Storage/storageAccounts"

var testRecommendations = []testRecommendation{
	{
		name: "storage-https", typ: StorageType, severity: "high", control: "transit", effect: "audit",
		body:  "{field: Microsoft.Storage/storageAccounts/supportsHttpsTrafficOnly, notEquals: true}",
		patch: "{op: add, path: /properties/supportsHttpsTrafficOnly, value: true}",
		good:  "supportsHttpsTrafficOnly: true", bad: "supportsHttpsTrafficOnly: false",
	},
	{
		name: "storage-tls", typ: StorageType, severity: "medium", control: "transit", effect: "audit",
		body:  "{field: Microsoft.Storage/storageAccounts/minimumTlsVersion, equals: TLS1_0}",
		patch: "{op: add, path: /properties/minimumTlsVersion, value: TLS1_2}",
		good:  "minimumTlsVersion: TLS1_2", bad: "minimumTlsVersion: TLS1_0",
	},
	{
		name: "storage-public", typ: StorageType, severity: "medium", control: "network", effect: "audit",
		body:  "{field: Microsoft.Storage/storageAccounts/allowBlobPublicAccess, equals: true}",
		patch: "{op: add, path: /properties/allowBlobPublicAccess, value: false}",
		good:  "allowBlobPublicAccess: false", bad: "allowBlobPublicAccess: true",
	},
	{
		name: "vault-purge", typ: "Microsoft.KeyVault/vaults", severity: "low", control: "practice", effect: "audit",
		body:  "{field: Microsoft.KeyVault/vaults/enablePurgeProtection, notEquals: true}",
		patch: "{op: add, path: /properties/enablePurgeProtection, value: true}", extra: "preview: true\n",
		good: "enablePurgeProtection: true", bad: "enablePurgeProtection: false",
	},
	{
		name: currentDataName, typ: "Microsoft.HybridCompute/machines", severity: "medium", control: "practice", effect: "audit",
		body:  "{field: Microsoft.HybridCompute/machines/status, equals: Disconnected}",
		patch: "{op: add, path: /properties/status, value: Connected}", extra: "uncounted: true\n",
		good: "status: Connected", bad: "status: Disconnected",
	},
	{
		name: "machine-baseline", typ: "Microsoft.HybridCompute/machines", severity: "low", control: "practice", effect: "audit",
		body:  "{field: Microsoft.HybridCompute/machines/osName, equals: none}",
		patch: "{op: add, path: /properties/osName, value: linux}", extra: "findingsOf: baseline\n",
		good: "osName: linux", bad: "osName: none",
	},
}

func (r testRecommendation) id() string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("https://rampart.dev/recommendations/"+r.name)).String()
}

func (r testRecommendation) yaml() string {
	var b strings.Builder
	fmt.Fprintf(&b, "id: %s\nname: %s\nversion: 1.0.0\ntitle: %s should be right\ndescription: d\nthreat: t\nthreats: [dataExfiltration]\n", r.id(), r.name, r.name)
	fmt.Fprintf(&b, "severity: %s\ncontrol: %s\ncategory: Data\ntypes: [%s]\n%seffect: %s\n", r.severity, r.control, r.typ, r.extra, r.effect)
	fmt.Fprintf(&b, "if:\n  allOf:\n  - {field: type, equals: %s}\n  - %s\n", r.typ, r.body)
	fmt.Fprintf(&b, "remediation:\n  steps: [fix it]\n  patch: [%s]\n  az: az x --ids {id}\n  terraform: x\n", r.patch)
	b.WriteString("effort: low\nuserImpact: low\nimpactNote: None.\ntactics: [Impact]\ntechniques: [T1485]\nstandards:\n  mcsb: [A-1]\nexamples:\n")
	for _, x := range [][3]string{{"good", "healthy", r.good}, {"bad", "unhealthy", r.bad}} {
		fmt.Fprintf(&b, "- name: %s\n  want: %s\n  resource: {id: %s/resourceGroups/rg/providers/%s/x, name: x, type: %s, location: westeurope, properties: {%s}}\n",
			x[0], x[1], TestSub, r.typ, r.typ, x[2])
	}
	return b.String()
}
