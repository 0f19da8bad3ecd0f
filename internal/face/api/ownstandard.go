package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/compliance"
)

// ownStandardKind are the standards that users make.
var ownStandardKind = &objectKind{kind: compliance.OwnKind, typ: compliance.OwnType,
	created: http.StatusCreated, updated: http.StatusOK, deleted: http.StatusNoContent, check: checkOwnStandard, gone: forgetOwn}

// checkOwnStandard puts a standard into the form that is kept.
func checkOwnStandard(ctx context.Context, c *change) error {
	_, view, err := c.api.estate(c.req)
	if err != nil {
		return err
	}
	if !view.Holds(c.req.scope.String()) {
		return arm.NotFound(c.req.scope.String())
	}
	body, err := c.document()
	if err != nil {
		return err
	}
	std, properties, err := compliance.NormalizeOwn(body, c.api.Compliance.Known(view))
	if err != nil {
		return err
	}
	if err := c.api.Compliance.Unique(ctx, c.tx, c.req.tenant(), c.after.ID, std); err != nil {
		return err
	}
	c.after.Properties = map[string]any{}
	decoder := json.NewDecoder(bytes.NewReader(properties))
	if err := decoder.Decode(&c.after.Properties); err != nil {
		return fmt.Errorf("decode standard: %w", err)
	}
	return nil
}

// forgetOwn removes what was attested for a standard with it.
func forgetOwn(ctx context.Context, c *change) error {
	return compliance.Forget(ctx, c.tx, c.req.tenant(), strings.ToLower(c.before.Name))
}

// forgetSet does so for an initiative, which may have been a standard.
func forgetSet(ctx context.Context, c *change) error {
	return compliance.Forget(ctx, c.tx, c.req.tenant(), compliance.InitiativeID(c.before.ID))
}

// putStandard takes a standard as an ARM object or, with a media type of YAML,
// as a file in the format of content/standards.
func putStandard(a *API, r *request) (response, error) {
	if !strings.Contains(r.Header.Get("Content-Type"), "yaml") {
		return ownStandardKind.put(a, r)
	}
	_, view, err := a.estate(r)
	if err != nil {
		return response{}, err
	}
	data, err := r.body()
	if err != nil {
		return response{}, err
	}
	std, err := content.ReadStandard("body", data, a.Compliance.Known(view))
	if err != nil {
		return response{}, arm.Invalid("%v.", err)
	}
	if !strings.EqualFold(std.ID, r.vars["name"]) {
		return response{}, invalidAt("id", "The file is of %q, the address of %q.", std.ID, clip(r.vars["name"]))
	}
	o := &object{ID: ownStandardKind.idOf(a, r), Name: std.ID, Type: compliance.OwnType}
	properties, err := json.Marshal(compliance.PropertiesOf(std))
	if err != nil {
		return response{}, fmt.Errorf("encode standard: %w", err)
	}
	if err := json.Unmarshal(properties, &o.Properties); err != nil {
		return response{}, fmt.Errorf("decode standard: %w", err)
	}
	return ownStandardKind.write(a, r, func(*object) (*object, error) { return o, nil })
}
