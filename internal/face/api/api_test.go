package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/rampart-sec/rampart/internal/face/api/apitest"
)

func TestSignInEndpoints(t *testing.T) {
	s := apitest.New(t)
	for family, discovery := range map[string]string{"/adfs": "/adfs", "/" + s.Facts.TenantID: "/" + s.Facts.TenantID + "/v2.0"} {
		body := s.Plain(discovery + "/.well-known/openid-configuration?").Body
		for _, name := range []string{"issuer", "authorization_endpoint", "token_endpoint", "device_authorization_endpoint", "jwks_uri"} {
			if text, _ := body[name].(string); !strings.HasPrefix(text, s.URL+family) {
				t.Errorf("%s: %s is %v", family, name, body[name])
			}
		}
		endpoint, _ := body["token_endpoint"].(string)
		a := s.Form(strings.TrimPrefix(endpoint, s.URL), url.Values{"grant_type": {"client_credentials"}, "client_id": {s.Facts.ClientID}, "client_secret": {s.Facts.ClientSecret}})
		if a.Status != 200 || a.Body["token_type"] != "Bearer" || a.Body["expires_in"] != 3600.0 || a.Body["access_token"] == "" {
			t.Errorf("%s: %d %s", family, a.Status, a.Raw)
		}
	}
}

func TestTokenRefusals(t *testing.T) {
	s := apitest.New(t)
	a := s.Form("/adfs/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {s.Facts.ClientID}, "client_secret": {"wrong"}})
	if a.Status != http.StatusUnauthorized || a.Body["error"] != "invalid_client" || a.Body["error_description"] == "" {
		t.Errorf("wrong secret: %d %s", a.Status, a.Raw)
	}
	// Secrets in the address end up in logs, so they do not count.
	a = s.Form("/adfs/oauth2/token?client_secret="+s.Facts.ClientSecret, url.Values{"grant_type": {"client_credentials"}, "client_id": {s.Facts.ClientID}})
	if a.Status != http.StatusUnauthorized {
		t.Errorf("secret in the address: %d", a.Status)
	}
	a = s.Form("/adfs/oauth2/token", url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "device_code": {"x"}})
	if a.Status != http.StatusBadRequest || a.Body["error"] != "invalid_grant" {
		t.Errorf("unknown device: %d %s", a.Status, a.Raw)
	}
}

func TestDeviceCodeSignIn(t *testing.T) {
	s := apitest.New(t)
	device := s.Form("/adfs/oauth2/devicecode", url.Values{"client_id": {"x"}}).Body
	poll := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "client_id": {"x"}, "device_code": {device["device_code"].(string)}}
	if a := s.Form("/adfs/oauth2/token", poll); a.Status != 400 || a.Body["error"] != "authorization_pending" {
		t.Fatalf("before approval: %d %s", a.Status, a.Raw)
	}
	page := strings.TrimPrefix(device["verification_uri"].(string), s.URL)
	if a := s.Plain(page); a.Status != 200 || !strings.Contains(string(a.Raw), "user_code") {
		t.Fatalf("verification page: %d %s", a.Status, a.Raw)
	}
	link, err := s.Access.NewLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	approve := func(code string) int {
		return s.Form(page, url.Values{"user_code": {code}, "link": {"http://x/signin?code=" + link}}).Status
	}
	// A wrong code uses nothing up; the right one works once.
	for _, tt := range []struct {
		code string
		want int
	}{{"BBBB-BBBB", 400}, {device["user_code"].(string), 200}, {device["user_code"].(string), 400}} {
		if got := approve(tt.code); got != tt.want {
			t.Fatalf("approval of %s: %d, want %d", tt.code, got, tt.want)
		}
	}
	a := s.Form("/adfs/oauth2/token", poll)
	token, _ := a.Body["id_token"].(string)
	if a.Status != 200 || strings.Count(token, ".") != 2 || a.Body["refresh_token"] == "" {
		t.Fatalf("after approval: %d %s", a.Status, a.Raw)
	}
	s.Want(200, apitest.Call{Method: "GET", Path: "/tenants", Token: a.Body["access_token"].(string)})
}

func TestMetadataEndpointsNeedNoToken(t *testing.T) {
	s := apitest.New(t)
	a := s.Plain("/metadata/endpoints?api-version=2015-01-01")
	login, _ := a.Body["authentication"].(map[string]any)
	if a.Status != 200 || login["loginEndpoint"] != s.URL+"/adfs" {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
	a = s.Plain("/metadata/endpoints?api-version=2019-05-01")
	if a.Status != 200 || !strings.HasPrefix(string(a.Raw), `[{`) {
		t.Errorf("array form: %d %s", a.Status, a.Raw)
	}
}

func TestRefusals(t *testing.T) {
	s := apitest.New(t)
	s.Estate()
	const get, put, post = "GET", "PUT", "POST"
	arm := s.Sub() + "/providers/Microsoft.Security/pricings/Arm"
	tests := map[string]struct {
		method, path string
		body         any
		status       int
		code         string
	}{
		"unknown_path":         {get, "/no/such/thing", nil, 404, "InvalidResourceType"},
		"wrong_method":         {post, "/subscriptions", nil, 405, "MethodNotAllowed"},
		"no_version":           {get, "/subscriptions?api-version=", nil, 400, "MissingApiVersionParameter"},
		"bad_version":          {get, "/subscriptions?api-version=latest", nil, 400, "InvalidApiVersionParameter"},
		"unknown_subscription": {get, "/subscriptions/00000000-0000-0000-0000-000000000000/providers/Microsoft.Security/secureScores", nil, 404, "SubscriptionNotFound"},
		"no_guid":              {get, "/subscriptions/nope/providers/Microsoft.Security/secureScores", nil, 400, "InvalidSubscriptionId"},
		"no_guid_shown":        {get, "/subscriptions/nope", nil, 400, "InvalidSubscriptionId"},
		"no_guid_register":     {post, "/subscriptions/nope/providers/Microsoft.Security/register", nil, 400, "InvalidSubscriptionId"},
		"no_guid_pricing":      {put, "/subscriptions/nope/providers/Microsoft.Security/pricings/Arm", `{"properties":{"pricingTier":"Standard"}}`, 400, "InvalidSubscriptionId"},
		"unknown_resource":     {get, s.Sub() + "/resourceGroups/Web/providers/Microsoft.Web/sites/none", nil, 404, "ResourceNotFound"},
		"bad_skip_token":       {get, "/subscriptions?$skiptoken=!!", nil, 400, "InvalidSkipToken"},
		"foreign_skip_token":   {get, s.Sub() + "/providers/Microsoft.Security/assessments?$skiptoken=eHl6", nil, 400, "InvalidRequestContent"},
		"bad_top":              {get, "/subscriptions?$top=-1", nil, 400, "InvalidQueryOption"},
		"dots_in_path":         {get, s.Sub() + "/resourceGroups/%2e%2e/providers/Microsoft.Security/assessments", nil, 404, "InvalidResourceType"},
		"long_path":            {get, "/subscriptions/" + strings.Repeat("x", 5000), nil, 414, "RequestUriTooLong"},
		"not_done_here":        {post, "/providers/Microsoft.ResourceGraph/resources", "{}", 501, "NotImplemented"},
		"unknown_score":        {get, s.Sub() + "/providers/Microsoft.Security/secureScores/other", nil, 404, "ResourceNotFound"},
		"unknown_assessment":   {get, s.Vault() + "/providers/Microsoft.Security/assessments/none", nil, 404, "ResourceNotFound"},
		"unknown_plan":         {get, s.Sub() + "/providers/Microsoft.Security/pricings/Nothing", nil, 404, "ResourceNotFound"},
		"unknown_task":         {get, s.Sub() + "/providers/Microsoft.Security/locations/centralus/tasks/x-y", nil, 404, "ResourceNotFound"},
		"not_json":             {put, arm, "{", 400, "InvalidRequestContent"},
		"no_body":              {put, arm, nil, 400, "InvalidRequestContent"},
		"no_properties":        {put, arm, "{}", 400, "InvalidRequestContent"},
		"wrong_type":           {put, arm, `{"properties":{"pricingTier":7}}`, 400, "InvalidRequestContent"},
		"huge_body":            {put, arm, strings.Repeat(" ", 5<<20), 413, "RequestContentTooLarge"},
		"unknown_filter":       {get, s.Sub() + "/providers/Microsoft.Authorization/policyAssignments?$filter=" + url.QueryEscape("name gt 'x'"), nil, 400, "InvalidFilterInQueryString"},
		"unknown_setting":      {put, s.Sub() + "/providers/Microsoft.Security/settings/Nope", `{"properties":{"enabled":true}}`, 404, "ResourceNotFound"},
		"bad_contact":          {put, s.Sub() + "/providers/Microsoft.Security/securityContacts/default", `{"properties":{"emails":"a@b.example;nobody"}}`, 400, "InvalidRequestContent"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s.Fails(tt.status, tt.code, apitest.Call{Method: tt.method, Path: tt.path, Body: tt.body})
		})
	}
}

func TestNoToken(t *testing.T) {
	s := apitest.New(t)
	for _, path := range []string{"/subscriptions?api-version=2020-01-01", s.Sub() + "/providers/Microsoft.Security/secureScores", "/no/such/thing"} {
		a := s.Plain(path)
		want := `Bearer authorization_uri="` + s.URL + `/adfs", error="invalid_token"`
		if a.Status != 401 || a.Header.Get("WWW-Authenticate") != want || a.Body["error"] == nil {
			t.Errorf("%s: %d %q %s", path, a.Status, a.Header.Get("WWW-Authenticate"), a.Raw)
		}
	}
}

func TestPathsIgnoreCaseAndSlashes(t *testing.T) {
	s := apitest.New(t)
	a := s.Get("//" + strings.ToUpper(strings.TrimPrefix(s.Sub(), "/")) + "//PROVIDERS/microsoft.security/SECURESCORES/")
	if items := a.Body["value"].([]any); len(items) != 1 {
		t.Errorf("%s", a.Raw)
	}
}

func TestSubscriptionsAndResources(t *testing.T) {
	s := apitest.New(t)
	s.Estate()
	all := s.List("/subscriptions")
	if len(all) != 1 || all[0]["id"] != s.Sub() || all[0]["tenantId"] != s.Facts.TenantID || all[0]["state"] != "Enabled" {
		t.Errorf("subscriptions %v", all)
	}
	if tenants := s.List("/tenants"); len(tenants) != 1 || tenants[0]["tenantId"] != s.Facts.TenantID {
		t.Errorf("tenants %v", tenants)
	}
	if groups := s.List(s.Sub() + "/resourcegroups"); len(groups) != 1 || groups[0]["name"] != "Web" {
		t.Errorf("groups %v", groups)
	}
	if resources := s.List(s.Sub() + "/resources?$filter=&$expand=createdTime"); len(resources) != 2 {
		t.Errorf("resources %v", resources)
	}
	only := s.List(s.Sub() + "/resources?$filter=" + url.QueryEscape("resourceType eq 'Microsoft.KeyVault/vaults'"))
	if len(only) != 1 || only[0]["id"] != s.Vault() {
		t.Errorf("filtered %v", only)
	}
	shown := s.Get(strings.ToLower(s.Vault())).Body
	if shown["id"] != s.Vault() || shown["properties"] == nil {
		t.Errorf("shown %v", shown)
	}
	if p := s.Get(s.Sub() + "/providers/microsoft.security").Body; p["registrationState"] != "Registered" || len(p["resourceTypes"].([]any)) == 0 {
		t.Errorf("provider %v", p)
	}
}
