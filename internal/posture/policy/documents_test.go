package policy

import (
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

func TestDefinitionErrorsNamePathAndReason(t *testing.T) {
	deep := strings.Repeat(`{"not":`, 70) + `{"field":"type","equals":"x"}` + strings.Repeat(`}`, 70)
	rule := func(cond string) string { return `{"policyRule": {"if": ` + cond + `, "then": {"effect": "audit"}}}` }
	tests := []struct{ name, doc, want string }{
		{"no-rule", `{"properties": {}}`, "properties.policyRule: is missing"},
		{"not-an-object", `[]`, "must be an object"},
		{"truncated", `{"policyRule": {"if"`, "policyRule.if: the JSON ends too early"},
		{"key-twice", `{"policyRule": {"if": {}, "if": {}}}`, "policyRule.if: the key is there twice"},
		{"nested-bomb", rule(deep), "nested deeper than 64"},
		{"json-bomb", strings.Repeat("[", 100000), "nested deeper than 128"},
		{"bad-operator", rule(`{"allOf": [{"field": "type", "equalz": "x"}]}`), `policyRule.if.allOf[0].equalz: "equalz" is neither`},
		{"extra-key", rule(`{"field": "type", "equals": "x", "note": "y"}`), `"note" is neither`},
		{"no-operator", rule(`{"field": "type"}`), "policyRule.if: has no operator"},
		{"field-number", rule(`{"field": 7, "equals": 1}`), "policyRule.if.field: a field is named by a string, not by integer"},
		{"like-array", rule(`{"field": "type", "like": ["a"]}`), "policyRule.if.like: like does not compare with an array"},
		{"parameter-type", `{"parameters": {"p": {"type": "strin"}}, "policyRule": {}}`, `parameters.p.type: "strin" is no parameter type`},
		{"default-type", `{"parameters": {"p": {"type": "string", "defaultValue": 1}}, "policyRule": {}}`, "parameters.p.defaultValue: parameter"},
		{"default-not-allowed", `{"parameters": {"p": {"type": "string", "defaultValue": "x", "allowedValues": ["y"]}}, "policyRule": {}}`, "does not allow"},
		{"long-name", `{"displayName": "` + strings.Repeat("x", 129) + `"}`, "displayName: is longer than 128 characters"},
		{"effect", `{"policyRule": {"if": {"field": "type", "equals": "x"}, "then": {"effect": "explode"}}}`, `policyRule.then.effect: there is no effect "explode"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := ParseDefinition([]byte(test.doc))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q in it", err, test.want)
			}
		})
	}
}

func TestRuleLimits(t *testing.T) {
	count := `{"count": {"field": "a[*]"}, "equals": 1}`
	value := `{"count": {"value": []}, "equals": 1}`
	leaf := `{"field": "type", "equals": "x"}`
	list := func(s string, n int) string {
		return `{"allOf": [` + strings.TrimSuffix(strings.Repeat(s+",", n), ",") + `]}`
	}
	tests := []struct {
		name, cond string
		ok         bool
	}{
		{"conditions", list(leaf, 4095), true},
		{"too-many-conditions", list(leaf, 4096), false},
		{"field-counts", list(count, 5), true},
		{"too-many-field-counts", list(count, 6), false},
		{"value-counts", list(value, 10), true},
		{"too-many-value-counts", list(value, 11), false},
		{"functions", list(`{"value": "[concat(concat())]", "equals": ""}`, 1024), true},
		{"too-many-functions", list(`{"value": "[concat(concat())]", "equals": ""}`, 1025), false},
		{"too-many-arguments", `{"value": "[concat(` + strings.TrimSuffix(strings.Repeat("1,", 129), ",") + `)]", "equals": ""}`, false},
		{"deep-expression", `{"value": "[` + strings.Repeat("not(", 70) + "true()" + strings.Repeat(")", 70) + `]", "equals": true}`, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := ParseDefinition([]byte(`{"policyRule": {"if": ` + test.cond + `, "then": {"effect": "audit"}}}`))
			if (err == nil) != test.ok {
				t.Errorf("error %v, want none: %v", err, test.ok)
			}
		})
	}
}

func TestSloppyLetterCase(t *testing.T) {
	d, err := ParseDefinition([]byte("\xef\xbb\xbf" + `{"Properties": {"Mode": "ALL", "PolicyRule": {"IF": {"AnyOf": [{"Field": "TYPE", "EQUALS": "x"}]},
		"Then": {"Effect": "AuditIfNotExists", "Details": {"Type": "a/b", "ExistenceScope": "Subscription"}}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	b, err := Bind(d, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if d.Mode != ModeAll || b.Effect != "auditifnotexists" || !b.Details.SubscriptionScope {
		t.Errorf("mode %s, effect %s, subscription scope %v", d.Mode, b.Effect, b.Details.SubscriptionScope)
	}
}

func TestBindErrors(t *testing.T) {
	d, err := ParseDefinition([]byte(`{"parameters": {"p": {"type": "String", "allowedValues": ["a", "b"]}, "n": {"type": "integer", "defaultValue": 1}},
		"policyRule": {"if": {"field": "name", "equals": "[parameters('P')]"}, "then": {"effect": "audit"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		values map[string]Value
		want   string // "" for none
	}{
		{"given", map[string]Value{"P": StringValue("A")}, ""},
		{"missing", nil, `parameter "p" has no value and no default`},
		{"undeclared", map[string]Value{"p": StringValue("a"), "q": IntValue(1)}, `no parameter "q"`},
		{"wrong-type", map[string]Value{"p": StringValue("a"), "n": StringValue("1")}, "of type integer"},
		{"not-allowed", map[string]Value{"p": StringValue("c")}, "does not allow"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Bind(d, test.values, Options{})
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

const testInitiative = `{"name": "base", "properties": {"parameters": {"level": {"type": "String", "defaultValue": "high"}},
	"policyDefinitionGroups": [{"name": "NS-1"}],
	"policyDefinitions": [
		{"policyDefinitionId": "/providers/x/policyDefinitions/d1", "policyDefinitionReferenceId": "one", "groupNames": ["ns-1"],
		 "parameters": {"want": {"value": "[concat(parameters('LEVEL'), '-1')]"}}},
		{"policyDefinitionId": "/providers/x/policyDefinitions/d1", "policyDefinitionReferenceId": "two",
		 "parameters": {"want": {"value": "fixed"}}, "definitionVersion": "1.*.*"}]}}`

func TestInitiativeFeedsMembers(t *testing.T) {
	in, err := ParseInitiative([]byte(testInitiative))
	if err != nil {
		t.Fatal(err)
	}
	resolved, err := in.Values(map[string]Value{"Level": StringValue("low")})
	if err != nil {
		t.Fatal(err)
	}
	for ref, want := range map[string]string{"ONE": "low-1", "two": "fixed"} {
		values, err := in.Member(ref).Values(resolved)
		if err != nil {
			t.Fatal(err)
		}
		if got := values["want"].Str; got != want {
			t.Errorf("member %s gets %q, want %q", ref, got, want)
		}
	}
}

func TestInitiativeErrors(t *testing.T) {
	tests := []struct{ name, from, to, want string }{
		{"reference-twice", `"two"`, `"ONE"`, "is there twice"},
		{"unknown-group", `["ns-1"]`, `["ns-2"]`, `no group "ns-2"`},
		{"no-definition", `"policyDefinitionId": "/providers/x/policyDefinitions/d1", "policyDefinitionReferenceId": "two"`, `"x": 1`, "policyDefinitions[1].policyDefinitionId: is missing"},
		{"value-missing", `{"value": "fixed"}`, `{"valu": 1}`, `parameter "want" has no value`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := ParseInitiative([]byte(strings.Replace(testInitiative, test.from, test.to, 1)))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q in it", err, test.want)
			}
		})
	}
}

func TestMatchesVersion(t *testing.T) {
	tests := []struct {
		version, pin string
		want         bool
	}{
		{"1.2.3", "", true},
		{"1.2.3", "1.*.*", true},
		{"1.2.3", "1.2.*", true},
		{"1.2.3", "1.3.*", false},
		{"2.0.0", "1.*.*", false},
		{"1.2.3-preview", "1.*.*", false},
		{"1.2.3-preview", "1.*.*-preview", true},
	}
	for _, test := range tests {
		if got := MatchesVersion(test.version, test.pin); got != test.want {
			t.Errorf("MatchesVersion(%q, %q) = %v", test.version, test.pin, got)
		}
	}
}

const testAssignment = `{"id": "/subscriptions/s1/providers/Microsoft.Authorization/policyAssignments/a", "properties": {
	"policyDefinitionId": "/providers/x/policySetDefinitions/base", "notScopes": ["/subscriptions/s1/resourceGroups/lab"],
	"parameters": {"Level": {"value": "low"}}, "enforcementMode": "DoNotEnforce",
	"nonComplianceMessages": [{"message": "general"}, {"message": "special", "policyDefinitionReferenceId": "one"}],
	"resourceSelectors": [{"name": "eu", "selectors": [{"kind": "resourceLocation", "in": ["West Europe"]}]},
		{"name": "global", "selectors": [{"kind": "resourceWithoutLocation", "in": ["subscriptionLevelResources"]}]}],
	"overrides": [{"kind": "policyEffect", "value": "Disabled", "selectors": [{"kind": "policyDefinitionReferenceId", "in": ["two"]}]}]}}`

func TestAssignmentCovers(t *testing.T) {
	a, err := ParseAssignment([]byte(testAssignment))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, id, location string
		want               bool
	}{
		{"in-scope", "/subscriptions/S1/resourceGroups/app/providers/a.b/c/d", "westeurope", true},
		{"other-location", "/subscriptions/s1/resourceGroups/app/providers/a.b/c/d", "eastus", false},
		{"no-location", "/subscriptions/s1/resourceGroups/app/providers/a.b/c/d", "", true},
		{"excluded-scope", "/subscriptions/s1/resourceGroups/LAB/providers/a.b/c/d", "westeurope", false},
		{"other-subscription", "/subscriptions/s2/resourceGroups/app/providers/a.b/c/d", "westeurope", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			target := Target{ID: arm.MustParseID(test.id), Type: "a.b/c", Location: test.location}
			if got := a.Covers(target); got != test.want {
				t.Errorf("covers is %v", got)
			}
		})
	}
	if a.Enforce || a.Parameters["level"].Str != "low" || a.Scope.String() != "/subscriptions/s1" {
		t.Errorf("enforce %v, level %s, scope %s", a.Enforce, a.Parameters["level"], a.Scope)
	}
	if a.Message("ONE") != "special" || a.Message("two") != "general" {
		t.Errorf("messages %q and %q", a.Message("ONE"), a.Message("two"))
	}
	if a.Effect("two", Target{}) != "disabled" || a.Effect("one", Target{}) != "" {
		t.Errorf("overridden effects %q and %q", a.Effect("two", Target{}), a.Effect("one", Target{}))
	}
}

func TestManagementGroupScopes(t *testing.T) {
	group := arm.MustParseID("/providers/Microsoft.Management/managementGroups/corp")
	a := &Assignment{Scope: group}
	target := Target{ID: arm.MustParseID("/subscriptions/s1")}
	if a.Covers(target) {
		t.Error("a subscription outside the group is covered")
	}
	target.Parents = []arm.ID{group}
	if !a.Covers(target) {
		t.Error("a subscription inside the group is not covered")
	}
}

func TestExemptionExpires(t *testing.T) {
	x, err := ParseExemption([]byte(`{"id": "/subscriptions/s1/resourceGroups/app/providers/Microsoft.Authorization/policyExemptions/x", "properties": {
		"policyAssignmentId": "/a", "policyDefinitionReferenceIds": ["one"], "exemptionCategory": "waiver", "expiresOn": "2026-06-01T00:00:00Z"}}`))
	if err != nil {
		t.Fatal(err)
	}
	target := Target{ID: arm.MustParseID("/subscriptions/s1/resourceGroups/APP/providers/a.b/c/d")}
	before := time.Date(2026, 5, 31, 0, 0, 0, 0, time.UTC)
	tests := []struct {
		name, assignment, reference string
		at                          time.Time
		want                        bool
	}{
		{"valid", "/A", "ONE", before, true},
		{"expired", "/a", "one", before.AddDate(0, 0, 1), false},
		{"other-member", "/a", "two", before, false},
		{"other-assignment", "/b", "one", before, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := x.Exempts(test.assignment, test.reference, target, test.at); got != test.want {
				t.Errorf("exempt is %v", got)
			}
		})
	}
}

func TestManualIsAttested(t *testing.T) {
	b := bound(t, `{"if": {"field": "type", "exists": true}, "then": {"effect": "manual", "details": {"defaultState": "Non-Compliant"}}}`, "")
	a, err := ParseAttestation([]byte(`{"id": "/subscriptions/s1/providers/Microsoft.PolicyInsights/attestations/x", "properties": {
		"policyAssignmentId": "/a", "complianceState": "Compliant", "expiresOn": "2026-06-01T00:00:00Z"}}`))
	if err != nil {
		t.Fatal(err)
	}
	id := arm.MustParseID("/subscriptions/s1")
	at := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	if got := b.Attested([]*Attestation{a}, "/a", "", id, at); got != Compliant {
		t.Errorf("with a valid attestation %s", got)
	}
	if got := b.Attested([]*Attestation{a}, "/a", "", id, at.AddDate(0, 2, 0)); got != NonCompliant {
		t.Errorf("with an expired attestation %s, want the default", got)
	}
}
