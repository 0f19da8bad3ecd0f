package web

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/base/access"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/judge"
)

// visit is one request for a page, with everything resolved that pages need:
// who asks, which tenant's estate, one epoch of it, which scope, what time.
type visit struct {
	*http.Request
	address
	clock
	server *Server
	who    access.Principal
	tenant string
	estate *judge.Estate
	view   *index.View
	scope  index.Scope
}

type tenantKey struct{}

// withoutTenant forgets the tenant of a request's path.
func withoutTenant(ctx context.Context) context.Context {
	return context.WithValue(ctx, tenantKey{}, nil)
}

// splitTenant takes a leading /t/<tenant> off the path and remembers it.
func splitTenant(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rest, ok := strings.CutPrefix(r.URL.Path, "/t/")
		if !ok {
			next.ServeHTTP(w, r)
			return
		}
		tenant, path, _ := strings.Cut(rest, "/")
		twin := r.WithContext(context.WithValue(r.Context(), tenantKey{}, tenant))
		copied := *r.URL
		copied.Path, copied.RawPath = "/"+path, ""
		twin.URL = &copied
		next.ServeHTTP(w, twin)
	})
}

// newVisit resolves a request. Nobody signed in, an unknown tenant and a scope
// beyond the roles are *arm.Errors; errLoading means that the index is still
// being built.
func (s *Server) newVisit(r *http.Request) (*visit, error) {
	who, err := s.opt.Access.Session(r)
	if err != nil {
		return nil, err
	}
	v := &visit{
		Request: r, server: s, who: who, tenant: who.Tenant,
		address: address{path: r.URL.Path, query: r.URL.Query()},
		clock:   clock{now: s.opt.Now(), zone: zone(r)},
	}
	if name, ok := r.Context().Value(tenantKey{}).(string); ok && name != who.Tenant {
		v.tenant, v.base = name, "/t/"+url.PathEscape(name)
	}
	return v, v.open()
}

// open finds the estate and its current epoch.
func (v *visit) open() error {
	if v.tenant != v.who.Tenant && v.tenant != Sample {
		return arm.NotFound(v.tenant)
	}
	v.scope = index.Scope{ID: v.query.Get("scope"), Tag: v.query.Get("tag"), TagValue: v.query.Get("value")}
	if v.scope.ID != "" {
		if _, err := arm.ParseID(v.scope.ID); err != nil {
			return arm.Invalid("%v.", err)
		}
	}
	v.estate = v.server.opt.Judge.Estate(v.tenant)
	select {
	case <-v.server.opt.Judge.Ready():
	default:
		return errLoading
	}
	if v.estate == nil {
		if v.tenant == Sample {
			return &arm.Error{Status: http.StatusNotFound, Code: "NoSampleData",
				Message: "There is no sample data here. Start with --demo to have some."}
		}
		return errLoading
	}
	v.view = v.estate.View()
	if v.view == nil {
		return errLoading
	}
	return nil
}

// elsewhere is an error that sends the reader to another address.
type elsewhere string

func (e elsewhere) Error() string { return "see " + string(e) }

// allowScope refuses a scope whose assessments the roles do not let the reader
// see; one who asks for the whole tenant and may see a part of it is sent
// there. Pages about one resource ask for that resource's id instead.
func (v *visit) allowScope() error {
	err := v.who.Allow(actionRead, v.scope.ID)
	if err == nil || v.scope.ID != "" {
		return err
	}
	for _, s := range v.scopes() {
		if v.may(actionRead, s.ID) {
			return elsewhere(v.With("scope", s.ID))
		}
	}
	return err
}

// one returns a parameter that must be there.
func (v *visit) one(key string) (string, error) {
	value := v.query.Get(key)
	if value == "" {
		return "", arm.Invalid("The address lacks %q.", key)
	}
	return value, nil
}

// zone is the reader's time zone as their browser told it in a cookie; UTC
// until it did.
func zone(r *http.Request) *time.Location {
	cookie, err := r.Cookie("tz")
	if err != nil {
		return time.UTC
	}
	name, err := url.QueryUnescape(cookie.Value)
	if err != nil || len(name) > 64 {
		return time.UTC
	}
	location, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return time.UTC
	}
	return location
}
