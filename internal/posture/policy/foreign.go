package policy

import (
	"bytes"
	"path/filepath"
	"strings"
)

// documentKind is what a JSON document of a folder is to this package.
type documentKind uint8

// The kinds. Others have nothing to do with policies, or only name some.
const (
	otherDocument documentKind = iota
	definitionDocument
	initiativeDocument
)

// kindOf tells a definition and an initiative by their own members, or by the
// type that they say; what says neither is another document, by the words
// returned.
func kindOf(v Value) (kind documentKind, what string) {
	props := v.Get("properties")
	if props.Kind != Object {
		props = v
	}
	typ, schema := folded(v.Get("type").Str), folded(v.Get("$schema").Str)
	switch {
	case v.Kind != Object:
		return otherDocument, "it is " + v.Kind.String() + ", no document"
	case strings.Contains(schema, "deploymenttemplate") || v.Get("contentVersion").Kind == String && v.Get("resources").Kind != Missing:
		return otherDocument, "it is a deployment template"
	case strings.Contains(schema, "deploymentparameters"):
		return otherDocument, "it is a parameter file"
	case props.Get("policyDefinitions").Kind != Missing || strings.HasSuffix(typ, "/policysetdefinitions"):
		return initiativeDocument, ""
	case props.Get("policyRule").Kind != Missing || strings.HasSuffix(typ, "/policydefinitions"):
		return definitionDocument, ""
	case props.Get("policyDefinitionId").Kind == String || strings.HasSuffix(typ, "/policyassignments"):
		return otherDocument, "it is an assignment"
	case props.Get("policyAssignmentId").Kind == String || strings.HasSuffix(typ, "/policyexemptions"):
		return otherDocument, "it is an exemption"
	case v.Get("if").Kind == Object && v.Get("then").Kind == Object:
		return otherDocument, "it is a rule without its definition"
	}
	return otherDocument, "it is neither a definition nor an initiative"
}

// looksLikePolicy reports whether a text that is no JSON, or too large, was
// meant to be a definition or an initiative.
func looksLikePolicy(data []byte) bool {
	return bytes.Contains(data, []byte(`"policyRule"`)) || bytes.Contains(data, []byte(`"policyDefinitions"`))
}

// templateText finds a text that is written for a deployment template, where
// "[[" stands for "[": a whole call behind two brackets. "" if there is none.
// Deployments within the rule's details have such texts of their own.
func templateText(v Value) string {
	switch v.Kind {
	case String:
		if strings.HasPrefix(v.Str, "[[") && strings.HasSuffix(v.Str, ")]") && isCall(v.Str[2:]) {
			return v.Str
		}
	case Array:
		for _, item := range v.Items {
			if text := templateText(item); text != "" {
				return text
			}
		}
	case Object:
		for _, m := range v.Fields {
			if folded(m.Key) == "deployment" || folded(m.Key) == "metadata" {
				continue
			}
			if text := templateText(m.Value); text != "" {
				return text
			}
		}
	}
	return ""
}

// isCall reports whether a text starts with the name of a function and a
// bracket.
func isCall(s string) bool {
	end := strings.IndexByte(s, '(')
	return end > 0 && strings.Trim(folded(s[:end]), "abcdefghijklmnopqrstuvwxyz0123456789") == "" && end < 64
}

// named is a definition of a file with the id that it is judged by: its own,
// else that of a tenant-level definition of its name, else of its file.
func named(v Value, file string) (id string, body Value) {
	const prefix = "/providers/Microsoft.Authorization/policyDefinitions/"
	id = v.Get("id").Str
	if i := strings.LastIndex(folded(id), folded(prefix)); i == 0 || i > 0 && id[0] == '/' {
		return id, v
	}
	name := v.Get("name").Str
	if name == "" {
		name = strings.TrimSuffix(file, filepath.Ext(file))
	}
	id = prefix + strings.Map(plainRune, name)
	return id, with(v, "id", StringValue(id))
}

// plainRune keeps what may stand in a segment of an id.
func plainRune(r rune) rune {
	switch {
	case r <= ' ', strings.ContainsRune(`/\<>%&?#{}[]!`, r), r == 0x7f:
		return '-'
	}
	return r
}
