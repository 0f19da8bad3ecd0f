package compliance

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/index"
)

// Options are what Records need. Library and Now must be set.
type Options struct {
	Store   *store.DB // nil: built-in standards and assigned initiatives, nothing kept
	Library *content.Library
	Now     func() time.Time
	Log     *slog.Logger // nil discards
}

// Records keep users' standards, what people attested, and what standards said
// over time.
type Records struct {
	opt     Options
	builtIn []*Standard
}

// NewRecords reads the library's standards; it starts nothing.
func NewRecords(opt Options) *Records {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	return &Records{opt: opt, builtIn: builtIns(opt.Library)}
}

// maxOwn bounds the standards that users of one tenant make.
const maxOwn = 100

// Write says who changes what of which tenant, and over which state of it:
// IfMatch is an ETag, "*" for anything that is there, Absent for nothing, "" for
// no matter what.
type Write struct {
	Tenant, By string
	IfMatch    string
}

// Absent demands that nothing is stored yet.
const Absent = "absent"

// Standards are all standards of a tenant: the built-in ones, then users' own
// and assigned initiatives by title. v is the tenant's view.
func (c *Records) Standards(ctx context.Context, tenant string, v *index.View) ([]*Standard, error) {
	var others []*Standard
	err := c.view(ctx, func(tx *store.Tx) (err error) {
		others, err = owns(ctx, tx, tenant)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, a := range v.Assigned() {
		if s := ofInitiative(a); s != nil {
			others = append(others, s)
		}
	}
	slices.SortStableFunc(others, func(a, b *Standard) int { return cmp.Compare(strings.ToLower(a.Title), strings.ToLower(b.Title)) })
	return named(append(slices.Clip(c.builtIn), others...)), nil
}

// named gives an initiative that has another standard's name in the API its id
// as its name.
func named(all []*Standard) []*Standard {
	taken := map[string]bool{}
	for _, s := range all {
		if s.Kind == Initiative && taken[strings.ToLower(s.Name)] {
			s.Name = s.ID // ofInitiative made it anew
		}
		taken[strings.ToLower(s.Name)], taken[strings.ToLower(s.ID)] = true, true
	}
	return all
}

// Standard is the standard with an id or API name; arm.NotFound if there is
// none.
func (c *Records) Standard(ctx context.Context, tenant string, v *index.View, name string) (*Standard, error) {
	all, err := c.Standards(ctx, tenant, v)
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		if s.is(name) {
			return s, nil
		}
	}
	return nil, arm.NotFound(clip(name))
}

// view reads the store, if there is one.
func (c *Records) view(ctx context.Context, f func(*store.Tx) error) error {
	if c.opt.Store == nil {
		return nil
	}
	return c.opt.Store.View(ctx, f)
}

var errReadOnly = errors.New("compliance: nothing is kept here")

func (c *Records) update(ctx context.Context, f func(*store.Tx) error) error {
	if c.opt.Store == nil {
		return errReadOnly
	}
	return c.opt.Store.Update(ctx, f)
}

// owns reads users' own standards.
func owns(ctx context.Context, tx *store.Tx, tenant string) ([]*Standard, error) {
	objects, err := tx.Objects(ctx, store.ObjectQuery{Tenant: tenant, Kind: OwnKind})
	if err != nil {
		return nil, fmt.Errorf("read standards: %w", err)
	}
	all := make([]*Standard, len(objects))
	for i := range objects {
		if all[i], err = ofObject(objects[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// PutStandard writes a user's standard for a scope, "" being the whole estate.
// Errors for the user are *arm.Errors: what is wrong with it (400), a name or
// title that another standard has (409), another's change in between (412).
func (c *Records) PutStandard(ctx context.Context, w Write, v *index.View, scope string, std *content.Standard) error {
	if err := checkOwn(std, c.Known(v)); err != nil {
		return err
	}
	if !v.Holds(scope) {
		return arm.NotFound(clip(scope))
	}
	o, err := ownObject(scope, std)
	if err != nil {
		return err
	}
	return c.update(ctx, func(tx *store.Tx) error {
		if err := c.Unique(ctx, tx, w.Tenant, o.ID, std); err != nil {
			return err
		}
		return put(ctx, tx, w, o)
	})
}

// Known reports whether a recommendation exists, in the library or through a
// policy of the tenant's own.
func (c *Records) Known(v *index.View) func(id string) bool {
	return func(id string) bool { return c.opt.Library.Recommendation(id) != nil || v.Recommendation(id) != nil }
}

// Unique refuses a standard, to be stored under an id, whose name or title is
// another's, or that is one too many.
func (c *Records) Unique(ctx context.Context, tx *store.Tx, tenant, id string, std *content.Standard) error {
	others, err := owns(ctx, tx, tenant)
	if err != nil {
		return err
	}
	others = slices.DeleteFunc(others, func(s *Standard) bool { return arm.Fold(s.Source) == arm.Fold(id) })
	if len(others) >= maxOwn {
		return conflict(id, "There are %d standards already; remove one first.", maxOwn)
	}
	for _, s := range append(others, c.builtIn...) {
		switch {
		case s.is(std.ID) || std.ID == "new" || strings.HasPrefix(strings.ToLower(std.ID), initiativePrefix):
			return conflict(id, "The name %q is taken; choose another.", std.ID)
		case strings.EqualFold(s.Title, std.Title) && s.Version == std.Version:
			return conflict(id, "Another standard has the title %q and the same version; people could not tell them apart.", std.Title)
		}
	}
	return nil
}

func conflict(id, format string, args ...any) *arm.Error {
	return &arm.Error{Status: http.StatusConflict, Code: "Conflict", Message: fmt.Sprintf(format, args...), Target: id}
}

// put writes an object with its audit row.
func put(ctx context.Context, tx *store.Tx, w Write, o store.Object) error {
	o.Tenant, o.UpdatedBy = w.Tenant, w.By
	match := w.IfMatch
	if match == Absent {
		_, err := tx.Object(ctx, w.Tenant, o.Kind, o.ID)
		if err == nil {
			return arm.Conflict(o.ID)
		}
		if !arm.IsNotFound(err) {
			return err
		}
		match = ""
	}
	if _, err := tx.PutObject(ctx, o, match); err != nil {
		return err
	}
	return tx.AppendAudit(ctx, store.AuditRow{Tenant: w.Tenant, Actor: w.By, Action: o.Kind + "/write", Target: o.ID, Outcome: "done", Detail: o.Body})
}

// remove deletes an object with its audit row.
func remove(ctx context.Context, tx *store.Tx, w Write, kind, id string) error {
	if err := tx.DeleteObject(ctx, w.Tenant, kind, id, w.IfMatch); err != nil {
		return err
	}
	return tx.AppendAudit(ctx, store.AuditRow{Tenant: w.Tenant, Actor: w.By, Action: kind + "/delete", Target: id, Outcome: "done"})
}

// DeleteStandard removes a user's own standard with what was attested for it
// and what it said over time.
func (c *Records) DeleteStandard(ctx context.Context, w Write, std *Standard) error {
	if std.Kind != Own {
		return arm.Invalid("%s cannot be removed here.", std.Title)
	}
	return c.update(ctx, func(tx *store.Tx) error {
		if err := remove(ctx, tx, w, OwnKind, std.Source); err != nil {
			return err
		}
		return Forget(ctx, tx, w.Tenant, std.ID)
	})
}

// Forget removes what was attested for a standard, and what it said over time.
func Forget(ctx context.Context, tx *store.Tx, tenant, standard string) error {
	objects, err := tx.Objects(ctx, store.ObjectQuery{Tenant: tenant, Kind: AttestationKind})
	if err != nil {
		return fmt.Errorf("read attestations: %w", err)
	}
	for _, o := range objects {
		if !strings.Contains(arm.Fold(o.ID), arm.Fold(attestationPrefix+standard+"~")) {
			continue
		}
		if err := tx.DeleteObject(ctx, tenant, AttestationKind, o.ID, ""); err != nil {
			return err
		}
		if err := dropEvidence(ctx, tx, tenant, o.ID); err != nil {
			return err
		}
	}
	return tx.ForgetCompliance(ctx, tenant, standard)
}

func clip(s string) string {
	const most = 200
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}
