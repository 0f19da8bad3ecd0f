package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
)

// put is the handler that creates or replaces an object.
func (k *objectKind) put(a *API, r *request) (response, error) {
	after, err := k.read(a, r)
	if err != nil {
		return response{}, err
	}
	return k.write(a, r, func(*object) (*object, error) { return after, nil })
}

// patch is the handler that changes some properties: those given replace the
// stored ones whole, null removes.
func (k *objectKind) patch(a *API, r *request) (response, error) {
	given, err := k.read(a, r)
	if err != nil {
		return response{}, err
	}
	resp, err := k.write(a, r, func(before *object) (*object, error) {
		if before == nil {
			return nil, arm.NotFound(given.ID)
		}
		return merge(before, given), nil
	})
	resp.status = http.StatusOK
	return resp, err
}

func merge(before, given *object) *object {
	after := *before
	after.Properties = map[string]any{}
	for key, value := range before.Properties {
		after.Properties[key] = value
	}
	for key, value := range given.Properties {
		if value == nil {
			delete(after.Properties, key)
			continue
		}
		after.Properties[key] = value
	}
	if given.Identity != nil {
		after.Identity = given.Identity
	}
	if given.Location != "" {
		after.Location = given.Location
	}
	return &after
}

// maxName bounds the last segment of an object's id.
const maxName = 260

// read takes the object out of a body. Name, id and type are the path's.
func (k *objectKind) read(a *API, r *request) (*object, error) {
	o := &object{}
	if err := r.decode(o); err != nil {
		return nil, err
	}
	if o.Properties == nil {
		e := arm.Invalid("properties is required.")
		e.Target = "properties"
		return nil, e
	}
	name := r.vars["name"]
	if len(name) > maxName {
		return nil, arm.Invalid("The name is longer than %d characters.", maxName)
	}
	o.ID, o.Name, o.Type = k.idOf(a, r), name, k.typ
	o.ETag, o.SystemData = "", nil
	return o, nil
}

// write stores what make gives for what is stored now, in one transaction with
// its check and its audit row.
func (k *objectKind) write(a *API, r *request, make func(before *object) (*object, error)) (response, error) {
	var resp response
	err := a.Store.Update(r.Context(), func(tx *store.Tx) error {
		c := &change{api: a, req: r, tx: tx}
		var err error
		if c.before, err = k.stored(r.Context(), c, k.idOf(a, r)); err != nil {
			return err
		}
		if c.after, err = make(c.before); err != nil {
			return err
		}
		resp, err = k.store(r.Context(), c)
		return err
	})
	return resp, err
}

func (k *objectKind) store(ctx context.Context, c *change) (response, error) {
	if c.before != nil {
		// The first spelling stays, whatever case later requests use.
		c.after.ID, c.after.Name = c.before.ID, c.before.Name
	}
	if err := k.check(ctx, c); err != nil {
		return response{}, err
	}
	match, err := c.precondition()
	if err != nil {
		return response{}, err
	}
	c.after.ETag, c.after.SystemData = "", nil
	body, err := json.Marshal(c.after)
	if err != nil {
		return response{}, fmt.Errorf("encode %s: %w", c.after.ID, err)
	}
	stored, err := c.tx.PutObject(ctx, store.Object{Tenant: c.req.tenant(), Kind: k.kind, ID: c.after.ID, Body: body, UpdatedBy: c.req.principal.Name}, match)
	if err != nil {
		return response{}, err
	}
	if err := c.audit(ctx, c.after.ID); err != nil {
		return response{}, err
	}
	out, err := decodeObject(&stored)
	if err != nil {
		return response{}, err
	}
	status := k.updated
	if c.before == nil {
		status = k.created
	}
	return response{status: status, body: out, etag: stored.ETag, warnings: c.warnings}, nil
}

// stored reads the object that a change starts from, nil if there is none.
func (k *objectKind) stored(ctx context.Context, c *change, id string) (*object, error) {
	s, err := c.tx.Object(ctx, c.req.tenant(), k.kind, id)
	if isStatus(err, http.StatusNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return decodeObject(s)
}

// precondition is what the conditional headers demand: an ETag, "*" for
// anything that exists, "" for no matter what.
func (c *change) precondition() (string, error) {
	if strings.TrimSpace(c.req.Header.Get("If-None-Match")) == "*" && c.before != nil {
		return "", &arm.Error{Status: http.StatusPreconditionFailed, Code: "PreconditionFailed", Target: c.before.ID,
			Message: "It exists already, and If-None-Match: * asks to create it."}
	}
	return ifMatch(c.req.Header), nil
}

// ifMatch is the ETag of If-Match without its quotes, "" if there is none.
func ifMatch(h http.Header) string {
	tag := strings.TrimPrefix(strings.TrimSpace(h.Get("If-Match")), "W/")
	return strings.Trim(tag, `"`)
}

// remove is the handler that deletes an object. Deleting what is not there is
// a success, as for every ARM resource.
func (k *objectKind) remove(a *API, r *request) (response, error) {
	id := k.idOf(a, r)
	gone := false
	err := a.Store.Update(r.Context(), func(tx *store.Tx) error {
		c := &change{api: a, req: r, tx: tx}
		var err error
		if c.before, err = k.stored(r.Context(), c, id); err != nil {
			return err
		}
		if gone = c.before == nil; gone {
			return nil
		}
		if k.used != nil {
			if err := k.used(r.Context(), c); err != nil {
				return err
			}
		}
		if k.leaves != nil {
			if err := k.leaves(r.Context(), c); err != nil {
				return err
			}
		}
		if err := tx.DeleteObject(r.Context(), r.tenant(), k.kind, id, ifMatch(r.Header)); err != nil {
			return err
		}
		if k.gone != nil {
			if err := k.gone(r.Context(), c); err != nil {
				return err
			}
		}
		return c.audit(r.Context(), id)
	})
	if err != nil {
		return response{}, err
	}
	if gone {
		return noContent()
	}
	return response{status: k.deleted}, nil
}

// audit appends a row for the write, in its transaction.
func (c *change) audit(ctx context.Context, target string) error {
	var detail json.RawMessage
	if c.after != nil {
		var err error
		if detail, err = json.Marshal(c.after.Properties); err != nil {
			return fmt.Errorf("encode audit row: %w", err)
		}
	}
	return c.tx.AppendAudit(ctx, store.AuditRow{Tenant: c.req.tenant(), Actor: c.req.principal.Name,
		Action: string(c.req.route.access), Target: target, Outcome: "ok", Detail: detail})
}
