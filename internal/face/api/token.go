package api

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/rampart-sec/rampart/internal/base/access"
	"github.com/rampart-sec/rampart/internal/base/arm"
)

// oauthNumbers are the numbers that clients know the commonest refusals by.
var oauthNumbers = map[string]int{
	"invalid_client": 7000215, "invalid_grant": 50126, "authorization_pending": 70016,
	"expired_token": 70019, "unsupported_grant_type": 70003,
}

// token is the token endpoint. Its errors have the form of OAuth, not of ARM.
func (a *API) token(r *request) (response, error) {
	form, err := r.form()
	if err != nil {
		return response{}, err
	}
	issued, err := a.Access.Token(r.Context(), access.Grant{
		Type:     form("grant_type"),
		ClientID: form("client_id"), ClientSecret: form("client_secret"),
		Username: form("username"), Password: form("password"),
		RefreshToken: form("refresh_token"),
		DeviceCode:   form("device_code"),
		Remote:       remote(r.Request),
	})
	var refusal *arm.Error
	if errors.As(err, &refusal) {
		return response{status: refusal.Status, body: map[string]any{
			"error": refusal.Code, "error_description": refusal.Message,
			"error_codes": []int{oauthNumbers[refusal.Code]}, "correlation_id": r.id,
			"timestamp": a.Now().UTC().Format(time.DateTime + "Z"),
		}}, nil
	}
	if err != nil {
		return response{}, err
	}
	return a.tokenAnswer(r, issued, form("client_id"))
}

func (a *API) tokenAnswer(r *request, issued *access.Issued, client string) (response, error) {
	seconds := int(issued.ExpiresIn / time.Second)
	answer := map[string]any{
		"token_type": "Bearer", "access_token": issued.AccessToken,
		"expires_in": seconds, "ext_expires_in": seconds,
		"expires_on": fmt.Sprint(a.Now().Add(issued.ExpiresIn).Unix()),
	}
	if issued.RefreshToken == "" {
		return ok(answer)
	}
	tenantID, err := a.Access.TenantID(r.Context(), issued.Principal.Tenant)
	if err != nil {
		return response{}, err
	}
	answer["refresh_token"] = issued.RefreshToken
	answer["scope"] = "openid profile offline_access"
	answer["id_token"], err = access.IDToken(map[string]any{
		"aud": client, "iss": a.authority(r), "iat": a.Now().Unix(), "exp": a.Now().Add(issued.ExpiresIn).Unix(),
		"sub": issued.Principal.ID, "oid": issued.Principal.ID, "tid": tenantID,
		"upn": issued.Principal.Name, "preferred_username": issued.Principal.Name, "name": issued.Principal.Name,
	})
	if err != nil {
		return response{}, err
	}
	return ok(answer)
}

// deviceCode begins a device-code sign-in.
func (a *API) deviceCode(r *request) (response, error) {
	device, err := a.Access.StartDevice(r.Context())
	if err != nil {
		return response{}, err
	}
	page := a.authority(r) + "/device"
	return ok(map[string]any{
		"device_code": device.Code, "user_code": device.UserCode, "verification_uri": page,
		"expires_in": int(access.DeviceLifetime / time.Second), "interval": int(access.DeviceInterval / time.Second),
		"message": fmt.Sprintf("To sign in, open %s in a browser and enter the code %s.", page, device.UserCode),
	})
}

// form reads a form-encoded body, bounded. Parameters in the URL do not count:
// secrets there would end up in logs.
func (r *request) form() (func(string) string, error) {
	r.Body = http.MaxBytesReader(nil, r.Body, 64<<10)
	if err := r.ParseForm(); err != nil {
		return nil, arm.Invalid("The body is not form-encoded: %v.", err)
	}
	return r.PostForm.Get, nil
}

// remote is the client's address without port.
func remote(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// authority is the address of the family of endpoints that was asked: /adfs
// or /{tenant}.
func (a *API) authority(r *request) string {
	if tenant := r.vars["tenant"]; tenant != "" {
		return a.base(r.Request) + "/" + tenant
	}
	return a.base(r.Request) + "/adfs"
}

// openIDADFS describes the /adfs family, whose paths older command line
// clients need to leave out their check of the authority.
func (a *API) openIDADFS(r *request) (response, error) {
	return a.openID(r, "/oauth2/")
}

// openIDTenant describes the /{tenant} family.
func (a *API) openIDTenant(r *request) (response, error) {
	return a.openID(r, "/oauth2/v2.0/")
}

func (a *API) openID(r *request, path string) (response, error) {
	authority := a.authority(r)
	return ok(map[string]any{
		"issuer":                                authority,
		"authorization_endpoint":                authority + path + "authorize",
		"token_endpoint":                        authority + path + "token",
		"device_authorization_endpoint":         authority + path + "devicecode",
		"jwks_uri":                              authority + "/discovery/keys",
		"response_types_supported":              []string{"code", "id_token"},
		"response_modes_supported":              []string{"query", "form_post"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"none"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_post"},
		"grant_types_supported":                 []string{access.GrantClient, access.GrantPassword, access.GrantRefresh, access.GrantDevice},
		"scopes_supported":                      []string{"openid", "profile", "offline_access"},
	})
}

// keys is the empty key set: tokens here are opaque and nobody verifies them
// but this server.
func (a *API) keys(*request) (response, error) { return ok(map[string]any{"keys": []any{}}) }
