package vex

import (
	"net/url"
	"strings"

	"github.com/rampart-sec/rampart/internal/vuln/advisory/ecosystem"
)

// purl is a package URL, as far as statements are compared by it: what follows
// the version, such as architecture and distribution, does not count, since
// makers of documents write it in many ways.
type purl struct {
	kind, namespace, name, version string
	epoch                          string
}

// parsePURL reads "pkg:type/namespace/name@version?qualifiers#subpath"
// (purl-spec); false if text is none.
func parsePURL(text string) (p purl, ok bool) {
	rest, ok := strings.CutPrefix(text, "pkg:")
	if !ok || len(text) > 4096 {
		return p, false
	}
	rest, _, _ = strings.Cut(rest, "#")
	rest, query, _ := strings.Cut(strings.TrimLeft(rest, "/"), "?")
	if values, err := url.ParseQuery(query); err == nil {
		p.epoch = values.Get("epoch")
	}
	if at := strings.LastIndexByte(rest, '@'); at > strings.LastIndexByte(rest, '/') {
		p.version, rest = unescape(rest[at+1:]), rest[:at]
	}
	kind, path, found := strings.Cut(rest, "/")
	if !found || kind == "" {
		return p, false
	}
	p.kind = strings.ToLower(kind)
	path = strings.Trim(path, "/")
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		p.namespace, path = unescape(path[:i]), path[i+1:]
	}
	p.name = unescape(path)
	switch p.kind {
	case "pypi":
		p.name = ecosystem.Name("PyPI", p.name)
	case "nuget", "composer", "github":
		p.namespace, p.name = strings.ToLower(p.namespace), strings.ToLower(p.name)
	}
	return p, p.name != ""
}

func unescape(s string) string {
	if plain, err := url.PathUnescape(s); err == nil {
		return plain
	}
	return s
}

// covers reports whether a statement about p holds for o: p without a version
// holds for all.
func (p purl) covers(o purl) bool {
	return p.samePackage(o) && p.coversVersion(o)
}

func (p purl) samePackage(o purl) bool {
	return p.kind == o.kind && p.namespace == o.namespace && p.name == o.name
}

// coversVersion compares versions; the epoch of a distribution's package may stand
// in the version or in a qualifier.
func (p purl) coversVersion(o purl) bool {
	return p.version == "" || p.version == o.version || p.withEpoch() == o.withEpoch()
}

func (p purl) withEpoch() string {
	if p.epoch == "" || strings.Contains(p.version, ":") {
		return strings.TrimPrefix(p.version, "0:")
	}
	return strings.TrimPrefix(p.epoch+":"+p.version, "0:")
}
