package content

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// InitiativeName is the name of the built-in initiative: the public id of the
// cloud security benchmark, which users' scripts and assignments name.
const InitiativeName = "1f3afdf9-d0c9-4c3d-847f-89da613e70a8"

// Id prefixes of what the generators emit.
const (
	definitionPrefix = "/providers/Microsoft.Authorization/policyDefinitions/"
	setPrefix        = "/providers/Microsoft.Authorization/policySetDefinitions/"
)

type parameter struct {
	Type          string          `json:"type"`
	Metadata      json.RawMessage `json:"metadata,omitempty"`
	DefaultValue  json.RawMessage `json:"defaultValue,omitempty"`
	AllowedValues json.RawMessage `json:"allowedValues,omitempty"`
}

type definitionMetadata struct {
	Version  string           `json:"version"`
	Category string           `json:"category"`
	Preview  bool             `json:"preview,omitempty"`
	Rampart  *rampartMetadata `json:"rampart,omitempty"`
}

type rampartMetadata struct {
	ApplicableWhen json.RawMessage `json:"applicableWhen,omitempty"`
	// OwnDocuments lets the definition judge documents that the product itself
	// hangs on resources: exposures, reports, results of the baseline.
	OwnDocuments bool `json:"ownDocuments"`
}

type definitionProperties struct {
	DisplayName string               `json:"displayName"`
	Description string               `json:"description"`
	PolicyType  string               `json:"policyType"`
	Mode        string               `json:"mode"`
	Metadata    definitionMetadata   `json:"metadata"`
	Parameters  map[string]parameter `json:"parameters"`
	PolicyRule  policyRule           `json:"policyRule"`
}

type policyRule struct {
	If   json.RawMessage `json:"if"`
	Then then            `json:"then"`
}

type then struct {
	Effect  string          `json:"effect"`
	Details json.RawMessage `json:"details,omitempty"`
}

// envelope is an ARM object.
type envelope struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Type       string `json:"type"`
	Properties any    `json:"properties"`
}

// Definition returns the recommendation's policy as an ARM policyDefinition.
// Its name is ID; its parameters are the file's plus "effect", which allows
// Disabled. metadata.rampart carries applicableWhen (docs/design).
func (r *Recommendation) Definition() json.RawMessage {
	properties := definitionProperties{
		DisplayName: r.Title,
		Description: r.Description,
		PolicyType:  "BuiltIn",
		Mode:        r.Mode,
		Metadata:    definitionMetadata{Version: r.Version, Category: "Security Center", Preview: r.Preview},
		Parameters:  r.parameters(),
		PolicyRule:  policyRule{If: r.If, Then: then{Effect: "[parameters('effect')]", Details: r.Details}},
	}
	properties.Metadata.Rampart = &rampartMetadata{ApplicableWhen: r.ApplicableWhen, OwnDocuments: true}
	return marshal(envelope{
		ID: definitionPrefix + r.ID, Name: r.ID,
		Type: "Microsoft.Authorization/policyDefinitions", Properties: properties,
	})
}

// parameters returns the definition's parameters. The reader has checked that
// the file's decode.
func (r *Recommendation) parameters() map[string]parameter {
	all := map[string]parameter{}
	if r.Parameters != nil {
		_ = json.Unmarshal(r.Parameters, &all)
	}
	effect := strings.ToUpper(r.Effect[:1]) + r.Effect[1:]
	all["effect"] = parameter{
		Type:          "String",
		DefaultValue:  marshal(effect),
		AllowedValues: marshal([]string{effect, "Disabled"}),
	}
	return all
}

type setProperties struct {
	DisplayName string               `json:"displayName"`
	Description string               `json:"description"`
	PolicyType  string               `json:"policyType"`
	Metadata    definitionMetadata   `json:"metadata"`
	Parameters  map[string]parameter `json:"parameters"`
	Definitions []member             `json:"policyDefinitions"`
	Groups      []group              `json:"policyDefinitionGroups"`
}

type member struct {
	DefinitionID string                     `json:"policyDefinitionId"`
	ReferenceID  string                     `json:"policyDefinitionReferenceId"`
	Parameters   map[string]parameterPassed `json:"parameters"`
	GroupNames   []string                   `json:"groupNames,omitempty"`
}

type parameterPassed struct {
	Value string `json:"value"`
}

type group struct {
	Name        string `json:"name"`
	Category    string `json:"category"`
	DisplayName string `json:"displayName"`
}

// Initiative returns the built-in initiative as an ARM policySetDefinition: one
// member per recommendation, its reference id the recommendation's id, its
// groups the benchmark's controls. Every parameter of a member is a parameter
// of the initiative named <recommendation>-<parameter>, so that an assignment
// may disable or tune one member.
func (l *Library) Initiative() json.RawMessage {
	set := setProperties{
		DisplayName: "Rampart security benchmark",
		Description: "Every built-in recommendation. Assigned to each registered subscription by itself.",
		PolicyType:  "BuiltIn",
		Metadata:    definitionMetadata{Version: "1.0.0", Category: "Security Center"},
		Parameters:  map[string]parameter{},
	}
	for _, r := range l.Recommendations {
		m := member{
			DefinitionID: definitionPrefix + r.ID, ReferenceID: r.ID,
			Parameters: map[string]parameterPassed{},
		}
		for name, p := range r.parameters() {
			own := r.Name + "-" + name
			set.Parameters[own] = p
			m.Parameters[name] = parameterPassed{Value: fmt.Sprintf("[parameters('%s')]", own)}
		}
		for _, number := range r.Standards[benchmark] {
			m.GroupNames = append(m.GroupNames, groupName(number))
		}
		set.Definitions = append(set.Definitions, m)
	}
	set.Groups = l.groups()
	return marshal(envelope{
		ID: setPrefix + InitiativeName, Name: InitiativeName,
		Type: "Microsoft.Authorization/policySetDefinitions", Properties: set,
	})
}

// benchmark is the standard whose controls group the initiative's members.
const benchmark = "mcsb"

func groupName(number string) string { return benchmark + "_" + number }

func (l *Library) groups() []group {
	var groups []group
	for _, s := range l.Standards {
		if s.ID != benchmark {
			continue
		}
		for _, c := range s.Controls {
			groups = append(groups, group{Name: groupName(c.Number), Category: c.Domain, DisplayName: c.Title})
		}
	}
	return groups
}

// marshal writes JSON without escaping of <, > and &: texts go to people. It
// only gets values that the reader has checked, so it cannot fail.
func marshal(v any) json.RawMessage {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(fmt.Sprintf("content: %v", err))
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}
