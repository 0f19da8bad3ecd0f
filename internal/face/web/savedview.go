package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/index"
)

// savedView is a list's filter under a name.
type savedView struct {
	Name   string `json:"name"`
	Page   string `json:"page"`   // path of the list
	Query  string `json:"query"`  // encoded, without position
	Owner  string `json:"owner"`  // name of who made it
	Shared bool   `json:"shared"` // with everybody of the tenant

	ID   string `json:"-"`
	ETag string `json:"-"`
}

// Limits of saved views: how many one person has and how many a tenant shares,
// how long a name and a filter may be.
const (
	maxOwnViews    = 50
	maxSharedViews = 100
	maxViewName    = 60
	maxViewQuery   = 2000
)

const (
	viewKind   = "savedView"
	viewPrefix = "/providers/Rampart/savedViews/"
	sharedWith = "shared" // in the place of a principal's id
)

// viewPage is a list whose filter can be saved.
type viewPage struct {
	keys []string           // parameters of its filter, beside the scope
	read func(*visit) error // runs the filter of the visit's address
}

// viewPages are they, by path.
var viewPages = map[string]viewPage{
	"/inventory": {[]string{"q", "type", "state", "recommendation", "finding", "disabled", "sort", "desc"}, func(v *visit) error {
		q, err := v.inventoryQuery()
		if err == nil {
			q.Limit = 1
			_, err = v.view.Inventory(q)
		}
		return err
	}},
	"/recommendations": {[]string{"q", "type", "state", "severity", "task", "control", "standard", "view", "sort", "desc"}, func(v *visit) error {
		q, err := v.recommendationQuery()
		if err == nil {
			q.Limit = 1
			_, err = v.view.Recommendations(q)
		}
		return err
	}},
	"/assessments": {[]string{"q", "type", "state", "severity", "task", "control", "recommendation", "sort", "desc"}, func(v *visit) error {
		q, err := v.assessmentQuery()
		if err == nil {
			q.Limit = 1
			_, err = v.view.Assessments(q)
		}
		return err
	}},
}

// viewMenu offers the saved views of one list.
type viewMenu struct {
	Tabs, More []viewTab
	Current    *savedView // the one that was opened, nil without
	Changed    bool       // the filter is no longer that of the current one
	Query      string     // the filter now
	CanSave    bool
	CanShare   bool
	CanEdit    bool // the current one
}

// viewTab leads to one view.
type viewTab struct {
	savedView
	URL string
	On  bool
}

// viewTabs is how many views are tabs; the rest is in a menu.
const viewTabs = 6

// viewMenu reads the views of the visit's list.
func (v *visit) viewMenu() (viewMenu, error) {
	m := viewMenu{Query: filterOf(v.path, v.query).Encode()}
	if v.server.opt.Objects == nil {
		return m, nil
	}
	all, err := v.savedViews()
	if err != nil {
		return m, err
	}
	m.CanSave, m.CanShare = m.Query != "" && len(m.Query) <= maxViewQuery, v.may(actionView, "")
	for _, s := range all {
		if s.Page != v.path {
			continue
		}
		tab := viewTab{savedView: s, URL: v.base + s.Page + "?" + s.Query + "&saved=" + url.QueryEscape(s.key()), On: s.key() == v.Get("saved")}
		if tab.On {
			m.Current, m.Changed = &tab.savedView, s.Query != m.Query
			m.CanEdit = !s.Shared || m.CanShare
		}
		m.Tabs = append(m.Tabs, tab)
	}
	if i := slices.IndexFunc(m.Tabs, func(t viewTab) bool { return t.On }); i >= viewTabs {
		m.Tabs[i], m.Tabs[viewTabs-1] = m.Tabs[viewTabs-1], m.Tabs[i] // the open one is seen
	}
	m.Tabs, m.More = m.Tabs[:min(viewTabs, len(m.Tabs))], m.Tabs[min(viewTabs, len(m.Tabs)):]
	return m, nil
}

// key is the last part of a view's id.
func (s *savedView) key() string { return s.ID[strings.LastIndexByte(s.ID, '/')+1:] }

// filterOf are the parameters that a list's filter consists of: those that the
// page knows, without empty ones.
func filterOf(path string, q url.Values) url.Values {
	kept := url.Values{}
	for _, key := range append(slices.Clone(viewPages[path].keys), scopeKeys...) {
		for _, value := range q[key] {
			if value != "" {
				kept.Add(key, value)
			}
		}
	}
	return kept
}

// savedViews reads the reader's own views and the shared ones, by name.
func (v *visit) savedViews() ([]savedView, error) {
	var all []savedView
	for _, owner := range []string{v.who.ID, sharedWith} {
		objects, err := v.server.opt.Objects.Objects(v.Context(), store.ObjectQuery{Tenant: v.tenant, Kind: viewKind, Prefix: viewPrefix + owner + "/"})
		if err != nil {
			return nil, fmt.Errorf("read saved views: %w", err)
		}
		for _, o := range objects {
			s := savedView{ID: o.ID, ETag: o.ETag}
			if err := json.Unmarshal(o.Body, &s); err != nil {
				return nil, fmt.Errorf("decode saved view %s: %w", o.ID, err)
			}
			all = append(all, s)
		}
	}
	slices.SortStableFunc(all, func(a, b savedView) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	return all, nil
}

// changeView saves a list's filter under a name, or renames, updates or removes
// a view.
func changeView(v *visit) (string, error) {
	form := v.PostForm
	all, err := v.savedViews()
	if err != nil {
		return "", err
	}
	if form.Get("do") == "save" {
		return v.saveView(all)
	}
	i := slices.IndexFunc(all, func(s savedView) bool { return s.key() == form.Get("saved") })
	if i < 0 {
		return "", arm.NotFound(clip(form.Get("saved"), 60))
	}
	s := all[i]
	if s.Shared {
		if err := v.who.Allow(actionView, ""); err != nil {
			return "", err
		}
	}
	switch form.Get("do") {
	case "delete":
		err := v.server.opt.Objects.DeleteObject(v.Context(), v.who, store.Object{Tenant: v.tenant, Kind: viewKind, ID: s.ID, ETag: form.Get("etag")})
		return v.base + s.Page + "?" + s.Query, err
	case "rename":
		s.Name = strings.TrimSpace(form.Get("name"))
	case "update":
		if s.Query, err = v.checkFilter(s.Page, form.Get("query")); err != nil {
			return "", err
		}
	default:
		return "", arm.Invalid("A view is saved, renamed, updated or deleted.")
	}
	return v.putView(s, all, form.Get("etag"))
}

// saveView makes a new view.
func (v *visit) saveView(all []savedView) (string, error) {
	form := v.PostForm
	s := savedView{Name: strings.TrimSpace(form.Get("name")), Page: form.Get("page"), Owner: v.who.Name, Shared: form.Get("shared") != ""}
	var err error
	if s.Query, err = v.checkFilter(s.Page, form.Get("query")); err != nil {
		return "", err
	}
	owner, most := v.who.ID, maxOwnViews
	if s.Shared {
		owner, most = sharedWith, maxSharedViews
		if err := v.who.Allow(actionView, ""); err != nil {
			return "", err
		}
	}
	count := 0
	for _, other := range all {
		if other.Shared == s.Shared {
			count++
		}
	}
	if count >= most {
		return "", arm.Invalid("There are %d saved views already; delete one first.", most)
	}
	s.ID = viewPrefix + owner + "/" + uuid.NewSHA1(uuid.NameSpaceURL, []byte(owner+" "+s.Page+" "+s.Name+" "+v.now.Format(time.RFC3339Nano))).String()
	return v.putView(s, all, "")
}

// putView writes a view whose name no other of the same list has among those
// that see it.
func (v *visit) putView(s savedView, all []savedView, etag string) (string, error) {
	if s.Name == "" || utf8.RuneCountInString(s.Name) > maxViewName || !utf8.ValidString(s.Name) {
		return "", arm.Invalid("A view needs a name of at most %d characters.", maxViewName)
	}
	taken := func(o savedView) bool {
		return o.ID != s.ID && o.Page == s.Page && o.Shared == s.Shared && strings.EqualFold(o.Name, s.Name)
	}
	if slices.ContainsFunc(all, taken) {
		return "", &arm.Error{Status: http.StatusConflict, Code: "Conflict", Message: fmt.Sprintf("There is a view called %q already.", s.Name)}
	}
	body, err := json.Marshal(s)
	if err != nil {
		return "", fmt.Errorf("encode saved view: %w", err)
	}
	o := store.Object{Tenant: v.tenant, Kind: viewKind, ID: s.ID, Body: body}
	return v.base + s.Page + "?" + s.Query + "&saved=" + url.QueryEscape(s.key()), v.server.opt.Objects.PutObject(v.Context(), v.who, o, etag)
}

// checkFilter gives a filter in the form in which it is kept, if the list takes
// it.
func (v *visit) checkFilter(path, query string) (string, error) {
	list, ok := viewPages[path]
	if !ok {
		return "", arm.Invalid("The filter of %q cannot be saved.", clip(path, 60))
	}
	q, err := url.ParseQuery(query)
	if err != nil || len(query) > maxViewQuery {
		return "", arm.Invalid("The filter is not one of this list, or longer than %d characters.", maxViewQuery)
	}
	kept := filterOf(path, q)
	if len(kept) != len(q) || len(kept) == 0 {
		return "", arm.Invalid("The filter is not one of this list.")
	}
	there := *v
	there.address = address{base: v.base, path: path, query: kept}
	there.scope = index.Scope{ID: kept.Get("scope"), Tag: kept.Get("tag"), TagValue: kept.Get("value")}
	if err := there.who.Allow(actionRead, there.scope.ID); err != nil {
		return "", err
	}
	if !v.view.Holds(there.scope.ID) {
		return "", arm.NotFound(clip(there.scope.ID, 200))
	}
	if err := list.read(&there); err != nil {
		return "", err
	}
	return kept.Encode(), nil
}
