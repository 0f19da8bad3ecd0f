package baselines

import (
	"slices"
	"strings"
	"testing"

	"github.com/rampart-sec/rampart/internal/base/strictyaml"
)

func TestEmbeddedBaselinesAreValid(t *testing.T) {
	all, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	checks := 0
	for _, b := range all {
		checks += len(b.Checks)
		for _, c := range b.Checks {
			if len(c.References) == 0 {
				t.Errorf("%s:%d: check %q names no control", b.File, c.Line, c.ID)
			}
		}
	}
	if checks < 110 {
		t.Errorf("%d checks; the linux baseline promises at least 110", checks)
	}
}

// baselineOf is a file with one check.
func baselineOf(check string) []byte {
	return []byte("id: t\nversion: 1.0.0\ntitle: T\nos: linux\nchecks:\n" + check)
}

const goodCheck = `  - id: good
    title: Good
    severity: low
    parameters:
      limit: {default: 4, description: d}
    rule: {sshdOption: {option: MaxAuthTries, max: $limit}}
    rationale: because
    remediation: do it
`

func TestRead(t *testing.T) {
	b, err := Read("t.yaml", baselineOf(goodCheck))
	if err != nil {
		t.Fatal(err)
	}
	c := b.Checks[0]
	if c.Line != 6 || *c.Rule.SSHDOption.Max != 4 {
		t.Errorf("line %d, max %d; want 6 and 4", c.Line, *c.Rule.SSHDOption.Max)
	}
}

func TestParameterOverride(t *testing.T) {
	used := map[string]bool{}
	b, err := readBaseline("t.yaml", baselineOf(goodCheck), Values{"good.limit": "2"}, used)
	if err != nil {
		t.Fatal(err)
	}
	if got := *b.Checks[0].Rule.SSHDOption.Max; got != 2 || !used["good.limit"] {
		t.Errorf("max is %d, used %v; want 2 and the name", got, used)
	}
	if _, err := LoadWith(Values{"good.nothing": "1"}); err == nil || !strings.Contains(err.Error(), "good.nothing") {
		t.Errorf("a value without parameter gives %v", err)
	}
}

func TestReadBaselineErrors(t *testing.T) {
	tests := []struct{ name, check, want string }{
		{"unknown key", strings.Replace(goodCheck, "severity", "severty", 1), `t.yaml:8: unknown key "severty" (did you mean "severity"?)`},
		{"unknown procedure", strings.Replace(goodCheck, "sshdOption:", "sshdOptions:", 1), `t.yaml:11: unknown key "sshdOptions" (did you mean "sshdOption"?)`},
		{"unknown argument", strings.Replace(goodCheck, "max:", "maks:", 1), `did you mean "max"?`},
		{"key twice", strings.Replace(goodCheck, "    severity: low\n", "    severity: low\n    severity: low\n", 1), `key "severity" is given twice`},
		{"parameter unknown", strings.Replace(goodCheck, "$limit", "$limits", 1), "t.yaml:11: $limits is not a parameter of this check"},
		{"parameter without default", strings.Replace(goodCheck, "default: 4, ", "", 1), "has no default"},
		{"no title", strings.Replace(goodCheck, "    title: Good\n", "", 1), "title is required"},
		{"bad severity", strings.Replace(goodCheck, "low", "awful", 1), `severity "awful"`},
		{"bad id", strings.Replace(goodCheck, "id: good", "id: Not_Good", 1), "id must be"},
		{"two procedures", strings.Replace(goodCheck, "max: $limit}", "max: $limit}, sshServer: {}", 1), "exactly one procedure"},
		{"no procedure", strings.Replace(goodCheck, "{sshdOption: {option: MaxAuthTries, max: $limit}}", "{}", 1), "needs a procedure"},
		{"argument missing", strings.Replace(goodCheck, "option: MaxAuthTries, ", "", 1), "option is required"},
		{"bad regexp", strings.Replace(goodCheck, "max: $limit", "matches: '('", 1), "matches: error parsing regexp"},
		{"unknown word", strings.Replace(goodCheck, "{sshdOption: {option: MaxAuthTries, max: $limit}}", "{accountUnique: {of: uids}}", 1), `of "uids" is not one of`},
		{"bad date", strings.Replace(goodCheck, "{sshdOption: {option: MaxAuthTries, max: $limit}}", "{releaseSupported: {ends: {a: soon}}}", 1), `"soon" is not a date`},
		{"relative path", strings.Replace(goodCheck, "{sshdOption: {option: MaxAuthTries, max: $limit}}", "{fileExists: {paths: [etc/x]}}", 1), "is not absolute"},
		{"nothing to audit", strings.Replace(goodCheck, "{sshdOption: {option: MaxAuthTries, max: $limit}}", "{auditRule: {}}", 1), "either watch or syscalls"},
		{"empty list", strings.Replace(goodCheck, "{sshdOption: {option: MaxAuthTries, max: $limit}}", "{allOf: []}", 1), "the list is empty"},
		{"unknown family", strings.Replace(goodCheck, "    rule:", "    platform: {family: [debain]}\n    rule:", 1), `family "debain"`},
		{"range upside down", strings.Replace(goodCheck, "max: $limit", "min: 9, max: $limit", 1), "min 9 is above max 4"},
		{"wrong kind", strings.Replace(goodCheck, "$limit", "[1]", 1), "want a single value"},
		{"alias", strings.Replace(goodCheck, "title: Good", "title: &a Good", 1), "anchors and aliases"},
		{"same id twice", goodCheck + goodCheck, `check "good" is also at t.yaml:6`},
		{"too deep", strings.Replace(goodCheck, "{sshdOption: {option: MaxAuthTries, max: $limit}}", strings.Repeat("{not: ", 12)+"{sshServer: {}}"+strings.Repeat("}", 12), 1), "nested more than"},
	}
	for _, tt := range tests {
		t.Run(strings.ReplaceAll(tt.name, " ", "-"), func(t *testing.T) {
			_, err := Read("t.yaml", baselineOf(tt.check))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v; want it to say %q", err, tt.want)
			}
		})
	}
}

func TestReadBaselineRefusesLargeFiles(t *testing.T) {
	if _, err := Read("t.yaml", slices.Repeat([]byte("#\n"), strictyaml.MaxFile)); err == nil {
		t.Error("a file beyond the limit was read")
	}
}

func FuzzRead(f *testing.F) {
	f.Add(baselineOf(goodCheck))
	f.Add([]byte("checks: [null]"))
	f.Add([]byte("checks:\n  - rule: {allOf: [{not: {anyOf: []}}]}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := Read("f.yaml", data)
		if err != nil {
			return
		}
		for i, c := range b.Checks {
			if c.Line <= 0 {
				t.Errorf("check %d has no line", i)
			}
		}
	})
}
