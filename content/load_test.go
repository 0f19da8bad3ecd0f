package content

import (
	"maps"
	"strings"
	"testing"
	"testing/fstest"
)

// valid is a small correct library; tests change one file of it.
func valid() fstest.MapFS {
	return fstest.MapFS{
		"controls/encrypt.yaml": file(`{id: encrypt, name: c1, title: Encrypt, description: Encrypts., max: 4}`),
		"standards/mcsb.yaml":   file(`{id: mcsb, name: B, title: Benchmark, version: 1, controls: [{number: DP-3, domain: Data, title: Encrypt}]}`),
		"policies/storage/https.yaml": file(`id: 0a2b9c1e-5c1d-4d6e-8f70-1a2b3c4d5e6f
name: https
version: 1.0.0
title: Things should encrypt
description: Looks at the switch.
threat: Anyone reads.
threats: [dataExfiltration]
severity: high
control: encrypt
category: Data
types: [Example.Store/things]
effect: audit
if:
  allOf:
  - {field: type, equals: Example.Store/things}
  - {field: Example.Store/things/https, notEquals: true}
remediation:
  steps: [Switch it on.]
  patch: [{op: add, path: /properties/https, value: true}]
effort: low
userImpact: low
impactNote: None.
tactics: [Collection]
techniques: [T1040]
standards: {mcsb: [DP-3]}
examples:
- {name: good, want: healthy, resource: {id: /subscriptions/s/resourceGroups/g/providers/Example.Store/things/t, type: Example.Store/things, properties: {https: true}}}
- {name: bad, want: unhealthy, from: good, patch: [{op: replace, path: /properties/https, value: false}]}
`),
	}
}

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

func TestLoadFSReadsEveryPart(t *testing.T) {
	l, err := LoadFS(valid())
	if err != nil {
		t.Fatal(err)
	}
	r := l.Recommendation("0A2B9C1E-5C1D-4D6E-8F70-1A2B3C4D5E6F")
	if r == nil || r.Mode != "All" || r.Family() != "storage" || !r.HasFix() {
		t.Errorf("recommendation read as %+v", r)
	}
	if got := string(r.If); got != `{"allOf":[{"field":"type","equals":"Example.Store/things"},{"field":"Example.Store/things/https","notEquals":true}]}` {
		t.Errorf("if = %s", got)
	}
	if l.Control("encrypt") == nil || l.Control("other") != nil {
		t.Error("controls are looked up wrongly")
	}
}

func TestLoadFSNamesWhatIsWrong(t *testing.T) {
	const name = "policies/storage/https.yaml"
	cases := []struct {
		name, old, new, want string
	}{
		{"unknown-key", "severity: high", "severty: high", `policies/storage/https.yaml:8: unknown key "severty" (did you mean "severity"?)`},
		{"key-twice", "effort: low", "effort: low\neffort: high", `key "effort" is given twice`},
		{"wrong-severity", "severity: high", "severity: bad", `severity "bad" is not one of`},
		{"wrong-effect", "effect: audit", "effect: deny", `effect "deny" is not one of`},
		{"no-control", "control: encrypt", "control: nothing", `no control "nothing"`},
		{"no-standard", "{mcsb: [DP-3]}", "{other: [1]}", `no standard "other"`},
		{"no-number", "DP-3]", "DP-9]", `standard mcsb has no control "DP-9"`},
		{"not-a-guid", "id: 0a2b9c1e-5c1d-4d6e-8f70-1a2b3c4d5e6f", "id: https", `id "https" is not a GUID`},
		{"other-name", "name: https", "name: http", `name "http" is not the file's name`},
		{"no-steps", "steps: [Switch it on.]", "steps: []", "remediation has no steps"},
		{"no-threat", "threat: Anyone reads.", "threat: ''", "threat is missing"},
		{"no-unhealthy", "want: unhealthy", "want: unknown", "examples need at least one healthy and one unhealthy"},
		{"unknown-origin", "from: good", "from: nothing", `no earlier example "nothing"`},
		{"patch-misses", "path: /properties/https, value: false", "path: /properties/tls, value: false", `no member "tls"`},
		{"technique", "[T1040]", "[1040]", `technique "1040" is not an ATT&CK id`},
		{"if-not-object", "if:\n  allOf:\n  - {field: type, equals: Example.Store/things}\n  - {field: Example.Store/things/https, notEquals: true}", "if: [1]", "if is not an object"},
		{"own-effect", "effect: audit", "effect: audit\nparameters: {effect: {type: String}}", "do not declare it"},
		{"audit-details", "effect: audit", "effect: audit\ndetails: {type: A.B/c}", "audit takes no details"},
		{"anchor", "steps: [Switch it on.]", "steps: &s [Switch it on.]", "anchors and aliases are not allowed"},
		{"empty", "", "", ":1: empty file"},
		{"not-yaml", "effort: low", "effort: low: low", name},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			fsys := valid()
			text := strings.Replace(string(fsys[name].Data), c.old, c.new, 1)
			if c.name == "empty" {
				text = ""
			}
			fsys[name] = file(text)
			_, err := LoadFS(fsys)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %s", err, c.want)
			}
		})
	}
}

func TestLoadFSRefusesTheSameIDTwice(t *testing.T) {
	fsys := valid()
	text := string(fsys["policies/storage/https.yaml"].Data)
	fsys["policies/storage/tls.yaml"] = file(strings.Replace(text, "name: https", "name: tls", 1))
	_, err := LoadFS(fsys)
	if err == nil || !strings.Contains(err.Error(), "is also that of") {
		t.Errorf("error %v", err)
	}
}

func TestLoadFSReportsEveryFile(t *testing.T) {
	fsys := valid()
	maps.Copy(fsys, fstest.MapFS{
		"controls/other.yaml": file("{id: other, points: 3}"),
		"producers.tsv":       file("heading\nx\ty"),
	})
	_, err := LoadFS(fsys)
	for _, want := range []string{`controls/other.yaml:1: unknown key "points"`, "producers.tsv:2: want 4 columns, got 2"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v lacks %s", err, want)
		}
	}
}

func FuzzReadRecommendation(f *testing.F) {
	f.Add(valid()["policies/storage/https.yaml"].Data)
	f.Add([]byte("if: {a: 0x10, b: .inf, c: 1e400, d: 2026-01-01}"))
	f.Add([]byte("a: &a [*a]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if r, err := ReadRecommendation("policies/fuzz/fuzz.yaml", data); err == nil {
			r.Definition() // must not panic on what the reader accepts
		}
	})
}
