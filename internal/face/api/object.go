package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
)

// Kinds of objects in the store.
const (
	kindDefinition = "policyDefinition"
	kindSet        = "policySetDefinition"
	kindAssignment = "policyAssignment"
	kindExemption  = "policyExemption"
	kindMetadata   = "assessmentMetadata"
	kindPushed     = "assessment"
	kindTaskState  = "taskState"
)

// Types of the policy objects.
const (
	typeDefinition = "Microsoft.Authorization/policyDefinitions"
	typeSet        = "Microsoft.Authorization/policySetDefinitions"
	typeAssignment = "Microsoft.Authorization/policyAssignments"
	typeExemption  = "Microsoft.Authorization/policyExemptions"
)

// objectKind is a kind of ARM object that clients write and the store keeps as
// it was put: {id, name, type, properties, ...}.
type objectKind struct {
	kind string // in the store
	typ  string // in ARM
	// created and updated are the status codes of a PUT; clients insist on them.
	created, updated int
	deleted          int // status code of a DELETE
	// check refuses or completes what is about to be stored. before is what is
	// stored now, nil if nothing. It runs in the transaction of the write.
	check func(context.Context, *change) error
	// used refuses a DELETE of what others depend on; nil: nothing can.
	used func(context.Context, *change) error
	// gone removes what has no meaning without a deleted object, in the
	// transaction of its deletion; nil: nothing.
	gone func(context.Context, *change) error
	// leaves keeps what must outlive an object that is about to be deleted, in
	// the transaction of the DELETE; nil: nothing must.
	leaves func(context.Context, *change) error
	// defaults are the properties of names that exist without being stored.
	defaults map[string]any
}

// object is the wire form of a stored object.
type object struct {
	ID         string          `json:"id"`
	Name       string          `json:"name"`
	Type       string          `json:"type"`
	Kind       string          `json:"kind,omitempty"`
	Location   string          `json:"location,omitempty"`
	Identity   json.RawMessage `json:"identity,omitempty"`
	Properties map[string]any  `json:"properties"`
	ETag       string          `json:"etag,omitempty"`
	SystemData *systemData     `json:"systemData,omitempty"`
}

// systemData says who wrote an object last and when.
type systemData struct {
	CreatedAt      time.Time `json:"createdAt"`
	LastModifiedAt time.Time `json:"lastModifiedAt"`
	LastModifiedBy string    `json:"lastModifiedBy,omitempty"`
}

// change is one write of an object under way.
type change struct {
	api    *API
	req    *request
	tx     *store.Tx
	before *object // nil: there is none
	after  *object // nil: it is being deleted
	// warnings are told with the answer: what is accepted and may not be meant.
	warnings []string
}

// idOf is the id of the object that a request names, in canonical spelling.
func (k *objectKind) idOf(a *API, r *request) string {
	return k.prefixAt(a.canonicalScope(r)) + r.vars["name"]
}

// prefixAt is what the ids of the kind's objects at a scope begin with.
func (k *objectKind) prefixAt(scope string) string { return idPrefix(scope, k.typ) }

func idPrefix(scope, typ string) string {
	return strings.TrimSuffix(scope, "/") + "/providers/" + typ + "/"
}

// canonicalScope spells the scope as the inventory does, where it knows it:
// command line clients lower-case the ids that they build.
func (a *API) canonicalScope(r *request) string {
	if view := a.view(r.tenant()); view != nil {
		if row, ok := view.Resource(r.scope.String()); ok {
			return row.ID
		}
	}
	if group := r.scope.ResourceGroup(); group != "" && r.scope.Type() == arm.TypeResourceGroup {
		return "/subscriptions/" + r.scope.Subscription() + "/resourceGroups/" + group
	}
	if r.scope.Type() == arm.TypeSubscription {
		return "/subscriptions/" + r.scope.Subscription()
	}
	return r.scope.String()
}

// list is the handler that lists the objects directly at a scope.
func (k *objectKind) list(a *API, r *request) (response, error) {
	items, err := a.storedBodies(r, k)
	if err != nil {
		return response{}, err
	}
	return slice(a, r, items)
}

// storedBodies are the objects at the request's scope, stored or default.
func (a *API) storedBodies(r *request, k *objectKind) ([]any, error) {
	prefix := k.prefixAt(a.canonicalScope(r))
	stored, err := a.objectsUnder(r, k.kind, prefix)
	if err != nil {
		return nil, err
	}
	items, seen := []any{}, map[string]bool{}
	for _, o := range stored {
		seen[arm.Fold(o.Name)] = true
		items = append(items, o)
	}
	for _, name := range slices.Sorted(maps.Keys(k.defaults)) {
		if !seen[arm.Fold(name)] {
			items = append(items, k.defaultObject(prefix, name))
		}
	}
	return items, nil
}

// objectsUnder reads every object of a kind whose id begins with a prefix.
func (a *API) objectsUnder(r *request, kind, prefix string) ([]*object, error) {
	var all []store.Object
	err := a.Store.View(r.Context(), func(tx *store.Tx) error {
		var err error
		all, err = tx.Objects(r.Context(), objectQuery(r, kind, prefix))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read objects: %w", err)
	}
	return decodeObjects(all)
}

// objectQuery selects a kind below a prefix, in the caller's tenant.
func objectQuery(r *request, kind, prefix string) store.ObjectQuery {
	return store.ObjectQuery{Tenant: r.tenant(), Kind: kind, Prefix: prefix}
}

func decodeObjects(stored []store.Object) ([]*object, error) {
	all := make([]*object, len(stored))
	for i := range stored {
		var err error
		if all[i], err = decodeObject(&stored[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (k *objectKind) defaultObject(prefix, name string) *object {
	properties, _ := k.defaults[name].(map[string]any)
	return &object{ID: prefix + name, Name: name, Type: k.typ, Kind: settingKinds[name], Properties: properties}
}

// get is the handler that shows one object.
func (k *objectKind) get(a *API, r *request) (response, error) { return a.getObject(r, k) }

func (a *API) getObject(r *request, k *objectKind) (response, error) {
	id := k.idOf(a, r)
	var stored *store.Object
	err := a.Store.View(r.Context(), func(tx *store.Tx) error {
		var err error
		stored, err = tx.Object(r.Context(), r.tenant(), k.kind, id)
		return err
	})
	if isStatus(err, http.StatusNotFound) {
		for name := range k.defaults {
			if strings.EqualFold(name, r.vars["name"]) {
				return ok(k.defaultObject(k.prefixAt(a.canonicalScope(r)), name))
			}
		}
		return response{}, arm.NotFound(id)
	}
	if err != nil {
		return response{}, err
	}
	o, err := decodeObject(stored)
	if err != nil {
		return response{}, err
	}
	return response{status: http.StatusOK, body: o, etag: stored.ETag}, nil
}

// decodeObject reads a stored object with what the store knows about it.
func decodeObject(s *store.Object) (*object, error) {
	o := &object{}
	decoder := json.NewDecoder(bytes.NewReader(s.Body))
	decoder.UseNumber()
	if err := decoder.Decode(o); err != nil {
		return nil, fmt.Errorf("decode %s: %w", s.ID, err)
	}
	o.ID = s.ID
	o.ETag = s.ETag
	o.SystemData = &systemData{CreatedAt: s.CreatedAt.UTC(), LastModifiedAt: s.UpdatedAt.UTC(), LastModifiedBy: s.UpdatedBy}
	return o, nil
}
