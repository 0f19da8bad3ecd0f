package api

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/access"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/inventory"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/compliance"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/judge"
	"github.com/rampart-sec/rampart/internal/posture/ownership"
	"github.com/rampart-sec/rampart/internal/posture/plan"
	"github.com/rampart-sec/rampart/internal/posture/planning"
	"github.com/rampart-sec/rampart/internal/threat/alert"
	"github.com/rampart-sec/rampart/internal/threat/detect"
)

// Options of New. Judge, Store, Inventory, Access and Library are required.
type Options struct {
	Judge     *judge.Judge
	Store     *store.DB
	Inventory *inventory.Inventory
	Access    *access.Access
	Library   *content.Library
	Plans     *plan.Plans // nil: one over Store
	// Compliance keeps standards and attestations; nil: over Store.
	Compliance *compliance.Records
	// Alerts keeps alerts; nil: over Store. Detect raises them of events that are
	// sent here; nil: there is none.
	Alerts *alert.Book
	Detect *detect.Live
	Now    func() time.Time
	Log    *slog.Logger
	// BaseURL is the address that absolute links name ("https://host:8443");
	// "" means the host that the client asked for.
	BaseURL string
	Version string
	Metrics prometheus.Registerer // may be nil
}

// API is the handler. It is safe for concurrent use.
type API struct {
	Options
	routes    []compiled
	fixes     planning.Plans
	builtIn   *builtIns
	dashboard atomic.Pointer[string] // address of the dashboard, for links to pages
	requests  *prometheus.CounterVec
	owners    *ownership.Owners
}

// New returns the handler over the rooms. It starts nothing.
func New(o Options) (*API, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Plans == nil {
		o.Plans = plan.New(o.Store, o.Now)
	}
	if o.Compliance == nil {
		o.Compliance = compliance.NewRecords(compliance.Options{Store: o.Store, Library: o.Library, Now: o.Now, Log: o.Log})
	}
	if o.Alerts == nil {
		o.Alerts = alert.NewBook(o.Store, o.Now, func(string, string) alert.Context { return alert.Context{} })
	}
	builtIn, err := readBuiltIns(o.Library)
	if err != nil {
		return nil, err
	}
	a := &API{Options: o, routes: compile(table), builtIn: builtIn, owners: ownership.New(o.Store, o.Judge, o.Now)}
	a.requests = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "rampart_api_requests_total",
		Help: "Requests answered, by method and status."}, []string{"method", "status"})
	if o.Metrics != nil {
		if err := o.Metrics.Register(a.requests); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// SetSignInBase tells the address of the dashboard, once it is known: sign-in
// links and links to pages begin with it. Until then they begin with the API's
// own address.
func (a *API) SetSignInBase(base string) {
	base = strings.TrimSuffix(base, "/")
	a.dashboard.Store(&base)
}

// pages is the address of the dashboard.
func (a *API) pages(r *request) string {
	if base := a.dashboard.Load(); base != nil {
		return *base
	}
	return a.base(r.Request)
}

// recommendationPage is the address of a recommendation's page.
func (a *API) recommendationPage(r *request, id string) string {
	return a.pages(r) + "/recommendation?id=" + id
}

// ServeHTTP answers one request: it finds the route, then the caller, then
// asks whether the caller may, and only then runs the handler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out := &responder{w: w, api: a, requestID: newRequestID()}
	defer func() { a.requests.WithLabelValues(methodLabel(r.Method), strconv.Itoa(out.status)).Inc() }()
	defer out.recover()
	limitBody(w, r)
	resp, err := a.answer(r, out.requestID)
	if err != nil {
		out.fail(r, err)
		return
	}
	out.send(resp)
}

// bodyTimeout is how long a client may take to send a body. Imports are streams
// and take as long as they take.
const bodyTimeout = time.Minute

// limitBody sets the connection's deadline for reading. It is the operating
// system's time, not the injected clock's; a writer that has no deadlines, in
// a test, is left as it is.
func limitBody(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != importPath && r.URL.Path != eventsPath {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout))
	}
}

// methodLabel keeps clients from inventing label values.
func methodLabel(method string) string {
	if slices.Contains([]string{"GET", "HEAD", "PUT", "POST", "PATCH", "DELETE"}, method) {
		return method
	}
	return "other"
}

func (a *API) answer(r *http.Request, id string) (response, error) {
	req, err := a.match(r)
	if err != nil {
		return response{}, a.hideFromStrangers(r, err)
	}
	req.id = id
	if req.route.access != public {
		if err := a.admit(req); err != nil {
			return response{}, err
		}
	}
	return req.route.handle(a, req)
}

// hideFromStrangers answers 401 where nothing matches and nobody is signed in:
// clients that probe without a token look for the challenge.
func (a *API) hideFromStrangers(r *http.Request, err error) error {
	if _, authErr := a.Access.Authenticate(r.Context(), r); authErr != nil {
		return authErr
	}
	return err
}

// admit finds the caller and asks whether they may. Routes that any caller may
// use filter their answer themselves.
func (a *API) admit(req *request) error {
	var err error
	if req.principal, err = a.Access.Authenticate(req.Context(), req.Request); err != nil {
		return err
	}
	if err := req.checkVersion(); err != nil {
		return err
	}
	if req.route.access != signedIn {
		if err := req.principal.Allow(string(req.route.access), req.scope.String()); err != nil {
			return err
		}
	}
	if err := a.checkSubscription(req); err != nil {
		return err
	}
	return a.checkWritten(req)
}

// checkSubscription answers 404 below a subscription that the caller's tenant
// does not have, whoever else may have it, 400 for what is no GUID and so can
// be none, and registers one that it has.
func (a *API) checkSubscription(req *request) error {
	if req.scope.Subscription() == "" {
		return nil
	}
	known, err := a.known(req.Context(), req.tenant(), req.scope.SubscriptionID())
	if err != nil {
		return err
	}
	if !known {
		if err := req.scope.CheckSubscription(); err != nil {
			return err
		}
		return subscriptionNotFound(req.scope.Subscription())
	}
	return a.Plans.Register(req.Context(), req.tenant(), req.scope.SubscriptionID())
}

// known tells whether there is a document of an id: it asks the estate's index, and the store for what was
// imported a moment ago.
func (a *API) known(ctx context.Context, tenant, id string) (bool, error) {
	if view := a.view(tenant); view != nil {
		if _, ok := view.Resource(id); ok {
			return true, nil
		}
	}
	_, err := a.Inventory.Get(ctx, tenant, id)
	if isStatus(err, http.StatusNotFound) {
		return false, nil
	}
	return err == nil, err
}

// namedID is an ARM id with a name for people.
type namedID struct{ ID, Name string }

// knownSubscriptions are those of the caller's tenant: the index's, and until
// that is loaded the one that this installation began with.
func (a *API) knownSubscriptions(r *request) ([]namedID, error) {
	var all []namedID
	if view := a.view(r.tenant()); view != nil {
		for _, s := range view.Subscriptions() {
			all = append(all, namedID{s.ID, s.Name})
		}
	}
	if len(all) > 0 || r.tenant() != store.DefaultTenant {
		return all, nil
	}
	facts, err := a.Access.Bootstrap(r.Context())
	if err != nil {
		return nil, err
	}
	return []namedID{{arm.MustParseID("/subscriptions/" + facts.SubscriptionID).String(), "Rampart"}}, nil
}

// view is the current epoch of a tenant's estate, nil before its first load.
func (a *API) view(tenant string) *index.View {
	estate := a.Judge.Estate(tenant)
	if estate == nil {
		return nil
	}
	return estate.View()
}
