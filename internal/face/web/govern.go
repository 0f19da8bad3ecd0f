package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/ownership"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// timeframes are the days that an owner may be given.
var timeframes = map[string]string{"7": "7.00:00:00", "14": "14.00:00:00", "30": "30.00:00:00", "90": "90.00:00:00"}

// assign gives what is unhealthy by a recommendation an owner and a due date: on
// one resource, in a scope, or in every subscription of the estate.
func assign(v *visit) (string, error) {
	form := v.PostForm
	r := v.view.Recommendation(form.Get("recommendation"))
	if r == nil {
		return "", arm.NotFound(clip(form.Get("recommendation"), 100))
	}
	due, err := v.dueDate(form.Get("days"), form.Get("due"))
	if err != nil {
		return "", err
	}
	scopes := []string{form.Get("target")}
	if scopes[0] == "" {
		if scopes, err = v.exemptScopes(""); err != nil {
			return "", err
		}
	}
	if err := v.allowAll(ownership.Write, scopes); err != nil {
		return "", err
	}
	grace, some := form.Get("grace") != "", false
	for _, scope := range scopes {
		w := ownership.Wish{Place: v.place(scope, r.ID, form.Get("key")), Match: ownership.Match{ETag: form.Get("etag")}, Owner: form.Get("owner"), Due: due, Grace: &grace}
		_, _, err := v.server.opt.Owners.Put(v.Context(), v.who, w)
		if len(scopes) > 1 && nothingToAssign(err) {
			continue
		}
		if err != nil {
			return "", err
		}
		some = true
	}
	if !some {
		return "", arm.Invalid("Nothing is unhealthy by this recommendation: there is nothing to assign.")
	}
	return v.back(r.ID), nil
}

// back is where a form about a recommendation leads.
func (v *visit) back(recommendation string) string {
	return firstOf(v.PostForm.Get("back"), v.To("/recommendation", "id", recommendation))
}

func nothingToAssign(err error) bool {
	var e *arm.Error
	return errors.As(err, &e) && (e.Status == http.StatusConflict || e.Status == http.StatusNotFound)
}

// place is the assignment of a form. Without a key of its own, the same scope and
// recommendation always have the same.
func (v *visit) place(scope, recommendation, key string) ownership.Place {
	if key == "" {
		key = uuid.NewSHA1(uuid.NameSpaceURL, []byte("owner "+arm.Fold(scope)+" "+recommendation)).String()
	}
	return ownership.Place{Tenant: v.tenant, Scope: scope, Recommendation: recommendation, Key: key}
}

// dueDate is the end of a day, or some days from now.
func (v *visit) dueDate(days, day string) (time.Time, error) {
	if day != "" {
		return v.endOf(day)
	}
	if timeframes[days] == "" {
		return time.Time{}, arm.Invalid("An owner is given 7, 14, 30 or 90 days, or a date; not %q.", clip(days, 20))
	}
	n, err := strconv.Atoi(days)
	return v.now.AddDate(0, 0, n).UTC().Truncate(time.Second), err
}

// endOf is the end of a day as a date field names it, where the reader is.
func (v *visit) endOf(day string) (time.Time, error) {
	at, err := time.ParseInLocation(time.DateOnly, day, v.zone)
	if err != nil {
		return time.Time{}, arm.Invalid("%q is not a date like 2026-01-31.", clip(day, 20))
	}
	return at.AddDate(0, 0, 1).Add(-time.Second), nil
}

// promise sets the ETA of one task, or takes it back: everything else stays.
func promise(v *visit) (string, error) {
	form := v.PostForm
	place := v.place(form.Get("target"), form.Get("recommendation"), form.Get("key"))
	if err := v.who.Allow(actionRead, place.Scope); err != nil {
		return "", err
	}
	e, err := v.server.opt.Owners.Get(v.Context(), place)
	if err != nil {
		return "", err
	}
	w := ownership.Wish{Place: e.Place, Match: ownership.Match{ETag: form.Get("etag")}, Owner: e.Owner, Due: e.Due}
	if form.Get("withdraw") == "" {
		if w.ETA, err = v.endOf(form.Get("eta")); err != nil {
			return "", err
		}
		w.Justification = form.Get("justification")
	}
	if _, _, err := v.server.opt.Owners.Put(v.Context(), v.who, w); err != nil {
		return "", err
	}
	return v.back(e.Recommendation), nil
}

// unassign takes back what a person assigned.
func unassign(v *visit) (string, error) {
	form := v.PostForm
	place := v.place(form.Get("target"), form.Get("recommendation"), form.Get("key"))
	if err := v.server.opt.Owners.Remove(v.Context(), v.who, place, ownership.Match{ETag: form.Get("etag")}); err != nil {
		return "", err
	}
	return v.back(place.Recommendation), nil
}

// setEffect switches a member of the built-in initiative on or off, through
// the parameter of its assignment in the scope's subscriptions.
func setEffect(v *visit) (string, error) {
	r := v.view.Recommendation(v.PostForm.Get("recommendation"))
	if r == nil || r.Content == nil {
		return "", arm.NotFound(clip(v.PostForm.Get("recommendation"), 100))
	}
	scopes, err := v.switchScopes()
	if err == nil {
		err = v.allowAll(actionAssign, scopes)
	}
	if err != nil {
		return "", err
	}
	for _, scope := range scopes {
		if err := v.setParameter(scope, effectParameter(r), v.PostForm.Get("effect")); err != nil {
			return "", err
		}
	}
	return safe(firstOf(v.PostForm.Get("back"), v.To("/policies"))), nil
}

// switchScopes are the subscriptions of the scope. An assignment belongs to a
// whole subscription, so nothing smaller can be switched.
func (v *visit) switchScopes() ([]string, error) {
	var scopes []string
	for _, s := range v.view.Subscriptions() {
		if v.scope.ID == "" || strings.EqualFold(s.ID, v.scope.ID) {
			scopes = append(scopes, s.ID)
		}
	}
	if len(scopes) == 0 {
		return nil, arm.Invalid("A recommendation is switched for a whole subscription or for all; choose one as the scope.")
	}
	return scopes, nil
}

// effectParameter is the initiative's parameter that holds a member's effect.
func effectParameter(r *record.Recommendation) string { return r.Content.Name + "-effect" }

// setParameter changes one parameter of a subscription's built-in assignment;
// an effect of "" goes back to the initiative's own.
func (v *visit) setParameter(subscription, parameter, effect string) error {
	id := subscription + "/providers/Microsoft.Authorization/policyAssignments/SecurityCenterBuiltIn"
	found, err := v.server.opt.Objects.Objects(v.Context(), store.ObjectQuery{Tenant: v.tenant, Kind: "policyAssignment", Prefix: arm.Fold(id), Limit: 1})
	if err != nil {
		return fmt.Errorf("read assignment: %w", err)
	}
	if len(found) == 0 {
		return arm.NotFound(id)
	}
	var body map[string]any
	if err := json.Unmarshal(found[0].Body, &body); err != nil {
		return fmt.Errorf("decode assignment %s: %w", id, err)
	}
	properties := member(body, "properties")
	parameters := member(properties, "parameters")
	switch effect {
	case "":
		delete(parameters, parameter)
	case "Disabled":
		parameters[parameter] = map[string]any{"value": effect}
	default:
		return arm.Invalid("A recommendation is switched off with the effect Disabled, not %q.", clip(effect, 40))
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode assignment %s: %w", id, err)
	}
	o := found[0]
	o.Body, o.UpdatedBy = raw, v.who.Name
	return v.server.opt.Objects.PutObject(v.Context(), v.who, o, o.ETag)
}

// member is an object inside an object, made when it is missing.
func member(of map[string]any, name string) map[string]any {
	inner, ok := of[name].(map[string]any)
	if !ok {
		inner = map[string]any{}
		of[name] = inner
	}
	return inner
}
