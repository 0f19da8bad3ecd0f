package policy

import (
	_ "embed"
	"strings"

	"github.com/rampart-sec/rampart/internal/posture/policy/provider"
)

// Origin says where an alias's path comes from.
type Origin uint8

// The origins. With OriginUnknown no type has the alias, and a rule that uses
// it is not applicable to anything; with OriginOther some other type has it,
// so on this type the field is missing; OriginMechanical is the guess that is
// made when no table has it.
const (
	OriginUnknown Origin = iota
	OriginOther
	OriginTable
	OriginBuiltIn
	OriginMechanical
)

// Aliases resolves alias names on (resource type, alias): by the rows that were
// loaded, by the built-in ones, and by the public table that ships. A type for
// which any of them has rows, the built-in ones aside, has no other aliases. It
// is built once and then only read; reading is safe from several goroutines.
type Aliases struct {
	types    map[string]map[string]*alias // folded type -> folded alias
	names    map[string]*alias            // folded alias -> one of its entries
	known    map[string]bool              // folded types with loaded rows
	families map[string][]family          // folded type ("*" for any) -> irregular prefixes
	public   *publicAliases               // nil: none
	// Strict switches the mechanical guess off: an alias that no table has is
	// unknown.
	Strict bool
	// capabilities are what a provider list says about types; for a type that is
	// absent the public table counts.
	capabilities map[string]string
}

// alias is one row: a path for all API versions and the exceptions.
type alias struct {
	path     Path
	versions map[string]Path // folded API version -> path
	// unmodifiable is true when the table says that modify may not write it.
	unmodifiable bool
	builtIn      bool
}

// family is a rule for many aliases of a type: the alias text after type and
// "/" starts with prefix, which becomes path.
type family struct{ prefix, path string }

// NewAliases returns the public table with the built-in rows over it, and the
// mechanical guess for types that they do not know.
func NewAliases() *Aliases {
	a := bareAliases()
	a.public = &publicAliases{}
	return a
}

// bareAliases has the built-in rows alone.
func bareAliases() *Aliases {
	a := &Aliases{types: map[string]map[string]*alias{}, names: map[string]*alias{}, known: map[string]bool{},
		families: map[string][]family{}, capabilities: map[string]string{}}
	if err := a.loadTSV(strings.NewReader(builtInAliases), true); err != nil {
		panic("built-in alias table: " + err.Error()) // embedded, verified by a test
	}
	return a
}

//go:embed aliases.tsv
var builtInAliases string

// Path resolves an alias for a resource type and, if the table knows paths by
// version, the API version of the document ("" takes the default path). The
// path is nil for OriginUnknown and OriginOther.
func (a *Aliases) Path(resourceType, name, apiVersion string) (Path, Origin) {
	typ, key := folded(resourceType), folded(name)
	if row := a.types[typ][key]; row != nil {
		return row.at(apiVersion), row.origin()
	}
	if path := a.public.path(typ, key); path != nil {
		return path, OriginTable
	}
	owned := folded(ownerType(name)) == typ
	elsewhere := a.names[key] != nil || a.public.has(key)
	switch {
	case elsewhere && !owned:
		return nil, OriginOther
	case a.Strict:
		return nil, OriginUnknown
	case owned && !elsewhere && a.knows(typ) && a.familyPath(typ, name[len(typ)+1:]) == "":
		return nil, OriginUnknown
	}
	if path := a.guess(typ, name); path != nil {
		return path, a.guessed(typ, name)
	}
	if ownerType(name) == "" {
		return nil, OriginUnknown
	}
	return nil, OriginOther
}

// knows reports whether all aliases of a folded type are in a table.
func (a *Aliases) knows(typ string) bool { return a.known[typ] || a.public.knows(typ) }

// Lookup says where the path of an alias would come from on the type that its
// name starts with; OriginUnknown if no type has it: tables know the type and
// not the alias, or it cannot be guessed.
func (a *Aliases) Lookup(name string) Origin {
	key, typ := folded(name), folded(ownerType(name))
	if row := a.names[key]; row != nil {
		return row.origin()
	}
	switch {
	case a.public.has(key):
		return OriginTable
	case a.Strict || typ == "" || a.knows(typ) && a.familyPath(typ, name[len(typ)+1:]) == "":
		return OriginUnknown
	}
	return a.guessed(typ, name)
}

// guessed says how sure a guess is: families and data-plane objects follow a
// rule that is known, everything else is only likely.
func (a *Aliases) guessed(typ, name string) Origin {
	if dataPlaneType(typ) || a.familyPath(typ, name[len(typ)+1:]) != "" {
		return OriginBuiltIn
	}
	return OriginMechanical
}

// dataPlaneType reports whether a folded type is of objects inside a resource
// (Microsoft.KeyVault.Data/vaults/keys): they are flat, without properties.
func dataPlaneType(typ string) bool {
	namespace, _, _ := strings.Cut(typ, "/")
	return strings.HasSuffix(namespace, ".data")
}

// Modifiable reports whether a modify operation may write the alias; an alias
// about which no table says otherwise is modifiable.
func (a *Aliases) Modifiable(name string) bool {
	row := a.names[folded(name)]
	return row == nil || !row.unmodifiable
}

// unindexed reports whether a type is known to lack tags or location.
func (a *Aliases) unindexed(typ string) bool {
	if c, known := a.capabilities[typ]; known {
		return !(strings.Contains(c, "SupportsTags") && strings.Contains(c, "SupportsLocation"))
	}
	indexed, known := provider.Known().Indexed(typ)
	return known && !indexed
}

func (r *alias) origin() Origin {
	if r.builtIn {
		return OriginBuiltIn
	}
	return OriginTable
}

func (r *alias) at(apiVersion string) Path {
	if p, ok := r.versions[folded(apiVersion)]; ok {
		return p
	}
	return r.path
}

func (a *Aliases) add(resourceType, name string, row *alias) {
	typ, key := folded(resourceType), folded(name)
	if a.types[typ] == nil {
		a.types[typ] = map[string]*alias{}
	}
	a.types[typ][key] = row
	if a.names[key] == nil || ownerType(key) == typ || a.names[key].builtIn {
		a.names[key] = row
	}
}

// rootNames are members at the root of a resource that an alias may name; the
// other envelope members (type, name, kind ...) never are meant by an alias.
var rootNames = map[string]bool{
	"sku": true, "zones": true, "managedby": true, "identity": true, "plan": true, "extendedlocation": true,
}

// guess derives a path from the alias's own text: an irregular family of the
// type, a member of the root, else below properties. nil if the alias does not
// sit under the type.
func (a *Aliases) guess(typ, name string) Path {
	if len(name) <= len(typ)+1 || !equalFold(name[:len(typ)], typ) || name[len(typ)] != '/' {
		return nil
	}
	short := name[len(typ)+1:]
	if strings.ContainsRune(beforeBracket(short), '/') {
		return nil
	}
	text := a.familyPath(typ, short)
	switch {
	case text != "":
	case dataPlaneType(typ):
		text = short
	default:
		text = "properties." + short
		if end := strings.IndexAny(short, ".["); rootNames[folded(short[:max(end, 0)])] || end < 0 && rootNames[folded(short)] {
			text = short
		}
	}
	path, err := ParsePath(text)
	if err != nil {
		return nil
	}
	return path
}

// familyPath applies the longest matching family of the type; those of any type
// are for types that no table knows.
func (a *Aliases) familyPath(typ, short string) string {
	best, out := -1, ""
	lists := [][]family{a.families[typ], nil}
	if !a.knows(typ) {
		lists[1] = a.families["*"]
	}
	for _, list := range lists {
		for _, f := range list {
			if len(f.prefix) > best && hasPrefixFold(short, f.prefix) {
				best, out = len(f.prefix), f.path+short[len(f.prefix):]
			}
		}
	}
	return out
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && equalFold(s[:len(prefix)], prefix)
}

// ownerType is the type that an alias's name starts with, "" if there is none.
func ownerType(name string) string { return provider.Owner(name) }
