package policy

import (
	"maps"
	"slices"
)

// Reads lists what a set of definitions reads of resources of a type, in the
// form in which documents declare what is unavailable: paths of the body, and
// the types of related resources. A source that delivers only a part can so
// declare the rest.
func Reads(list []*Bound, a *Aliases, resourceType string) []string {
	stub := typeStub(resourceType)
	e := &Evaluator{Aliases: a}
	seen := map[string]bool{}
	note := func(f *Field, _ bool) {
		if path := f.pathOn(a, resourceType); path != nil {
			seen[path.String()] = true
		}
	}
	for _, b := range list {
		truth, _ := e.run(b, stub, stub, Environment{}).condition(Applicability(b.If), nil)
		about := truth != False
		if about {
			Fields(b.If, note)
		}
		if b.Details == nil {
			continue
		}
		if equalFold(b.Details.Type, resourceType) {
			Fields(b.Details.ExistenceCondition, note)
			Fields(b.ApplicableWhen, note)
		}
		if about {
			seen[b.Details.Type] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// pathOn is where a field lies in documents of a type; nil for fields that
// every document has and for those of other types.
func (f *Field) pathOn(a *Aliases, resourceType string) Path {
	switch f.Kind {
	case FieldPath:
		return f.Path
	case FieldKindOf:
		return Path{{Name: "kind"}}
	case FieldAlias:
		path, _ := a.Path(resourceType, f.Text, "")
		return path
	}
	return nil
}

// typeStub is a resource of which only the type is known.
func typeStub(resourceType string) *Resource {
	return &Resource{Type: resourceType, Body: ObjectValue(
		Member{"type", StringValue(resourceType)}, Member{"name", UnavailableValue("name")}, Member{"kind", UnavailableValue("kind")})}
}
