package policy

import "fmt"

// resolve computes the name of a field that depends on the resource.
func (r *run) resolve(f *Field, s *scope) (*Field, error) {
	if f.Kind != FieldDynamic {
		return f, nil
	}
	name, err := r.expr(f.Expr, s)
	if err != nil {
		return nil, err
	}
	if name.Kind != String {
		return nil, fmt.Errorf("a field is named by a string, not by %s", name.Kind)
	}
	return ParseField(name.Str)
}

// selectField reads a resolved field in a document.
func (r *run) selectField(f *Field, doc *Resource, s *scope) selection {
	switch f.Kind {
	case FieldName:
		return single(doc.Name(), "name")
	case FieldFullName:
		return single(doc.FullName(), "name")
	case FieldType:
		return single(doc.TypeValue(), "type")
	case FieldKindOf:
		return single(doc.Body.Get("kind"), "kind")
	case FieldLocation:
		return single(doc.Body.Get("location"), "location")
	case FieldID:
		return single(doc.root("id", doc.idText()), "id")
	case FieldAPIVersion:
		return single(doc.root("apiVersion", doc.APIVersion), "apiVersion")
	case FieldTags:
		return doc.selectPath(Path{{Name: "tags"}}, noPins)
	case FieldTag:
		return doc.selectPath(Path{{Name: "tags"}, {Name: f.Tag}}, noPins)
	}
	path, origin := r.path(f, doc)
	if path == nil {
		return selection{values: nothing(f), array: f.IsArray(), absent: true, origin: origin}
	}
	sel := doc.selectPath(path, s.pins(doc))
	sel.origin = origin
	return sel
}

// nothing is what a field selects on a type that does not have it.
func nothing(f *Field) []Value {
	if f.IsArray() {
		return nil
	}
	return []Value{{}}
}

// path finds where a field lies in a document of its type.
func (r *run) path(f *Field, doc *Resource) (Path, Origin) {
	if f.Kind == FieldPath {
		if f.Direct && !r.Options.DirectPaths {
			return nil, OriginUnknown
		}
		return f.Path, OriginTable
	}
	if r.Aliases != nil {
		return r.Aliases.Path(doc.Type, f.Text, doc.APIVersion)
	}
	path, err := ParsePath(f.Text)
	if err != nil {
		return nil, OriginUnknown
	}
	return path, OriginTable
}

func (r *Resource) idText() string {
	if r.ID.Name() == "" {
		return ""
	}
	return r.ID.String()
}
