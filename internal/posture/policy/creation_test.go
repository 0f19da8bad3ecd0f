package policy

import (
	"strings"
	"testing"
)

// TestWrittenAsAssigned: what no assignment could bind is refused when the
// definition is written.
func TestWrittenAsAssigned(t *testing.T) {
	for name, then := range map[string]string{
		"computed type":   `{"effect": "auditIfNotExists", "details": {"type": "[field('type')]"}}`,
		"group's type":    `{"effect": "[parameters('e')]", "details": {"type": "[concat(resourceGroup().name, '/x')]"}}`,
		"no type":         `{"effect": "auditIfNotExists", "details": {"name": "x"}}`,
		"no details":      `{"effect": "deployIfNotExists"}`,
		"computed scope":  `{"effect": "auditIfNotExists", "details": {"type": "A.B/c", "existenceScope": "[field('kind')]"}}`,
		"computed effect": `{"effect": "[if(equals(field('kind'), 'a'), 'audit', 'deny')]"}`,
		"computed state":  `{"effect": "manual", "details": {"defaultState": "[field('kind')]"}}`,
	} {
		text := `{"name": "x", "properties": {"parameters": {"e": {"type": "String", "defaultValue": "AuditIfNotExists"}}, "policyRule": {"if": {"field": "kind", "equals": "a"}, "then": ` + then + `}}}`
		d, err := ParseDefinition([]byte(text))
		if err == nil {
			_, err = Bind(d, nil, Options{})
			t.Errorf("%s is accepted when it is written; assigning it says %v", name, err)
		}
	}
	fine := `{"name": "x", "properties": {"parameters": {"t": {"type": "String", "defaultValue": "A.B/c"}}, "policyRule": {"if": {"field": "kind", "equals": "a"},
		"then": {"effect": "auditIfNotExists", "details": {"type": "[toLower(parameters('t'))]", "name": "[field('name')]"}}}}}`
	d, err := ParseDefinition([]byte(fine))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Bind(d, nil, Options{}); err != nil {
		t.Error(err)
	}
}

func TestNullIsNoParameterValue(t *testing.T) {
	for _, typ := range []string{"String", "Array", "Object", "Boolean", "Integer"} {
		d, err := ParseDefinition([]byte(`{"properties": {"parameters": {"p": {"type": "` + typ + `"}}, "policyRule": {"if": {"field": "kind", "equals": "[parameters('p')]"}, "then": {"effect": "audit"}}}}`))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Bind(d, map[string]Value{"p": NullValue()}, Options{}); err == nil || !strings.Contains(err.Error(), "the value is null") {
			t.Errorf("null for a parameter of type %s: %v", typ, err)
		}
	}
}

func TestNumberAgainstTextComparesAsText(t *testing.T) {
	for _, test := range []struct {
		number Value
		text   string
		want   Truth
	}{
		{IntValue(80), "80", True}, {IntValue(80), "080", False}, {IntValue(80), "80.0", False}, {IntValue(100), "1e2", False},
		{FloatValue(1.5), "1.5", True}, {FloatValue(1.5), "1.50", False}, {IntValue(-1), "-1", True}, {IntValue(1), "+1", False}, {IntValue(0), "", False},
	} {
		for _, op := range []Operator{OpEquals, OpIn} {
			right := StringValue(test.text)
			if got, _ := Apply(op, test.number, right, Options{}); got != test.want {
				t.Errorf("%s %s %q is %s", test.number, op, test.text, got)
			}
			if got, _ := Apply(op, right, test.number, Options{}); got != test.want {
				t.Errorf("%q %s %s is %s", test.text, op, test.number, got)
			}
		}
	}
}

func TestWithoutLocationLeavesOutGlobal(t *testing.T) {
	c := SelectorCondition{Kind: selectWithoutLocation, Values: []string{"subscriptionLevelResources"}}
	for location, want := range map[string]bool{"": true, "global": false, "Global": false, "westeurope": false} {
		if got := Selected([]Selector{{Conditions: []SelectorCondition{c}}}, Target{Location: location}); got != want {
			t.Errorf("location %q is selected: %t", location, got)
		}
	}
}

// TestAliasOfAKnownType: one that the type does not have makes a definition
// apply to nothing, in the if and in the existenceCondition.
func TestAliasOfAKnownType(t *testing.T) {
	for name, rule := range map[string]string{
		"if":        `{"if": {"field": "Microsoft.Storage/storageAccounts/moonPhase", "notEquals": "full"}, "then": {"effect": "audit"}}`,
		"existence": `{"if": {"field": "type", "equals": "Microsoft.Storage/storageAccounts"}, "then": {"effect": "auditIfNotExists", "details": {"type": "Microsoft.Storage/storageAccounts/blobServices", "existenceCondition": {"field": "Microsoft.Storage/storageAccounts/blobServices/moonPhase", "equals": "full"}}}}`,
	} {
		d, err := ParseDefinition([]byte(`{"properties": {"mode": "All", "policyRule": ` + rule + `}}`))
		if err != nil {
			t.Fatal(err)
		}
		b, err := Bind(d, nil, Options{})
		if err != nil {
			t.Fatal(err)
		}
		r := parseResource(t, openAccount, nil)
		v := (&Evaluator{Aliases: NewAliases()}).Evaluate(b, r, Environment{})
		if v.State != NotApplicable || !strings.Contains(v.Reason, "moonPhase") {
			t.Errorf("%s: %s because %s", name, v.State, v.Reason)
		}
	}
}
