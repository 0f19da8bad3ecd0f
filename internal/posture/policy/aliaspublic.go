package policy

import (
	"sync"

	"github.com/rampart-sec/rampart/internal/posture/policy/provider"
)

// publicAliases reads the public table, type by type as they are asked for. A nil
// one knows nothing.
type publicAliases struct {
	types sync.Map // folded type -> *publicType
}

// publicType are the aliases of a type.
type publicType struct {
	paths  map[string]string // by folded name
	parsed sync.Map          // folded name -> Path
}

// of reads a type on its first use, nil if the table does not know it.
func (p *publicAliases) of(typ string) *publicType {
	if p == nil {
		return nil
	}
	if t, ok := p.types.Load(typ); ok {
		return t.(*publicType)
	}
	if !provider.Known().HasAliases(typ) {
		return nil
	}
	t := &publicType{paths: map[string]string{}}
	for a := range provider.Known().Aliases(typ) {
		t.paths[folded(a.Name)] = a.Path
	}
	first, _ := p.types.LoadOrStore(typ, t)
	return first.(*publicType)
}

// path is where an alias lies in documents of a type, nil if that has it not.
func (p *publicAliases) path(typ, key string) Path {
	if p == nil {
		return nil
	}
	for _, a := range provider.Known().Named(key) {
		if folded(a.Type) == typ {
			return mustPath(a.Path)
		}
	}
	t := p.of(typ)
	if t == nil {
		return nil
	}
	if path, ok := t.parsed.Load(key); ok {
		return path.(Path)
	}
	text, ok := t.paths[key]
	if !ok {
		return nil
	}
	path := mustPath(text)
	t.parsed.Store(key, path)
	return path
}

// mustPath parses a path of the table that ships, which a test has parsed.
func mustPath(text string) Path {
	path, err := ParsePath(text)
	if err != nil {
		panic("public alias table: " + err.Error())
	}
	return path
}

// knows reports whether the table has the aliases of a type.
func (p *publicAliases) knows(typ string) bool { return p != nil && provider.Known().HasAliases(typ) }

// has reports whether any type has an alias.
func (p *publicAliases) has(key string) bool {
	if p == nil {
		return false
	}
	if len(provider.Known().Named(key)) > 0 {
		return true
	}
	t := p.of(folded(ownerType(key)))
	if t == nil {
		return false
	}
	_, ok := t.paths[key]
	return ok
}
