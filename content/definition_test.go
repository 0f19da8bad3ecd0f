package content

import (
	"encoding/json"
	"slices"
	"testing"
)

func TestDefinitionIsAPolicyDefinition(t *testing.T) {
	l, err := LoadFS(valid())
	if err != nil {
		t.Fatal(err)
	}
	r := l.Recommendations[0]
	r.ApplicableWhen = json.RawMessage(`{"field":"kind","equals":"x"}`)
	var got struct {
		ID, Name   string
		Properties struct {
			DisplayName, Mode string
			Metadata          struct {
				Version, Category string
				Rampart           struct{ ApplicableWhen json.RawMessage }
			}
			Parameters map[string]struct {
				DefaultValue  string
				AllowedValues []string
			}
			PolicyRule struct {
				If   json.RawMessage
				Then struct{ Effect string }
			}
		}
	}
	if err := json.Unmarshal(r.Definition(), &got); err != nil {
		t.Fatal(err)
	}
	p := got.Properties
	if got.Name != r.ID || got.ID != "/providers/Microsoft.Authorization/policyDefinitions/"+r.ID {
		t.Errorf("name %s, id %s", got.Name, got.ID)
	}
	if p.DisplayName != r.Title || p.Mode != "All" || p.Metadata.Category != "Security Center" || p.Metadata.Version != "1.0.0" {
		t.Errorf("properties %+v", p)
	}
	effect := p.Parameters["effect"]
	if effect.DefaultValue != "Audit" || !slices.Equal(effect.AllowedValues, []string{"Audit", "Disabled"}) {
		t.Errorf("effect parameter %+v", effect)
	}
	if p.PolicyRule.Then.Effect != "[parameters('effect')]" || string(p.PolicyRule.If) != string(r.If) {
		t.Errorf("rule %+v", p.PolicyRule)
	}
	if string(p.Metadata.Rampart.ApplicableWhen) != string(r.ApplicableWhen) {
		t.Errorf("applicableWhen %s", p.Metadata.Rampart.ApplicableWhen)
	}
}

func TestInitiativePassesEveryParameter(t *testing.T) {
	l, err := LoadFS(valid())
	if err != nil {
		t.Fatal(err)
	}
	r := l.Recommendations[0]
	r.Parameters = json.RawMessage(`{"days":{"type":"Integer","defaultValue":90}}`)
	var got struct {
		Name       string
		Properties struct {
			Parameters        map[string]struct{ DefaultValue json.RawMessage }
			PolicyDefinitions []struct {
				PolicyDefinitionReferenceID string
				Parameters                  map[string]struct{ Value string }
				GroupNames                  []string
			}
			PolicyDefinitionGroups []struct{ Name, Category string }
		}
	}
	if err := json.Unmarshal(l.Initiative(), &got); err != nil {
		t.Fatal(err)
	}
	p := got.Properties
	if got.Name != InitiativeName || len(p.PolicyDefinitions) != 1 || p.PolicyDefinitions[0].PolicyDefinitionReferenceID != r.ID {
		t.Fatalf("initiative %+v", got)
	}
	m := p.PolicyDefinitions[0]
	if m.Parameters["days"].Value != "[parameters('https-days')]" || m.Parameters["effect"].Value != "[parameters('https-effect')]" {
		t.Errorf("member parameters %+v", m.Parameters)
	}
	if string(p.Parameters["https-days"].DefaultValue) != "90" {
		t.Errorf("initiative parameters %+v", p.Parameters)
	}
	if !slices.Equal(m.GroupNames, []string{"mcsb_DP-3"}) || len(p.PolicyDefinitionGroups) != 1 || p.PolicyDefinitionGroups[0].Category != "Data" {
		t.Errorf("groups %v of %+v", m.GroupNames, p.PolicyDefinitionGroups)
	}
}
