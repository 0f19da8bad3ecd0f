package engine

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// estateOf makes n synthetic resources of the kinds that the benchmark judges
// most, their children included: about 640 bytes of JSON each.
func estateOf(n int, seed uint64) []wire.Document {
	g := &estateMaker{Rand: rand.New(rand.NewPCG(seed, 3))}
	for i := 0; len(g.docs) < n; i++ {
		g.resource(i)
	}
	return g.docs[:n]
}

type estateMaker struct {
	*rand.Rand
	docs []wire.Document
}

func (g *estateMaker) pick(choices ...string) string { return choices[g.IntN(len(choices))] }

func (g *estateMaker) add(id, typ, rest string) {
	name := id[len(id)-12:]
	for i := len(id) - 1; i >= 0; i-- {
		if id[i] == '/' {
			name = id[i+1:]
			break
		}
	}
	body := fmt.Sprintf(`{"id":%q,"name":%q,"type":%q,"location":%q,"tags":{"env":%q,"owner":"team-%02d","costCenter":"cc-%04d"},%s}`,
		id, name, typ, g.pick("westeurope", "northeurope", "eastus"), g.pick("prod", "test", "dev"), g.IntN(30), g.IntN(2000), rest)
	g.docs = append(g.docs, wire.Document{ID: id, Type: typ, Body: []byte(body)})
}

func (g *estateMaker) resource(i int) {
	sub := fmt.Sprintf("/subscriptions/%08d-1111-2222-3333-444444444444", i/2000)
	group := fmt.Sprintf("%s/resourceGroups/rg-%03d", sub, i%40)
	at := func(typ, name string) string { return group + "/providers/" + typ + "/" + name }
	if i%2000 == 0 {
		g.add(sub, arm.TypeSubscription, `"subscriptionId":"`+sub[15:]+`","state":"Enabled"`)
		for _, plan := range []string{"VirtualMachines", "StorageAccounts", "SqlServers"} {
			g.add(sub+"/providers/Microsoft.Security/pricings/"+plan, "Microsoft.Security/pricings", `"properties":{"pricingTier":"`+g.pick("Free", "Standard")+`"}`)
		}
	}
	switch i % 6 {
	case 0:
		g.add(at("Microsoft.Storage/storageAccounts", fmt.Sprintf("st%08d", i)), "Microsoft.Storage/storageAccounts", fmt.Sprintf(
			`"kind":"StorageV2","sku":{"name":"Standard_LRS","tier":"Standard"},"properties":{"provisioningState":"Succeeded","supportsHttpsTrafficOnly":%t,`+
				`"allowBlobPublicAccess":%t,"allowSharedKeyAccess":%t,"minimumTlsVersion":%q,"networkAcls":{"bypass":"AzureServices","defaultAction":%q,"ipRules":[],`+
				`"virtualNetworkRules":[]},"publicNetworkAccess":"Enabled","privateEndpointConnections":[],"encryption":{"keySource":"Microsoft.Storage"}}`,
			g.IntN(2) == 0, g.IntN(2) == 0, g.IntN(2) == 0, g.pick("TLS1_0", "TLS1_2"), g.pick("Allow", "Deny")))
	case 1:
		id := at("Microsoft.Compute/virtualMachines", fmt.Sprintf("vm-%08d", i))
		g.add(id, "Microsoft.Compute/virtualMachines", fmt.Sprintf(
			`"properties":{"vmId":"0f0f0f0f-1111-2222-3333-%012d","hardwareProfile":{"vmSize":"Standard_D4s_v5"},"storageProfile":{"imageReference":`+
				`{"publisher":%q,"offer":%q,"sku":%q,"version":"latest"},"osDisk":{"osType":%q,"managedDisk":{"id":"/d/%d"}}},"securityProfile":`+
				`{"encryptionAtHost":%t},"osProfile":{"computerName":"vm%d","linuxConfiguration":{"disablePasswordAuthentication":true}}}`,
			i, g.pick("Canonical", "MicrosoftWindowsServer", "RedHat", "OpenLogic"), g.pick("UbuntuServer", "WindowsServer", "RHEL", "CentOS"),
			g.pick("18.04-LTS", "2019-Datacenter", "8.2"), g.pick("Linux", "Windows"), i, g.IntN(2) == 0, i))
		g.add(id+"/extensions/agent", "Microsoft.Compute/virtualMachines/extensions", fmt.Sprintf(
			`"properties":{"publisher":%q,"type":"Agent","provisioningState":"Succeeded","autoUpgradeMinorVersion":true}`, g.pick("Microsoft.GuestConfiguration", "Microsoft.Azure.Monitor")))
	case 2:
		rules := ""
		for k := range 2 + g.IntN(4) {
			if k > 0 {
				rules += ","
			}
			rules += fmt.Sprintf(`{"name":"r%d","properties":{"priority":%d,"protocol":"Tcp","access":%q,"direction":"Inbound","sourceAddressPrefix":%q,"destinationPortRange":%q}}`,
				k, 100+k, g.pick("Allow", "Deny"), g.pick("*", "10.0.0.0/8", "Internet"), g.pick("22", "443", "3389"))
		}
		g.add(at("Microsoft.Network/networkSecurityGroups", fmt.Sprintf("nsg-%08d", i)), "Microsoft.Network/networkSecurityGroups", `"properties":{"securityRules":[`+rules+`]}`)
	case 3:
		id := at("Microsoft.KeyVault/vaults", fmt.Sprintf("kv-%08d", i))
		g.add(id, "Microsoft.KeyVault/vaults", fmt.Sprintf(
			`"properties":{"tenantId":"99999999-8888-7777-6666-555555555555","sku":{"family":"A","name":"standard"},"enablePurgeProtection":%t,"enableSoftDelete":true,`+
				`"enableRbacAuthorization":%t,"publicNetworkAccess":%q,"networkAcls":{"defaultAction":%q},"privateEndpointConnections":[],"accessPolicies":[{"objectId":`+
				`"12121212-3434-5656-7878-909090909090","permissions":{"keys":["get","list"],"secrets":["get"]}}]}`,
			g.IntN(2) == 0, g.IntN(2) == 0, g.pick("Enabled", "Disabled"), g.pick("Allow", "Deny")))
		g.add(id+"/providers/Microsoft.Insights/diagnosticSettings/all", "Microsoft.Insights/diagnosticSettings", fmt.Sprintf(
			`"properties":{"workspaceId":"/w/1","logs":[{"category":"AuditEvent","enabled":%t,"retentionPolicy":{"enabled":true,"days":"365"}}],"metrics":[]}`, g.IntN(2) == 0))
	case 4:
		g.add(at("Microsoft.Sql/servers", fmt.Sprintf("sql-%08d", i)), "Microsoft.Sql/servers", fmt.Sprintf(
			`"kind":"v12.0","properties":{"administratorLogin":"dba","version":"12.0","state":"Ready","privateEndpointConnections":[],"minimalTlsVersion":%q,`+
				`"publicNetworkAccess":%q,"administrators":{"administratorType":"ActiveDirectory","azureADOnlyAuthentication":%t}}`,
			g.pick("1.0", "1.2"), g.pick("Enabled", "Disabled"), g.IntN(2) == 0))
	case 5:
		id := at("Microsoft.Web/sites", fmt.Sprintf("app-%08d", i))
		g.add(id, "Microsoft.Web/sites", fmt.Sprintf(
			`"kind":%q,"identity":{"type":"SystemAssigned"},"properties":{"state":"Running","httpsOnly":%t,"clientCertEnabled":%t,"publicNetworkAccess":%q,"siteConfig":{}}`,
			g.pick("app", "app,linux", "functionapp"), g.IntN(2) == 0, g.IntN(2) == 0, g.pick("Enabled", "Disabled")))
		g.add(id+"/config/web", "Microsoft.Web/sites/config", fmt.Sprintf(
			`"properties":{"ftpsState":%q,"minTlsVersion":%q,"remoteDebuggingEnabled":%t,"http20Enabled":true,"cors":{"allowedOrigins":["*"]},"linuxFxVersion":"PYTHON|3.11"}`,
			g.pick("AllAllowed", "FtpsOnly"), g.pick("1.0", "1.2"), g.IntN(2) == 0))
	}
}

func benchSet(b testing.TB) *Set {
	b.Helper()
	set, report, err := Compile(benchmarkInput(b), Options{Now: instant})
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("%d members, %d rules, %d not usable", report.Members, report.Rules, len(report.Failed))
	return set
}

func loaded(b testing.TB, set *Set, docs []wire.Document) *Estate {
	b.Helper()
	e := NewEstate(set)
	for i := range docs {
		if _, err := e.Load(uint32(i), &docs[i]); err != nil {
			b.Fatal(err)
		}
	}
	e.Evaluate(nil)
	return e
}

// BenchmarkResident is the evaluation of every applicable member on resident
// rows, one processor; ns/evaluation is per member that may apply.
func BenchmarkResident(b *testing.B) {
	e := loaded(b, benchSet(b), estateOf(10_000, 1))
	b.ReportAllocs()
	w := newWorker(e)
	evaluations := 0
	took := cpu(b, func() {
		e.each(func(_ uint32, x *entry) {
			w.judgeAll(x)
			evaluations += len(x.plan.members)
		})
	})
	b.ReportMetric(float64(took.Nanoseconds())/float64(evaluations), "cpu-ns/evaluation")
	b.ReportMetric(float64(took.Nanoseconds())/float64(b.N*e.Len()), "cpu-ns/resource")
	b.ReportMetric(float64(evaluations)/float64(b.N*e.Len()), "evaluations/resource")
}

// BenchmarkDecodeAndJudge is one document from its bytes to all its verdicts.
func BenchmarkDecodeAndJudge(b *testing.B) {
	docs := estateOf(10_000, 1)
	e := loaded(b, benchSet(b), docs)
	w := newWorker(e)
	size := 0
	for _, d := range docs {
		size += len(d.Body)
	}
	b.SetBytes(int64(size / len(docs)))
	b.ReportAllocs()
	i := 0
	took := cpu(b, func() {
		h := uint32(i % len(docs))
		x := e.entry(h)
		doc := &docs[h]
		if err := w.dec.document(x.typ.program, doc, &subject{typ: doc.Type}); err != nil {
			b.Fatal(err)
		}
		y := *x
		y.row = w.dec.appendRow(w.row[:0])
		w.row = y.row
		w.judgeAll(&y)
		i++
	})
	b.ReportMetric(float64(took.Nanoseconds())/float64(b.N), "cpu-ns/op")
}

// BenchmarkUpsert is one changed property of one resource, with its parents.
func BenchmarkUpsert(b *testing.B) {
	docs := estateOf(10_000, 1)
	e := loaded(b, benchSet(b), docs)
	changed := estateOf(10_000, 2)
	b.ReportAllocs()
	times := make([]time.Duration, 0, 1<<20)
	flips, i := 0, 0
	took := cpu(b, func() {
		doc := &changed[i%len(docs)]
		if i/len(docs)%2 == 1 {
			doc = &docs[i%len(docs)]
		}
		start := time.Now()
		out, err := e.Upsert(uint32(i%len(docs)), doc)
		if err != nil {
			b.Fatal(err)
		}
		times = append(times, time.Since(start))
		flips += len(out)
		i++
	})
	slices.Sort(times)
	b.ReportMetric(float64(took.Nanoseconds())/float64(b.N), "cpu-ns/op")
	b.ReportMetric(float64(times[len(times)*99/100].Nanoseconds()), "p99-ns")
	b.ReportMetric(float64(flips)/float64(len(times)), "flips/op")
}

// BenchmarkMillion loads a million resources and evaluates them in full.
func BenchmarkMillion(b *testing.B) {
	if testing.Short() {
		b.Skip("needs a gigabyte")
	}
	set, docs := benchSet(b), estateOf(1_000_000, 1)
	size := 0
	for _, d := range docs {
		size += len(d.Body)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	start := time.Now()
	e := NewEstate(set)
	for i := range docs {
		if _, err := e.Load(uint32(i), &docs[i]); err != nil {
			b.Fatal(err)
		}
	}
	load := time.Since(start)
	e.Evaluate(nil)
	runtime.GC()
	runtime.ReadMemStats(&after)
	verdicts := 0
	e.each(func(_ uint32, x *entry) { verdicts += len(x.plan.members) })
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	took := processTime(b)
	for b.Loop() {
		e.Evaluate(nil)
	}
	b.ReportMetric((processTime(b)-took).Seconds()/float64(b.N), "cpu-s/sweep")
	b.ReportMetric(load.Seconds(), "load-s")
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(len(docs)), "B/resource")
	b.ReportMetric(float64(size)/float64(len(docs)), "json-B/resource")
	b.ReportMetric(float64(verdicts), "verdicts")
	runtime.KeepAlive(docs)
}

// BenchmarkSubscriptionFlip is a related resource that decides for every
// resource of a subscription: its verdicts flip all at once.
func BenchmarkSubscriptionFlip(b *testing.B) {
	d := definition(b, "watcher", `{"if":{"field":"type","equals":"Microsoft.Web/sites"},"then":{"effect":"auditIfNotExists",
		"details":{"type":"Microsoft.Network/networkWatchers","existenceScope":"subscription","existenceCondition":{"field":"location","equals":"westeurope"}}}}`)
	set, _, err := Compile(Input{Definitions: []*policy.Definition{d}, Assignments: assign(b, testSub, d)}, Options{})
	if err != nil {
		b.Fatal(err)
	}
	e := NewEstate(set)
	const sites = 100_000
	for i := range uint32(sites) {
		doc := resource("Microsoft.Web/sites", fmt.Sprintf("a%d", i), obj{})
		if _, err := e.Load(i, &doc); err != nil {
			b.Fatal(err)
		}
	}
	e.Evaluate(nil)
	here := resource("Microsoft.Network/networkWatchers", "w", obj{"location": "West Europe"})
	there := resource("Microsoft.Network/networkWatchers", "w", obj{"location": "eastus"})
	flips := 0
	took := cpu(b, func() {
		for _, doc := range []wire.Document{here, there} {
			out, err := e.Upsert(sites, &doc)
			if err != nil {
				b.Fatal(err)
			}
			flips += len(out)
		}
	})
	b.ReportMetric(float64(took.Nanoseconds())/float64(flips), "cpu-ns/flip")
}
