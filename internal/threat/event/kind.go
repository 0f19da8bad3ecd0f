package event

import (
	"slices"
	"strings"
	"sync"
)

// Kind is the log source that a record belongs to, as rules name it: one
// product, and the categories and services that it may be listed under. A
// Sysmon registry write is windows, [registry_set registry_event], [sysmon].
// Kinds are interned: equal parts give the same pointer, which may be compared
// and used as a key. They are never changed.
type Kind struct {
	Product    string
	Categories []string
	Services   []string
}

var kinds = struct {
	sync.Mutex
	known map[string]*Kind
}{known: map[string]*Kind{}}

// NewKind gives the kind with these parts; case does not matter. The lists may
// be nil. It is safe for concurrent use.
func NewKind(product string, categories, services []string) *Kind {
	key := strings.ToLower(product + "\x00" + strings.Join(categories, ",") + "\x00" + strings.Join(services, ","))
	kinds.Lock()
	defer kinds.Unlock()
	if k := kinds.known[key]; k != nil {
		return k
	}
	k := &Kind{Product: strings.ToLower(product), Categories: lower(categories), Services: lower(services)}
	kinds.known[key] = k
	return k
}

func lower(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = strings.ToLower(s)
	}
	return out
}

// Fits reports whether a rule for this product, category and service (empty:
// any) is meant for records of the kind. Case does not matter.
func (k *Kind) Fits(product, category, service string) bool {
	return fits(product, []string{k.Product}) && fits(category, k.Categories) && fits(service, k.Services)
}

func fits(wanted string, have []string) bool {
	return wanted == "" || slices.ContainsFunc(have, func(s string) bool { return strings.EqualFold(s, wanted) })
}

// String is "product/categories/services".
func (k *Kind) String() string {
	return k.Product + "/" + strings.Join(k.Categories, "+") + "/" + strings.Join(k.Services, "+")
}
