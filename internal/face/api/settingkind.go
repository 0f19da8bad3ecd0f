package api

import (
	"context"
	"fmt"
	"net/http"
	"net/mail"
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// Stored objects of Microsoft.Security.
var (
	contactKind = &objectKind{kind: "securityContact", typ: "Microsoft.Security/securityContacts",
		created: http.StatusOK, updated: http.StatusOK, deleted: http.StatusNoContent, check: checkContact}
	settingKind = &objectKind{kind: "securitySetting", typ: "Microsoft.Security/settings",
		created: http.StatusOK, updated: http.StatusOK, check: checkSetting, defaults: map[string]any{
			"MCAS": off, "WDATP": off, "WDATP_EXCLUDE_LINUX_PUBLIC_PREVIEW": off, "WDATP_UNIFIED_SOLUTION": off, "Sentinel": off}}
	provisioningKind = &objectKind{kind: "autoProvisioningSetting", typ: "Microsoft.Security/autoProvisioningSettings",
		created: http.StatusOK, updated: http.StatusOK, check: checkProvisioning,
		defaults: map[string]any{"default": map[string]any{"autoProvision": "Off"}}}
	workspaceKind = &objectKind{kind: "workspaceSetting", typ: "Microsoft.Security/workspaceSettings",
		created: http.StatusOK, updated: http.StatusOK, deleted: http.StatusNoContent, check: checkWorkspace}
	metadataKind = &objectKind{kind: kindMetadata, typ: metadataType,
		created: http.StatusOK, updated: http.StatusOK, deleted: http.StatusOK, check: checkMetadata, used: metadataUsed}
	pushedKind = &objectKind{kind: kindPushed, typ: assessmentType,
		created: http.StatusCreated, updated: http.StatusOK, deleted: http.StatusNoContent, check: checkPushed}
)

var off = map[string]any{"enabled": false}

// settingKinds is the discriminator of each setting; clients need it to know
// the shape.
var settingKinds = map[string]string{
	"MCAS": "DataExportSettings", "WDATP": "DataExportSettings", "WDATP_EXCLUDE_LINUX_PUBLIC_PREVIEW": "DataExportSettings",
	"WDATP_UNIFIED_SOLUTION": "DataExportSettings", "Sentinel": "AlertSyncSettings",
}

// checkContact takes the two shapes that clients send: one address in email,
// or several in emails, parted by semicolons.
func checkContact(_ context.Context, c *change) error {
	p := c.after.Properties
	for name, many := range map[string]bool{"email": false, "emails": true} {
		text, given := p[name].(string)
		if !given || text == "" {
			continue
		}
		addresses := []string{text}
		if many {
			addresses = strings.Split(text, ";")
		}
		for _, address := range addresses {
			if _, err := mail.ParseAddress(strings.TrimSpace(address)); err != nil {
				return invalidAt("properties."+name, "%q is not a mail address.", clip(address))
			}
		}
	}
	for _, name := range []string{"alertNotifications", "alertsToAdmins"} {
		// Newer shapes have an object here; it is kept as it is.
		if _, text := p[name].(string); text {
			if err := oneOf(p, name, "On", "Off"); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkSetting(_ context.Context, c *change) error {
	for name, kind := range settingKinds {
		if !strings.EqualFold(name, c.after.Name) {
			continue
		}
		if _, ok := c.after.Properties["enabled"].(bool); !ok {
			return invalidAt("properties.enabled", "It is required: true or false.")
		}
		if c.after.Kind != "" && !strings.EqualFold(c.after.Kind, kind) {
			return invalidAt("kind", "The setting %s is of kind %s.", name, kind)
		}
		c.after.Kind = kind
		return nil
	}
	return arm.NotFound(c.after.ID)
}

func checkProvisioning(_ context.Context, c *change) error {
	if !strings.EqualFold(c.after.Name, "default") {
		return arm.NotFound(c.after.ID)
	}
	return oneOf(c.after.Properties, "autoProvision", "On", "Off")
}

func checkWorkspace(_ context.Context, c *change) error {
	for _, name := range []string{"workspaceId", "scope"} {
		text, _ := c.after.Properties[name].(string)
		if _, err := arm.ParseID(text); err != nil {
			return invalidAt("properties."+name, "%q is not an id.", clip(text))
		}
	}
	return nil
}

// checkMetadata takes the definition of an assessment that clients will push.
func checkMetadata(_ context.Context, c *change) error {
	p := c.after.Properties
	if c.api.Library.Recommendation(c.after.Name) != nil {
		return &arm.Error{Status: http.StatusConflict, Code: "AssessmentMetadataIsBuiltIn", Target: c.after.ID,
			Message: "This name is a built-in recommendation's; choose another."}
	}
	if text, _ := p["displayName"].(string); text == "" {
		return invalidAt("properties.displayName", "It is required.")
	}
	if err := oneOf(p, "severity", "Low", "Medium", "High", "Critical"); err != nil {
		return err
	}
	if p["assessmentType"] == nil {
		p["assessmentType"] = "CustomerManaged"
	}
	return oneOf(p, "assessmentType", "CustomerManaged", "VerifiedPartner", "Custom")
}

// metadataUsed refuses to delete the definition of assessments that exist.
func metadataUsed(ctx context.Context, c *change) error {
	all, err := readObjects(ctx, c, kindPushed, c.req.scope.SubscriptionID()+"/")
	if err != nil {
		return err
	}
	for _, o := range all {
		if strings.EqualFold(o.Name, c.before.Name) {
			return inUse(c.before.ID, o.ID)
		}
	}
	return nil
}

// checkPushed takes an assessment that a client made itself. Its metadata must
// exist first; a built-in recommendation is judged here and cannot be pushed.
func checkPushed(ctx context.Context, c *change) error {
	name := c.after.Name
	if c.api.Library.Recommendation(name) != nil {
		return &arm.Error{Status: http.StatusConflict, Code: "AssessmentIsBuiltIn", Target: c.after.ID,
			Message: "This recommendation is built in; its assessments are made here and cannot be written."}
	}
	status, _ := c.after.Properties["status"].(map[string]any)
	if status == nil {
		return invalidAt("properties.status", "It is required.")
	}
	if err := oneOf(status, "code", "Healthy", "Unhealthy", "NotApplicable"); err != nil {
		return err
	}
	metadata, err := readObjects(ctx, c, kindMetadata, idPrefix(c.req.scope.SubscriptionID(), metadataType))
	if err != nil {
		return err
	}
	i := slices.IndexFunc(metadata, func(o *object) bool { return strings.EqualFold(o.Name, name) })
	if i < 0 {
		e := arm.Invalid("There is no assessment metadata %q in the subscription; create it first.", clip(name))
		e.Code = "AssessmentMetadataNotFound"
		return e
	}
	c.after.Properties["displayName"] = metadata[i].Properties["displayName"]
	c.after.Properties["resourceDetails"] = map[string]any{"source": "Azure", "id": scopeOf(c.after.ID)}
	return nil
}

// readObjects reads the objects of a kind below a prefix, in the transaction
// of a change.
func readObjects(ctx context.Context, c *change, kind, prefix string) ([]*object, error) {
	stored, err := c.tx.Objects(ctx, objectQuery(c.req, kind, prefix))
	if err != nil {
		return nil, fmt.Errorf("read objects: %w", err)
	}
	return decodeObjects(stored)
}

// pushedAssessments are the assessments that clients made at a scope and below.
func (a *API) pushedAssessments(r *request) ([]any, error) {
	all, err := a.objectsUnder(r, kindPushed, strings.TrimSuffix(a.canonicalScope(r), "/")+"/")
	if err != nil {
		return nil, err
	}
	items := []any{}
	for _, o := range all {
		items = append(items, o)
	}
	return items, nil
}

// pushedAssessment shows one of them.
func (a *API) pushedAssessment(r *request) (response, error) {
	r.vars["name"] = r.vars["assessment"]
	return a.getObject(r, pushedKind)
}
