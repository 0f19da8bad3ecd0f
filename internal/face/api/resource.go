package api

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/index"
)

// resources lists the resources of a subscription or group as the inventory
// has them: without their properties, as ARM lists do.
func (a *API) resources(r *request) (response, error) {
	query := index.InventoryQuery{Scope: r.postureScope(), Sort: "name"}
	if err := resourceFilter(r.option("$filter"), &query); err != nil {
		return response{}, err
	}
	return a.resourcePage(r, query)
}

// resourceFilter reads $filter: a type, and a finding that counts or that a rule
// disables, joined by and.
func resourceFilter(text string, query *index.InventoryQuery) error {
	for _, term := range filterTerms(text) {
		m := filterTerm.FindStringSubmatch(term)
		if m == nil {
			return invalidFilter(term)
		}
		value := strings.ReplaceAll(m[2], "''", "'")
		switch name := arm.Fold(m[1]); {
		case name == "resourcetype" && query.Type == "":
			query.Type = value
		case name == "finding" && query.Finding == "" && value != "":
			query.Finding = value
		case name == "disabledfinding" && query.Finding == "" && value != "":
			query.Finding, query.Disabled = value, true
		default:
			return invalidFilter(term)
		}
	}
	return nil
}

// resourcePage answers one page of an inventory query.
func (a *API) resourcePage(r *request, query index.InventoryQuery) (response, error) {
	_, view, err := a.estate(r)
	if err != nil {
		return response{}, err
	}
	if query.Limit, query.After, err = r.page(); err != nil {
		return response{}, err
	}
	page, err := view.Inventory(query)
	if err != nil {
		return response{}, err
	}
	items := []any{}
	for i := range page.Rows {
		if row := &page.Rows[i]; query.Type != "" || !isContainer(row.Type) && !isExtension(row.ID) {
			items = append(items, resourceRow(row))
		}
	}
	return ok(list{Value: items, NextLink: a.next(r, page.Next)})
}

// isContainer tells subscriptions and groups from what lies in them.
func isContainer(kind string) bool {
	return strings.EqualFold(kind, arm.TypeSubscription) || strings.EqualFold(kind, arm.TypeResourceGroup)
}

// isExtension tells what describes another resource, such as the facts of a
// machine; lists of resources leave it out unless its type is asked for.
func isExtension(id string) bool { return strings.Count(arm.Fold(id), "/providers/") > 1 }

func resourceRow(row *index.ResourceRow) map[string]any {
	tags := row.Tags
	if tags == nil {
		tags = map[string]string{}
	}
	body := map[string]any{"id": row.ID, "name": row.Name, "type": row.Type, "location": row.Location, "tags": tags}
	if !row.ObservedAt.IsZero() {
		body["changedTime"] = row.ObservedAt.UTC()
	}
	if strings.EqualFold(row.Type, arm.TypeResourceGroup) {
		body["properties"] = map[string]any{"provisioningState": "Succeeded"}
	}
	return body
}

// resourceShow answers the document of a resource as its source delivered it.
func (a *API) resourceShow(r *request) (response, error) {
	stored, err := a.Inventory.Get(r.Context(), r.tenant(), r.scope.String())
	if err != nil {
		return response{}, err
	}
	var body map[string]json.RawMessage
	if err := json.Unmarshal(stored.Doc.Body, &body); err != nil {
		return response{}, fmt.Errorf("decode %s: %w", stored.Doc.ID, err)
	}
	for name, value := range map[string]string{"id": stored.Doc.ID, "name": r.scope.Name(), "type": stored.Doc.Type} {
		if body[name] != nil {
			continue
		}
		encoded, err := json.Marshal(value)
		if err != nil {
			return response{}, fmt.Errorf("encode %s: %w", name, err)
		}
		body[name] = encoded
	}
	return ok(body)
}
