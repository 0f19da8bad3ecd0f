package api

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

const (
	definitionPrefix = "/providers/Microsoft.Authorization/policyDefinitions/"
	setPrefix        = "/providers/Microsoft.Authorization/policySetDefinitions/"
)

// builtIns are the policy documents that come with the product, by folded id.
// They are read once and never change.
type builtIns struct {
	definitions []*object
	sets        []*object
	byID        map[string]*object
	raw         map[string]json.RawMessage
	initiatives map[string]*policy.Initiative
}

func readBuiltIns(library *content.Library) (*builtIns, error) {
	b := &builtIns{byID: map[string]*object{}, raw: map[string]json.RawMessage{}, initiatives: map[string]*policy.Initiative{}}
	for _, rec := range library.Recommendations {
		o, err := b.add(rec.Definition())
		if err != nil {
			return nil, err
		}
		b.definitions = append(b.definitions, o)
	}
	o, err := b.add(library.Initiative())
	if err != nil {
		return nil, err
	}
	b.sets = []*object{o}
	b.initiatives[arm.Fold(o.ID)], err = policy.ParseInitiative(b.raw[arm.Fold(o.ID)])
	if err != nil {
		return nil, fmt.Errorf("read built-in initiative: %w", err)
	}
	return b, nil
}

func (b *builtIns) add(document json.RawMessage) (*object, error) {
	o := &object{}
	if err := json.Unmarshal(document, o); err != nil {
		return nil, fmt.Errorf("read built-in policy: %w", err)
	}
	b.byID[arm.Fold(o.ID)], b.raw[arm.Fold(o.ID)] = o, document
	return o, nil
}

// of are the built-in documents of a kind.
func (b *builtIns) of(k *objectKind) []*object {
	switch k {
	case definitionKind:
		return b.definitions
	case setKind:
		return b.sets
	}
	return nil
}

// builtInList lists the built-in documents of a kind at the tenant root.
func builtInList(k *objectKind) func(*API, *request) (response, error) {
	return func(a *API, r *request) (response, error) {
		keep, err := policyFilter(r)
		if err != nil {
			return response{}, err
		}
		return slice(a, r, appendKept([]any{}, a.builtIn.of(k), keep))
	}
}

// appendKept appends the objects that a filter keeps.
func appendKept(items []any, all []*object, keep func(*object) bool) []any {
	for _, o := range all {
		if keep(o) {
			items = append(items, o)
		}
	}
	return items
}

// builtInShow shows one at the tenant root.
func builtInShow(k *objectKind) func(*API, *request) (response, error) {
	return func(a *API, r *request) (response, error) {
		id := "/providers/" + k.typ + "/" + r.vars["name"]
		if o := a.builtIn.byID[arm.Fold(id)]; o != nil {
			return ok(o)
		}
		return response{}, &arm.Error{Status: 404, Code: notFoundCode(k.kind), Message: fmt.Sprintf("There is no built-in %q.", r.vars["name"]), Target: id}
	}
}

// notFoundCode is the error code that clients of policy look for.
func notFoundCode(kind string) string {
	switch kind {
	case kindDefinition:
		return "PolicyDefinitionNotFound"
	case kindSet:
		return "PolicySetDefinitionNotFound"
	case kindAssignment:
		return "PolicyAssignmentNotFound"
	case kindExemption:
		return "PolicyExemptionNotFound"
	}
	return "ResourceNotFound"
}

// policyDocument is a definition or an initiative that an id names: built in,
// or stored in the caller's tenant. A 400 names the property that named it.
func (c *change) policyDocument(ctx context.Context, id, property string) (*policy.Definition, *policy.Initiative, error) {
	parsed, err := arm.ParseID(id)
	if err != nil {
		return nil, nil, invalidAt(property, "%q is not the id of a policy definition or initiative.", clip(id))
	}
	kind := kindDefinition
	switch {
	case strings.EqualFold(parsed.Type(), typeSet):
		kind = kindSet
	case !strings.EqualFold(parsed.Type(), typeDefinition):
		return nil, nil, invalidAt(property, "%q is a %s, not a policy definition or initiative.", clip(id), parsed.Type())
	}
	body := c.api.builtIn.raw[parsed.Key()]
	if body == nil {
		stored, err := c.tx.Object(ctx, c.req.tenant(), kind, id)
		if isStatus(err, 404) {
			e := invalidAt(property, "There is no %s.", clip(id))
			e.Code = notFoundCode(kind)
			return nil, nil, e
		}
		if err != nil {
			return nil, nil, err
		}
		body = stored.Body
	}
	if kind == kindSet {
		initiative, err := policy.ParseInitiative(body)
		return nil, initiative, err
	}
	definition, err := policy.ParseDefinition(body)
	return definition, nil, err
}

// invalidAt is a 400 that names the property.
func invalidAt(property, format string, args ...any) *arm.Error {
	e := arm.Invalid(property+": "+format, args...)
	e.Target = property
	return e
}
