package pipeline_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/sigma"
	"github.com/rampart-sec/rampart/internal/threat/sigma/pipeline"
)

const base = `title: x
tags: [attack.t1059]
level: low
logsource: {product: windows, category: process_creation}
detection:
`

// apply changes a rule with one pipeline and gives the detection and log source.
func apply(t *testing.T, steps, detection string) (string, error) {
	t.Helper()
	p, err := pipeline.Parse([]byte("name: test\npriority: 10\nvars:\n  admins: [root, toor]\ntransformations:\n" + steps))
	if err != nil {
		t.Fatal(err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(base+detection), &doc); err != nil {
		t.Fatal(err)
	}
	root := doc.Content[0]
	if err := p.Apply(root); err != nil {
		return "", err
	}
	if _, err := sigma.Parse(root); err != nil {
		t.Errorf("the changed rule does not parse: %v", err)
	}
	var out struct{ Logsource, Detection any }
	if err := root.Decode(&out); err != nil {
		t.Fatal(err)
	}
	text, err := yaml.Marshal(out.Detection)
	return string(text), err
}

func TestTransformations(t *testing.T) {
	const one = "  s: {Image: a, User|contains: b}\n  condition: s\n"
	for name, c := range map[string]struct{ steps, detection, want string }{
		"mapping":            {"- type: field_name_mapping\n  mapping: {Image: exe}\n", one, "condition: s\ns:\n    User|contains: b\n    exe: a\n"},
		"several fields":     {"- type: field_name_mapping\n  mapping: {Image: [exe, path]}\n", one, "condition: s\ns:\n    - User|contains: b\n      exe: a\n    - User|contains: b\n      path: a\n"},
		"several in a list":  {"- type: field_name_mapping\n  mapping: {A: [B, C]}\n", "  s: [{A: 1}, {D: 2}]\n  condition: s\n", "condition: s\ns:\n    - B: 1\n    - C: 1\n    - D: 2\n"},
		"fieldref":           {"- type: field_name_mapping\n  mapping: {A: B}\n", "  s: {X|fieldref: A}\n  condition: s\n", "condition: s\ns:\n    X|fieldref: B\n"},
		"prefix mapping":     {"- type: field_name_prefix_mapping\n  mapping: {win.: w_, win.sys.: s_}\n", "  s: {win.sys.a: 1, win.b: 2}\n  condition: s\n", "condition: s\ns:\n    s_a: 1\n    w_b: 2\n"},
		"prefix":             {"- type: field_name_prefix\n  prefix: 'd.'\n  field_name_conditions: [{type: exclude_fields, fields: [User]}]\n", one, "condition: s\ns:\n    User|contains: b\n    d.Image: a\n"},
		"other log source":   {"- type: field_name_prefix\n  prefix: 'd.'\n  rule_conditions: [{type: logsource, product: linux}]\n", one, "condition: s\ns:\n    Image: a\n    User|contains: b\n"},
		"negated conditions": {"- type: field_name_suffix\n  suffix: _x\n  rule_cond_not: true\n  rule_conditions: [{type: logsource, product: linux}]\n", one, "condition: s\ns:\n    Image_x: a\n    User_x|contains: b\n"},
		"one of conditions":  {"- type: field_name_suffix\n  suffix: _x\n  rule_cond_op: or\n  rule_conditions: [{type: tag, tag: attack.t1059}, {type: contains_field, field: None}]\n", one, "condition: s\ns:\n    Image_x: a\n    User_x|contains: b\n"},
		"drop":               {"- type: drop_detection_item\n  field_name_conditions: [{type: include_fields, fields: [User]}]\n", one, "condition: s\ns:\n    Image: a\n"},
		"drop by value":      {"- type: drop_detection_item\n  detection_item_conditions: [{type: match_string, cond: any, pattern: 'b$'}]\n", one, "condition: s\ns:\n    Image: a\n"},
		"add condition":      {"- type: add_condition\n  template: true\n  conditions: {index: '$product-logs'}\n", one, "_pipeline_0:\n    index: windows-logs\ncondition: _pipeline_0 and (s)\ns:\n    Image: a\n    User|contains: b\n"},
		"negated addition":   {"- type: add_condition\n  negated: true\n  name: old\n  conditions: {x: 1}\n", "  s: {a: 1}\n  condition: s or s\n", "condition: not old and (s or s)\nold:\n    x: 1\ns:\n    a: 1\n"},
		"placeholders":       {"- type: value_placeholders\n", "  s: {User|expand: '%admins%@x'}\n  condition: s\n", "condition: s\ns:\n    User:\n        - root@x\n        - toor@x\n"},
		"wildcards":          {"- type: wildcard_placeholders\n", "  s: {User|expand: 'x%any%'}\n  condition: s\n", "condition: s\ns:\n    User: x*\n"},
		"replace":            {"- type: replace_string\n  regex: '^(a)$'\n  replacement: '\\1\\1'\n", one, "condition: s\ns:\n    Image: aa\n    User|contains: b\n"},
		"map":                {"- type: map_string\n  mapping: {a: [x, y]}\n", one, "condition: s\ns:\n    Image:\n        - x\n        - \"y\"\n    User|contains: b\n"},
		"state":              {"- type: set_state\n  key: k\n  val: v\n- type: field_name_suffix\n  suffix: _x\n  rule_conditions: [{type: processing_state, key: k, val: v}]\n", "  s: {a: 1}\n  condition: s\n", "condition: s\ns:\n    a_x: 1\n"},
		"applied":            {"- id: first\n  type: set_state\n  key: k\n  val: v\n- type: field_name_suffix\n  suffix: _x\n  rule_conditions: [{type: processing_item_applied, processing_item_id: first}]\n", "  s: {a: 1}\n  condition: s\n", "condition: s\ns:\n    a_x: 1\n"},
		"nest":               {"- type: nest\n  items:\n    - type: field_name_suffix\n      suffix: _x\n", "  s: {a: 1}\n  condition: s\n", "condition: s\ns:\n    a_x: 1\n"},
		"keywords stay":      {"- type: field_name_prefix\n  prefix: 'd.'\n", "  s: [one, two]\n  condition: s\n", "condition: s\ns:\n    - one\n    - two\n"},
	} {
		got, err := apply(t, c.steps, c.detection)
		if err != nil || got != c.want {
			t.Errorf("%s: %v\n%s\nwant\n%s", name, err, got, c.want)
		}
	}
}

func TestRulesRefused(t *testing.T) {
	for name, steps := range map[string]string{
		"not supported here": "- type: rule_failure\n  message: not supported here\n",
		"no user field":      "- type: detection_item_failure\n  message: no user field\n  field_name_conditions: [{type: include_fields, fields: [A]}]\n",
		"nothing is left":    "- type: drop_detection_item\n",
	} {
		if _, err := apply(t, steps, "  s: {A: 1}\n  condition: s\n"); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPipelinesRefused(t *testing.T) {
	for want, text := range map[string]string{
		`line 2: unknown transformation "magic"`:            "transformations:\n- type: magic\n",
		`unknown condition "moon" for rules`:                "transformations:\n- type: rule_failure\n  rule_conditions: [{type: moon}]\n",
		"there is no map mapping":                           "transformations:\n- type: field_name_mapping\n",
		"field transformation not found":                    "transformation: []\n",
		"expressions over conditions are not read":          "transformations:\n- type: rule_failure\n  rule_cond_expr: a and b\n",
		"it names neither category nor product nor service": "transformations:\n- type: change_logsource\n",
		"line 1: variable x: its list has more than texts":  "vars: {x: [[1]]}\n",
	} {
		if _, err := pipeline.Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
}

// TestRulesMatchAnotherLog loads a rule for Sysmon with the names of another log
// and lets it match there.
func TestRulesMatchAnotherLog(t *testing.T) {
	dir := t.TempDir()
	rules, first, second := filepath.Join(dir, "r"), filepath.Join(dir, "a.yml"), filepath.Join(dir, "b.yml")
	write(t, filepath.Join(rules, "rule.yml"), base+"  s: {Image|endswith: '\\cmd.exe'}\n  condition: s\n")
	write(t, first, "priority: 20\ntransformations:\n- type: change_logsource\n  product: edr\n  rule_conditions: [{type: logsource, category: process_creation}]\n")
	write(t, second, "priority: 10\ntransformations:\n- type: field_name_mapping\n  mapping: {Image: [proc.exe, proc.path]}\n  rule_conditions: [{type: logsource, product: windows}]\npostprocessing:\n- type: embed\n")
	p, err := pipeline.Load(first, second)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Ignored) != 1 {
		t.Errorf("ignored: %v", p.Ignored)
	}
	set := sigma.LoadWith(p.Apply, rules)
	if len(set.Failed) > 0 {
		t.Fatal(set.Failed[0])
	}
	engine := sigma.Compile(set.Rules)
	var r event.Record
	r.Reset(engine.Schema())
	r.Kind = event.NewKind("edr", nil, nil)
	r.AddString("proc.path", `C:\CMD.EXE`)
	if got := engine.Matcher().Match(&r); len(got) != 1 {
		t.Errorf("%d rules match", len(got))
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func FuzzApply(f *testing.F) {
	f.Add("transformations:\n- type: field_name_mapping\n  mapping: {a: [b, c]}\n- type: add_condition\n  conditions: {x: 1}\n", base+"  s: {a: 1, b: [x, null]}\n  condition: s\n")
	f.Fuzz(func(t *testing.T, steps, rule string) {
		p, err := pipeline.Parse([]byte(steps))
		if err != nil {
			return
		}
		var doc yaml.Node
		if yaml.Unmarshal([]byte(rule), &doc) != nil || len(doc.Content) == 0 {
			return
		}
		_ = p.Apply(doc.Content[0])
	})
}
