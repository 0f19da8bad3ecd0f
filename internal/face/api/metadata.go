package api

import (
	"strings"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

const (
	metadataType   = "Microsoft.Security/assessmentMetadata"
	metadataPrefix = "/providers/" + metadataType + "/"
)

// metadataList lists what every built-in recommendation is; at a subscription
// also those that users made there.
func (a *API) metadataList(r *request) (response, error) {
	items := []any{}
	for _, rec := range a.Library.Recommendations {
		items = append(items, a.builtInMetadata(r.scope, rec))
	}
	if r.scope.Subscription() != "" {
		own, err := a.storedBodies(r, metadataKind)
		if err != nil {
			return response{}, err
		}
		items = append(items, own...)
	}
	return slice(a, r, items)
}

// metadataShow shows one.
func (a *API) metadataShow(r *request) (response, error) {
	name := arm.Fold(r.vars["name"])
	if rec := a.Library.Recommendation(name); rec != nil {
		return ok(a.builtInMetadata(r.scope, rec))
	}
	if r.scope.Subscription() == "" {
		return response{}, arm.NotFound(metadataPrefix + r.vars["name"])
	}
	return a.getObject(r, metadataKind)
}

// builtInMetadata has the id that it was asked for by: the tenant's, or the
// subscription's.
func (a *API) builtInMetadata(scope arm.ID, rec *content.Recommendation) map[string]any {
	prefix := ""
	if scope.Subscription() != "" {
		prefix = scope.SubscriptionID()
	}
	return resource(prefix+metadataPrefix+rec.ID, metadataType, contentMetadata(rec))
}

// metadataProperties describes a recommendation of an estate.
func (a *API) metadataProperties(rec *record.Recommendation) map[string]any {
	if rec.Content != nil {
		return contentMetadata(rec.Content)
	}
	return map[string]any{
		"displayName": rec.Title, "description": rec.Description, "assessmentType": "CustomPolicy",
		"severity": severityName(rec.Severity), "preview": rec.Preview, "policyDefinitionId": rec.DefinitionID,
		"categories": []string{}, "threats": []string{},
	}
}

func contentMetadata(rec *content.Recommendation) map[string]any {
	properties := map[string]any{
		"displayName":            rec.Title,
		"assessmentType":         "BuiltIn",
		"policyDefinitionId":     definitionPrefix + rec.ID,
		"description":            strings.TrimSpace(rec.Description + "\n\n" + rec.Threat),
		"remediationDescription": strings.Join(rec.Remediation.Steps, "\n"),
		"severity":               severityName(rec.Severity),
		"categories":             []string{rec.Category},
		"threats":                orEmpty(rec.Threats),
		"tactics":                orEmpty(rec.Tactics),
		"techniques":             orEmpty(rec.Techniques),
		"implementationEffort":   title(rec.Effort),
		"userImpact":             title(rec.UserImpact),
		"preview":                rec.Preview,
	}
	if p := rec.Awaits(); p != nil { // the reference has no word for it
		properties["notYet"] = map[string]any{"document": p.Document, "missing": p.Computes}
	}
	return properties
}

func severityName(s content.Severity) string { return title(string(s)) }

// title writes a word of content with the capital that the wire has.
func title(word string) string {
	if word == "" {
		return ""
	}
	return strings.ToUpper(word[:1]) + word[1:]
}
