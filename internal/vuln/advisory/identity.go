package advisory

import (
	"strings"

	"github.com/rampart-sec/rampart/internal/vuln/advisory/affected"
)

// identities knows which ids of advisories mean one vulnerability: each leads to
// another that means the same, the best leads nowhere.
type identities map[string]string

// add joins the names of an advisory. One about several CVEs is an update: its
// names stand for none of them.
func (ids identities) add(a *affected.Advisory) {
	if len(a.CVEs) > 1 {
		return
	}
	names := append([]string{a.ID}, a.Aliases...)
	for _, n := range append(names, a.CVEs...) {
		x, y := ids.best(a.ID), ids.best(n)
		if better(y, x) {
			x, y = y, x
		}
		if x != y {
			ids[y] = x
		}
	}
}

// best follows a name to the one that findings go by.
func (ids identities) best(name string) string {
	for {
		next, ok := ids[name]
		if !ok {
			return name
		}
		name = next
	}
}

// subjects names the findings that an advisory belongs to.
func (ids identities) subjects(a *affected.Advisory) []string {
	if len(a.CVEs) > 0 {
		return a.CVEs
	}
	return []string{ids.best(a.ID)}
}

// better prefers CVEs, then GHSAs, then what sorts first.
func better(a, b string) bool {
	ra, rb := rankOf(a), rankOf(b)
	return ra < rb || ra == rb && a < b
}

func rankOf(id string) int {
	switch {
	case strings.HasPrefix(id, "CVE-"):
		return 0
	case strings.HasPrefix(id, "GHSA-"):
		return 1
	}
	return 2
}
