package api

// cloudName is what clients list this installation under.
const cloudName = "Rampart"

// metadataEndpoints describes this server as a cloud of its own, for clients
// that are told nothing but the address. The oldest version of the document is
// an object, newer ones an array.
func (a *API) metadataEndpoints(r *request) (response, error) {
	base := a.base(r.Request)
	login := base + "/adfs"
	if r.version() == "2015-01-01" {
		return ok(map[string]any{
			"galleryEndpoint": base, "graphEndpoint": base, "portalEndpoint": base,
			"authentication": map[string]any{"loginEndpoint": login, "audiences": []string{base}},
		})
	}
	return ok([]any{map[string]any{
		"name": cloudName, "portal": base, "resourceManager": base, "graph": base, "gallery": base, "batch": base,
		"media": base, "graphAudience": base, "sqlManagement": base, "activeDirectoryDataLake": base,
		"vmImageAliasDoc": base, "microsoftGraphResourceId": base,
		"authentication": map[string]any{"loginEndpoint": login, "audiences": []string{base}, "tenant": "adfs", "identityProvider": "ADFS"},
		"suffixes":       map[string]any{"storage": "", "keyVaultDns": "", "acrLoginServer": "", "sqlServerHostname": ""},
	}})
}
