package web

import (
	"net/url"
	"strings"
)

// address builds links inside one tenant that keep the scope the reader chose.
type address struct {
	base  string // "" or "/t/<tenant>"
	path  string // of this page, without base
	query url.Values
}

// scopeKeys are the parameters that every link of a page carries on.
var scopeKeys = []string{"scope", "tag", "value"}

// To is the address of another page: a path and pairs of parameter and value.
// The scope goes with it unless the pairs set one.
func (a address) To(path string, pairs ...string) string {
	q := url.Values{}
	for _, key := range scopeKeys {
		if v := a.query.Get(key); v != "" {
			q.Set(key, v)
		}
	}
	set(q, pairs)
	return a.join(path, q)
}

// With is this page with some parameters changed; paging starts over.
func (a address) With(pairs ...string) string {
	q := a.copy()
	q.Del("after")
	q.Del("from")
	set(q, pairs)
	return a.join(a.path, q)
}

// Toggled is this page with one value of a repeated parameter switched.
func (a address) Toggled(key, value string) string {
	q := a.copy()
	q.Del("after")
	q.Del("from")
	kept := q[key][:0:0]
	for _, v := range q[key] {
		if v != value {
			kept = append(kept, v)
		}
	}
	if len(kept) == len(q[key]) {
		kept = append(kept, value)
	}
	q[key] = kept
	if len(kept) == 0 {
		q.Del(key)
	}
	return a.join(a.path, q)
}

// Self is this page as it is.
func (a address) Self() string { return a.join(a.path, a.query) }

// Has reports whether a parameter has a value.
func (a address) Has(key, value string) bool {
	for _, v := range a.query[key] {
		if v == value {
			return true
		}
	}
	return false
}

// Page is the path of this page, within the tenant.
func (a address) Page() string { return a.path }

// Get is the first value of a parameter.
func (a address) Get(key string) string { return a.query.Get(key) }

func (a address) copy() url.Values {
	q := make(url.Values, len(a.query))
	for key, values := range a.query {
		q[key] = append([]string(nil), values...)
	}
	return q
}

func (a address) join(path string, q url.Values) string {
	// An ARM id is readable in an address when its slashes stay slashes, which
	// a query may hold.
	if encoded := strings.ReplaceAll(q.Encode(), "%2F", "/"); encoded != "" {
		return a.base + path + "?" + encoded
	}
	return a.base + path
}

func set(q url.Values, pairs []string) {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			q.Del(pairs[i])
			continue
		}
		q.Set(pairs[i], pairs[i+1])
	}
}
