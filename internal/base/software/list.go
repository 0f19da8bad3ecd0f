package software

import (
	"cmp"
	"slices"
)

// list gathers the packages of one file in any order, each once.
type list struct {
	path, ecosystem string
	seen            map[[2]string]bool
	all             []Package
}

// add takes a package, unless its name or its version is missing or damaged.
func (l *list) add(name, version string) {
	name, version = clean([]byte(name)), clean([]byte(version))
	key := [2]string{name, version}
	if name == "" || version == "" || l.seen[key] {
		return
	}
	if l.seen == nil {
		l.seen = map[[2]string]bool{}
	}
	l.seen[key] = true
	l.all = append(l.all, language(l.ecosystem, name, version, l.path))
}

func (l *list) sorted() []Package {
	slices.SortFunc(l.all, func(a, b Package) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version))
	})
	return l.all
}
