package msrc

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rampart-sec/rampart/internal/vuln/advisory/cvss"
)

const jsonForm = `{"DocumentTitle":{"Value":"January"},"DocumentTracking":{"Identification":{"ID":{"Value":"2026-Jan"}},"CurrentReleaseDate":"2026-01-13T08:00:00"},
 "ProductTree":{"FullProductName":[{"ProductID":"1","Value":"Windows Server 2022"},{"ProductID":"2","Value":"Windows 10 Version 22H2 for x64-based Systems"},{"ProductID":"3","Value":"Tool"}]},
 "Vulnerability":[
  {"Title":{"Value":"Kernel"},"CVE":"CVE-2026-1001","ProductStatuses":[{"ProductID":["1","2","9"],"Type":3}],
   "Threats":[{"Description":{"Value":"Critical"},"ProductID":["1"],"Type":3},{"Description":{"Value":"Publicly Disclosed:No;Exploited:Yes;Latest Software Release:N/A"},"Type":1}],
   "CVSSScoreSets":[{"BaseScore":9.0,"Vector":"CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:C/C:H/I:H/A:H","ProductID":["1"]}],
   "Remediations":[{"Description":{"Value":"5034129"},"Supercedence":"5033118","FixedBuild":"10.0.20348.2227","ProductID":["1"],"Type":2,"SubType":"Security Update"},
    {"Description":{"Value":"5034122"},"Supercedence":"KB5033372","FixedBuild":"10.0.19045.3930","ProductID":["2"],"Type":2},{"Description":{"Value":"Turn it off"},"ProductID":["1"],"Type":0}]},
  {"Title":{"Value":"Tool"},"CVE":"CVE-2026-1002","ProductStatuses":[{"ProductID":["3"],"Type":3}],"Remediations":[{"Description":{"Value":"5000001"},"Supercedence":"","ProductID":["3"],"Type":2}]},
  {"Title":{"Value":"Chromium"},"CVE":"ADV26","ProductStatuses":[{"ProductID":["3"],"Type":3}]}]}`

const xmlText = `<?xml version="1.0"?><cvrf:cvrfdoc xmlns:cvrf="http://www.icasi.org/CVRF/schema/cvrf/1.1" xmlns:prod="http://www.icasi.org/CVRF/schema/prod/1.1" xmlns:vuln="http://www.icasi.org/CVRF/schema/vuln/1.1">
<cvrf:DocumentTracking><cvrf:Identification><cvrf:ID>2026-Feb</cvrf:ID></cvrf:Identification><cvrf:CurrentReleaseDate>2026-02-10T08:00:00Z</cvrf:CurrentReleaseDate></cvrf:DocumentTracking>
<prod:ProductTree><prod:FullProductName ProductID="1">Windows Server 2022</prod:FullProductName></prod:ProductTree>
<vuln:Vulnerability Ordinal="1"><vuln:Title>Later</vuln:Title><vuln:CVE>CVE-2026-2001</vuln:CVE>
<vuln:ProductStatuses><vuln:Status Type="Known Affected"><vuln:ProductID>1</vuln:ProductID></vuln:Status></vuln:ProductStatuses>
<vuln:Threats><vuln:Threat Type="Severity"><vuln:Description>Important</vuln:Description><vuln:ProductID>1</vuln:ProductID></vuln:Threat></vuln:Threats>
<vuln:Remediations><vuln:Remediation Type="Vendor Fix"><vuln:Description>5034770</vuln:Description><vuln:Supercedence>5034129</vuln:Supercedence><vuln:ProductID>1</vuln:ProductID><vuln:FixedBuild>10.0.20348.2322</vuln:FixedBuild></vuln:Remediation></vuln:Remediations>
</vuln:Vulnerability></cvrf:cvrfdoc>`

const csafText = `{"document":{"category":"csaf_vex","csaf_version":"2.0","publisher":{"name":"Microsoft Security Response Center"},"tracking":{"id":"msrc_CVE-2026-3001","current_release_date":"2026-03-10T08:00:00Z"}},
 "product_tree":{"branches":[{"category":"vendor","name":"Microsoft","branches":[{"category":"product_name","name":"Windows Server 2022","branches":[
  {"category":"product_version_range","name":"<10.0.20348.2400","product":{"name":"Windows Server 2022 <10.0.20348.2400","product_id":"1"}},
  {"category":"product_version","name":"10.0.20348.2400","product":{"name":"Windows Server 2022 10.0.20348.2400","product_id":"2"}}]}]}]},
 "vulnerabilities":[{"cve":"CVE-2026-3001","title":"Newest","product_status":{"known_affected":["1"],"fixed":["2"]},
  "remediations":[{"category":"vendor_fix","details":"10.0.20348.2400:Security Update:https://support.microsoft.com/help/5035857","product_ids":["1"]}],
  "threats":[{"category":"impact","details":"Elevation of Privilege"},{"category":"exploit_status","details":"Exploited:Yes"}],
  "scores":[{"cvss_v3":{"vectorString":"CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H"},"products":["1"]}]}]}`

func catalog(t *testing.T, texts ...string) *Catalog {
	t.Helper()
	c := NewCatalog()
	for _, text := range texts {
		b, err := Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		c.Add(b)
	}
	return c
}

func TestMatch(t *testing.T) {
	c := catalog(t, jsonForm, xmlText, csafText)
	server := func(build string, kbs ...string) Machine { return Machine{"Windows Server 2022", build, kbs} }
	all := []string{"CVE-2026-1001=10.0.20348.2227 (KB5034129)", "CVE-2026-2001=10.0.20348.2322 (KB5034770)", "CVE-2026-3001=10.0.20348.2400 (KB5035857)"}
	tests := map[string]struct {
		m    Machine
		want []string
	}{
		"by-build":             {server("10.0.20348.2159"), all},
		"between":              {server("10.0.20348.2227"), all[1:]},
		"newest":               {server("10.0.20348.2400"), nil},
		"numbers-not-text":     {server("10.0.20348.10000"), nil},
		"by-update":            {server("", "KB5034129"), all[1:]},
		"superseded":           {server("", "5034770"), all[2:]},
		"old-update":           {server("", "KB5033118"), all},
		"no-updates":           {Machine{"windows server  2022", "", []string{}}, all},
		"build-of-another":     {server("10.0.25398.1"), []string{"CVE-2026-1001=", "CVE-2026-2001=", "CVE-2026-3001="}},
		"other-product":        {Machine{"Windows 10 Version 22H2 for x64-based Systems", "10.0.19045.3929", nil}, []string{"CVE-2026-1001=10.0.19045.3930 (KB5034122)"}},
		"update-without-build": {Machine{"Tool", "1.0.0.0", []string{"1"}}, []string{"CVE-2026-1002=KB5000001"}},
		"undecided":            {Machine{"Tool", "1.0.0.0", nil}, []string{"gap: the bulletin names an update without a build, and the machine's updates are not known"}},
		"nothing-known":        {server(""), []string{"gap: neither its build nor its updates are known"}},
		"unheard-of":           {Machine{"Windows 3.11", "3.11.0.0", nil}, []string{"gap: no bulletin names the product"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := c.Match(tt.m)
			var got []string
			for _, f := range r.Findings {
				got = append(got, f.ID+"="+f.FixedVersion)
			}
			for _, g := range r.Gaps {
				got = append(got, "gap: "+g.Reason)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	f := c.Match(server("10.0.20348.1")).Findings
	if f[0].Severity != cvss.Critical || f[0].CVSS != 9 || f[1].Severity != cvss.High || f[2].Severity != cvss.High || f[2].CVSS != 7.8 {
		t.Errorf("%+v", f)
	}
}

func TestSupersedenceInCircles(t *testing.T) {
	c := NewCatalog()
	c.Add(&Bulletin{Vulnerabilities: []Vulnerability{{CVE: "CVE-2026-1", Products: []Rating{{Product: "p"}}, Updates: []Update{
		{KB: "1000001", Supersedes: []string{"1000002"}, Products: []string{"p"}}, {KB: "1000002", Supersedes: []string{"1000001"}, Products: []string{"p"}}}}}})
	if r := c.Match(Machine{Product: "p", KBs: []string{"KB1000002"}}); len(r.Findings) != 0 {
		t.Errorf("%+v", r)
	}
}

func TestNoBulletin(t *testing.T) {
	for _, text := range []string{"", "{}", "<a/>", "<a", "[]", `{"Vulnerability":[{"CVE":"CVE-1"}]}`, `{"csaf_version":"2.0","document":{"tracking":{},"category":"x","publisher":{"name":"Other"}},"vulnerabilities":[{"cve":"CVE-1"}]}`} {
		if _, err := Parse([]byte(text)); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(jsonForm))
	f.Add([]byte(xmlText))
	f.Add([]byte(csafText))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := Parse(data)
		if err != nil {
			return
		}
		c := NewCatalog()
		c.Add(b)
		for _, p := range b.Vulnerabilities[0].Products {
			c.Match(Machine{p.Product, "10.0.20348.1", nil})
			c.Match(Machine{p.Product, "", []string{"KB5034129"}})
		}
	})
}
