package api

import (
	"strings"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/arm"
)

const policyMetadataType = "Microsoft.PolicyInsights/policyMetadata"

// policyMetadataList lists what the controls of the compliance standards are.
func (a *API) policyMetadataList(r *request) (response, error) {
	items := []any{}
	for _, std := range a.Library.Standards {
		for i := range std.Controls {
			items = append(items, policyMetadataBody(std, &std.Controls[i]))
		}
	}
	return slice(a, r, items)
}

// policyMetadata shows one.
func (a *API) policyMetadata(r *request) (response, error) {
	for _, std := range a.Library.Standards {
		for i := range std.Controls {
			if strings.EqualFold(policyMetadataName(std, &std.Controls[i]), r.vars["name"]) {
				return ok(policyMetadataBody(std, &std.Controls[i]))
			}
		}
	}
	return response{}, arm.NotFound("/providers/" + policyMetadataType + "/" + r.vars["name"])
}

func policyMetadataName(std *content.Standard, c *content.StandardControl) string {
	return std.ID + "_" + c.Number
}

func policyMetadataBody(std *content.Standard, c *content.StandardControl) map[string]any {
	name := policyMetadataName(std, c)
	return resource("/providers/"+policyMetadataType+"/"+name, policyMetadataType, map[string]any{
		"metadataId": std.Title + " " + c.Number, "category": c.Domain, "title": c.Title, "owner": "Customer",
	})
}
