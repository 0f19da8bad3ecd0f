package coverage_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/sigma"
	"github.com/rampart-sec/rampart/internal/threat/sigma/coverage"
)

const rules = `title: one
tags: [attack.execution, attack.t1059.001, attack.T1059.001, attack.t12, attack.g0001]
logsource: {product: windows, category: process_creation}
detection: {s: {Image: a}, condition: s}
---
title: two
tags: [attack.t1059]
logsource: {product: windows, category: process_creation}
detection: {s: {Image: a, Hashes: b}, condition: s}
---
title: three
tags: [attack.t1059]
logsource: {product: linux}
detection: {s: {Image: a}, condition: s}
`

func TestCoverage(t *testing.T) {
	set := sigma.Read("x.yml", []byte(rules))
	if len(set.Failed) > 0 || len(set.Rules) != 3 {
		t.Fatal(set.Failed)
	}
	logs := coverage.Delivered{}
	var r event.Record
	r.Reset(sigma.Compile(set.Rules).Schema())
	r.Kind = event.NewKind("windows", []string{"process_creation"}, []string{"sysmon"})
	r.AddString("Image", "x")
	logs.See(&r)

	var reach []coverage.Reach
	var absent [][]string
	for _, rule := range set.Rules {
		x, fields := logs.Reach(rule)
		reach, absent = append(reach, x), append(absent, fields)
	}
	if diff := cmp.Diff([]coverage.Reach{coverage.CanFire, coverage.NoField, coverage.NoSource}, reach); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([][]string{nil, {"Hashes"}, nil}, absent); diff != "" {
		t.Error(diff)
	}
	type counts struct {
		ID             string
		Rules, CanFire int
	}
	count := func(logs coverage.Delivered) (out []counts) {
		for _, x := range coverage.Techniques(set.Rules, logs) {
			out = append(out, counts{x.ID, len(x.Rules), x.CanFire})
		}
		return out
	}
	if diff := cmp.Diff([]counts{{"T1059", 2, 2}, {"T1059.001", 1, 1}}, count(nil)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]counts{{"T1059", 2, 0}, {"T1059.001", 1, 1}}, count(logs)); diff != "" {
		t.Error(diff)
	}
	var b strings.Builder
	if err := coverage.WriteLayer(&b, "x", coverage.Techniques(set.Rules, logs)); err != nil {
		t.Fatal(err)
	}
	if !json.Valid([]byte(b.String())) || !strings.Contains(b.String(), `"techniqueID": "T1059.001"`) {
		t.Error(b.String())
	}
}
