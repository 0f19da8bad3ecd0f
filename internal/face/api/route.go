package api

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/google/uuid"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// action is what a caller needs for a route: "Microsoft.Security/pricings/write"
// at the route's scope, or one of the two below.
type action string

const (
	public   action = "public"    // no token
	signedIn action = "signed in" // any token; the handler shows only what the caller may see
)

// route is one row of the table. A pattern is a path whose {name} segments
// match any one segment; {scope} as the first matches the longest ARM id that
// leaves the rest to match, the tenant root included; {rest} as the last
// matches one or more segments. Literal segments are matched without case.
type route struct {
	method  string
	pattern string
	access  action
	handle  func(*API, *request) (response, error)
}

// Lists are the patterns of everything that can be read, in the table's order.
func Lists() []string {
	var all []string
	for _, row := range table {
		if row.method == http.MethodGet {
			all = append(all, row.pattern)
		}
	}
	return all
}

// compiled is a route with its pattern in segments.
type compiled struct {
	route
	segments []string // folded literals, or "{name}"
	scoped   bool     // the pattern begins with {scope}
	open     bool     // the pattern ends with {rest}
}

func compile(rows []route) []compiled {
	all := make([]compiled, len(rows))
	for i, row := range rows {
		c := compiled{route: row, segments: strings.Split(strings.Trim(row.pattern, "/"), "/")}
		if c.segments[0] == "{scope}" {
			c.scoped, c.segments = true, c.segments[1:]
		}
		if last := len(c.segments) - 1; last >= 0 && c.segments[last] == "{rest}" {
			c.open, c.segments = true, c.segments[:last]
		}
		for j, segment := range c.segments {
			if !isVariable(segment) {
				c.segments[j] = arm.Fold(segment)
			}
		}
		all[i] = c
	}
	return all
}

func isVariable(segment string) bool { return strings.HasPrefix(segment, "{") }

// match finds the first route of the table for a request. A path that only
// other methods have is a 405, any other a 404.
func (a *API) match(r *http.Request) (*request, error) {
	path, err := split(r.URL)
	if err != nil {
		return nil, err
	}
	var methods []string
	for i := range a.routes {
		c := &a.routes[i]
		vars, scope, ok := c.match(path)
		if !ok {
			continue
		}
		if c.method == r.Method || c.method == http.MethodGet && r.Method == http.MethodHead {
			return &request{Request: r, route: &c.route, vars: vars, scope: scope}, nil
		}
		methods = append(methods, c.method)
	}
	if len(methods) > 0 {
		return nil, &arm.Error{Status: http.StatusMethodNotAllowed, Code: "MethodNotAllowed",
			Message: r.Method + " is not supported here; use " + strings.Join(methods, ", ") + "."}
	}
	return nil, &arm.Error{Status: http.StatusNotFound, Code: "InvalidResourceType",
		Message: "There is no such endpoint: " + clip(r.URL.Path)}
}

// split gives the unescaped segments of a path; runs of slashes collapse.
func split(u *url.URL) ([]string, error) {
	if len(u.Path) > 2*arm.MaxIDLength {
		return nil, &arm.Error{Status: http.StatusRequestURITooLong, Code: "RequestUriTooLong", Message: "The path is too long."}
	}
	path := strings.FieldsFunc(u.Path, func(c rune) bool { return c == '/' })
	straighten(path)
	return path, nil
}

// straighten repairs the path of "az policy state summarize": released clients
// put a dump of their options where the subscription belongs, and the
// subscription where "latest" does.
func straighten(path []string) {
	if len(path) != 7 || !strings.EqualFold(path[4], "policyStates") || !strings.EqualFold(path[6], "summarize") || !strings.HasPrefix(path[1], "{") {
		return
	}
	if _, err := uuid.Parse(path[5]); err == nil {
		path[1], path[5] = path[5], "latest"
	}
}

// match compares a path. The scope is {scope}, else the subscription (with its
// resource group, if the pattern has one), else the tenant root.
func (c *compiled) match(path []string) (vars map[string]string, scope arm.ID, ok bool) {
	head := 0
	switch {
	case c.scoped:
		if head = len(path) - len(c.segments); head < 0 {
			return nil, arm.ID{}, false
		}
	case c.open:
		if len(path) <= len(c.segments) {
			return nil, arm.ID{}, false
		}
	case len(path) != len(c.segments):
		return nil, arm.ID{}, false
	}
	vars = map[string]string{}
	for i, segment := range c.segments {
		switch got := path[head+i]; {
		case isVariable(segment):
			vars[segment[1:len(segment)-1]] = got
		case segment != arm.Fold(got):
			return nil, arm.ID{}, false
		}
	}
	if c.open {
		vars["rest"] = strings.Join(path[len(c.segments):], "/")
	}
	scope, err := c.scope(path, head)
	return vars, scope, err == nil
}

func (c *compiled) scope(path []string, head int) (arm.ID, error) {
	end := head
	if !c.scoped {
		if len(c.segments) < 2 || c.segments[0] != "subscriptions" {
			return arm.ID{}, nil
		}
		end = 2
		if len(c.segments) >= 4 && c.segments[2] == "resourcegroups" {
			end = 4
		}
	}
	return arm.ParseID("/" + strings.Join(path[:end], "/"))
}

func clip(s string) string {
	const most = 200
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}

// Endpoint is a row of the table, for tests and documentation that walk it.
type Endpoint struct {
	Method, Pattern string
	Action          string // "" if any signed-in caller may
	Public          bool   // no token is needed
}

// Endpoints lists the table in its order.
func Endpoints() []Endpoint {
	all := make([]Endpoint, len(table))
	for i, r := range table {
		all[i] = Endpoint{Method: r.method, Pattern: r.pattern, Public: r.access == public}
		if r.access != public && r.access != signedIn {
			all[i].Action = string(r.access)
		}
	}
	return all
}
