package web

import (
	"html/template"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// frame is what surrounds every page, and the page's way to write links and
// times. Page structs embed it.
type frame struct {
	address
	clock
	Title   string // of the window
	Nav     []navItem
	Scopes  []index.SubscriptionScore
	Scope   index.Scope
	Sample  bool // this page shows the sample tenant
	Samples bool // there is one
	Remove  bool // and the reader may remove it
	Home    string
	Who     string
	Token   string
	Theme   string
	Live    bool
	// Parts are the ids of elements that a live page replaces.
	Parts   []string
	At      time.Time
	Version string
	Style   string // addresses of the assets
	Scripts []string
	seq     uint64 // of the epoch that the page shows
	// Rereading says that verdicts of changed policies are yet to come.
	Rereading *index.Rereading
	Refresh   int // seconds after which a page without live script loads again; 0 never

}

// navItem is one entry of the main navigation.
type navItem struct {
	Heading    string // begins a group
	Path, Word string
	Icon       string
	Count      int // shown when not 0
	Here       bool
}

// newFrame makes the frame of a page; counts come from the same epoch as the
// page.
func (v *visit) newFrame(title string, parts ...string) *frame {
	f := v.server.bareFrame(v.Request, title)
	f.address, f.clock, f.Scope = v.address, v.clock, v.scope
	f.Scopes = v.scopes()
	f.Sample = v.tenant == Sample && v.who.Tenant != Sample
	f.Samples = v.server.opt.Judge.Estate(Sample) != nil
	f.Remove = f.Samples && v.server.opt.Tenants != nil && v.may(actionTenant, "")
	f.Who = v.who.Name
	f.Token = v.server.formToken(sessionOf(v.Request))
	f.Live = v.server.assets.live()
	f.Parts = append([]string{"nav", "status", "rereading"}, parts...)
	f.At, f.seq, f.Rereading = v.view.At(), v.view.Seq(), v.view.Rereading()
	f.Nav = v.nav()
	if f.Live {
		for _, name := range liveScripts {
			f.Scripts = append(f.Scripts, v.server.assets.names[name])
		}
	}
	return f
}

// nav lists the pages; the current one is that whose path begins the
// request's.
func (v *visit) nav() []navItem {
	items := []navItem{
		{Heading: "Security", Path: "/", Word: "Overview", Icon: "overview"},
		{Path: "/posture", Word: "Posture", Icon: "posture"},
		{Path: "/recommendations", Word: "Recommendations", Icon: "advice", Count: v.openRecommendations()},
		{Path: "/what-if", Word: "What if", Icon: "wrench"},
		{Path: "/inventory", Word: "Inventory", Icon: "boxes", Count: v.resources()},
		{Path: "/images", Word: "Images", Icon: "layers"},
		{Path: "/compliance", Word: "Regulatory compliance", Icon: "standard"},
		{Heading: "Threats", Path: "/alerts", Word: "Alerts", Icon: "bell", Count: v.openAlerts()},
		{Heading: "Manage", Path: "/policies", Word: "Policies", Icon: "policy"},
		{Path: "/governance", Word: "Governance", Icon: "owner"},
		{Path: "/settings", Word: "Environment settings", Icon: "settings"},
	}
	here := map[string]string{"/recommendation": "/recommendations", "/exempt": "/recommendations", "/disable": "/recommendations", "/assign": "/recommendations", "/assessments": "/recommendations", "/resource": "/inventory", "/fix-plan": "/what-if", "/alert": "/alerts"}[v.path]
	for i := range items {
		items[i].Here = items[i].Path == v.path || items[i].Path == here ||
			len(v.path) > len(items[i].Path) && items[i].Path != "/" && v.path[:len(items[i].Path)+1] == items[i].Path+"/"
	}
	return items
}

func (v *visit) openRecommendations() int {
	if !v.may(actionRead, v.scope.ID) {
		return 0
	}
	page, err := v.view.Recommendations(index.RecommendationQuery{Scope: v.scope, State: []record.State{record.Unhealthy}, Limit: 1})
	if err != nil {
		return 0
	}
	return page.Total
}

func (v *visit) resources() int {
	if !v.may(actionRead, v.scope.ID) {
		return 0
	}
	page, err := v.view.Inventory(index.InventoryQuery{Scope: v.scope, Limit: 1})
	if err != nil {
		return 0
	}
	return page.Total
}

// Ago is a moment relative to now up to a day, then as a date.
func (f *frame) Ago(t time.Time) template.HTML { return f.element(t, f.ago(t)) }

// Day is a moment as a date.
func (f *frame) Day(t time.Time) template.HTML { return f.element(t, f.day(t)) }

// Due is a due date, "none" for the zero time.
func (f *frame) Due(t time.Time) template.HTML {
	if t.IsZero() {
		return "none"
	}
	return f.element(t, f.due(t))
}

// Full is a moment in full.
func (f *frame) Full(t time.Time) template.HTML { return f.element(t, f.full(t)) }

// Today is the date in words.
func (f *frame) Today() string { return f.now.In(f.zone).Format("Monday 2 January, 15:04 MST") }

// Overdue reports whether a due date has passed.
func (f *frame) Overdue(t time.Time) bool { return !t.IsZero() && t.Before(f.now) }

// ResourceURL and RecommendationURL are the two detail pages.
func (f *frame) ResourceURL(id string) string { return f.To("/resource", "id", id) }

// RecommendationURL is the page of one recommendation in the current scope.
func (f *frame) RecommendationURL(id string) string { return f.To("/recommendation", "id", id) }

// worstFirst are the sort keys whose natural order begins with the largest.
var worstFirst = []string{"risk", "severity", "gain", "unhealthy"}

// Sorted is the aria-sort of a column, "" when it is not the one sorted by;
// standard says that the list is sorted by it without being asked.
func (f *frame) Sorted(key string, standard bool) string {
	sort := f.Get("sort")
	if sort != key && !(sort == "" && standard) {
		return ""
	}
	if slices.Contains(worstFirst, key) != (f.Get("desc") != "") {
		return "descending"
	}
	return "ascending"
}

// SortURL sorts by a column, or turns the order when it is sorted by already.
func (f *frame) SortURL(key string, standard bool) string {
	if f.Sorted(key, standard) != "" && f.Get("desc") == "" {
		return f.With("sort", key, "desc", "1")
	}
	return f.With("sort", key, "desc", "")
}

// Clock is a time of day and its zone.
func (f *frame) Clock(t time.Time) template.HTML {
	return f.element(t, t.In(f.zone).Format("15:04:05 MST"))
}

// Current is this page without parameters, for forms that add their own.
func (f *frame) Current() string { return f.base + f.path }

// Clear is this page without filters; the scope and the way to list stay.
func (f *frame) Clear() string { return f.To(f.path, "view", f.Get("view"), "tag", "", "value", "") }

// Events is the address of this estate's event stream.
func (f *frame) Events() string { return f.base + "/events?seq=" + strconv.FormatUint(f.seq, 10) }

// PartList names the parts for htmx.
func (f *frame) PartList() string { return "#" + strings.Join(f.Parts, ",#") }

// parameter is a hidden field of a form.
type parameter struct{ Name, Value string }

// Kept are the hidden fields of a form of this page: every parameter but those
// that the form sets itself, and but the position, which starts over.
func (f *frame) Kept(own ...string) []parameter {
	var kept []parameter
	for _, key := range slices.Sorted(maps.Keys(f.query)) {
		if key == "after" || key == "from" || slices.Contains(own, key) {
			continue
		}
		for _, v := range f.query[key] {
			kept = append(kept, parameter{key, v})
		}
	}
	return kept
}

// InScope reports whether a subscription is the chosen scope.
func (f *frame) InScope(id string) bool { return strings.EqualFold(id, f.Scope.ID) }

// OddScope reports whether the scope is none of the listed subscriptions: a
// resource group, a resource.
func (f *frame) OddScope() bool {
	return f.Scope.ID != "" && !slices.ContainsFunc(f.Scopes, func(s index.SubscriptionScore) bool { return f.InScope(s.ID) })
}

// ScopeName is what people call a scope.
func (f *frame) ScopeName(id string) string {
	for _, s := range f.Scopes {
		if strings.EqualFold(s.ID, id) {
			return s.Name
		}
	}
	if id == "" || id == "/" {
		return "Whole estate"
	}
	return resourceName(id)
}

// ScopeURL is where a scope is shown: a resource's page, or the inventory of
// anything larger.
func (f *frame) ScopeURL(id string) string {
	if id == "/" {
		return f.To("/inventory", "scope", "")
	}
	parsed, err := arm.ParseID(id)
	if err != nil || parsed.Type() == arm.TypeSubscription || parsed.Type() == arm.TypeResourceGroup || parsed.Type() == arm.TypeManagementGroup {
		return f.To("/inventory", "scope", id)
	}
	return f.ResourceURL(id)
}

// BuiltIn reports whether an assignment's target is the built-in initiative.
func (f *frame) BuiltIn(target string) bool { return strings.EqualFold(target, InitiativeID) }
