package policy

import (
	"fmt"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/wire"
)

// Resource is a resource document as the evaluator reads it. It is immutable.
type Resource struct {
	ID         arm.ID // zero if the document has no well-formed id
	Type       string
	APIVersion string
	Body       Value

	// gaps are unavailable paths that lie below a property which the body does
	// not have: reading the property, or anything at or below the path, gives
	// an unavailable value.
	gaps []gap
	// hiddenTypes are related types that the source did not deliver.
	hiddenTypes map[string]string // folded type -> as declared
}

type gap struct {
	path Path
	text string
}

// NewResource reads a document. Declared unavailable paths become unavailable
// values in the body; what is delivered for them all the same is not used.
func NewResource(doc wire.Document) (*Resource, error) {
	if len(doc.Body) > wire.MaxBody {
		return nil, fmt.Errorf("resource %q: the body is larger than %d bytes", clip(doc.ID), wire.MaxBody)
	}
	if len(doc.Unavailable) > wire.MaxUnavailable {
		return nil, fmt.Errorf("resource %q: more than %d unavailable paths", clip(doc.ID), wire.MaxUnavailable)
	}
	body, err := parseJSON(doc.Body, false)
	if err != nil {
		return nil, fmt.Errorf("resource %q: %w", clip(doc.ID), err)
	}
	if body.Kind != Object {
		return nil, fmt.Errorf("resource %q: the body is no object but %s", clip(doc.ID), body.Kind)
	}
	r := &Resource{Type: doc.Type, APIVersion: doc.APIVersion, Body: body, hiddenTypes: map[string]string{}}
	r.identify(doc.ID)
	for _, text := range doc.Unavailable {
		if err := r.hide(text); err != nil {
			return nil, fmt.Errorf("resource %q: unavailable path: %w", clip(doc.ID), err)
		}
	}
	return r, nil
}

// identify takes id, type and API version from the envelope, else the body.
func (r *Resource) identify(id string) {
	if id == "" {
		id = r.Body.Get("id").Str
	}
	if parsed, err := arm.ParseID(id); err == nil && id != "" {
		r.ID = parsed
	}
	if r.Type == "" {
		r.Type = r.Body.Get("type").Str
	}
	if r.Type == "" && r.ID.Name() != "" {
		r.Type = r.ID.Type()
	}
	r.Type = arm.CanonicalType(r.Type)
	if r.APIVersion == "" {
		r.APIVersion = r.Body.Get("apiVersion").Str
	}
}

// hide declares a path, or a related type, as not delivered. What follows the
// first space is the source's reason.
func (r *Resource) hide(text string) error {
	name, _, _ := strings.Cut(text, " ")
	if wire.IsType(name) {
		r.hiddenTypes[folded(name)] = text
		return nil
	}
	path, err := ParsePath(name)
	if err != nil {
		return err
	}
	if !place(&r.Body, path, text) {
		r.gaps = append(r.gaps, gap{path, text})
	}
	return nil
}

// place puts an unavailable value at a path and reports whether every
// container on the way is there. The body is the document's own copy.
func place(v *Value, path Path, text string) bool {
	if len(path) == 0 {
		*v = UnavailableValue(text)
		return true
	}
	switch {
	case v.Kind == Unavailable:
		return true
	case path[0].Wildcard && v.Kind == Array:
		all := true
		for i := range v.Items {
			all = place(&v.Items[i], path[1:], text) && all
		}
		return all
	case path[0].Wildcard || v.Kind != Object:
		return false
	}
	found, all := false, true
	for i, m := range v.Fields {
		if equalFold(m.Key, path[0].Name) { // keys may differ in case only: hide each
			found = true
			all = place(&v.Fields[i].Value, path[1:], text) && all
		}
	}
	if found {
		return all
	}
	if len(path) > 1 {
		return false
	}
	v.Fields = append(v.Fields, Member{path[0].Name, UnavailableValue(text)})
	return true
}

// hidden returns the declaration that makes a missing value at path unknown,
// "" if none does.
func (r *Resource) hidden(path Path) string {
	for _, g := range r.gaps {
		if g.path.HasPrefix(path) || path.HasPrefix(g.path) {
			return g.text
		}
	}
	return ""
}

// HiddenType returns the declaration by which related resources of a type were
// not delivered for this resource, "" if there is none.
func (r *Resource) HiddenType(resourceType string) string { return r.hiddenTypes[folded(resourceType)] }

// Name is the last segment of the resource's name.
func (r *Resource) Name() Value {
	name := r.Body.Get("name")
	switch {
	case name.Kind == String && strings.Count(r.Type, "/") > 1:
		return StringValue(name.Str[strings.LastIndexByte(name.Str, '/')+1:])
	case name.IsNothing() && r.ID.Name() != "":
		return StringValue(r.ID.Name())
	}
	return name
}

// FullName is the name with the parents' names before it.
func (r *Resource) FullName() Value {
	name := r.Body.Get("name")
	if full := r.ID.FullName(); full != "" && !strings.Contains(name.Str, "/") {
		return StringValue(full)
	}
	return name
}

// TypeValue is the type as the field type reads it: the body's, in the form that
// ids have.
func (r *Resource) TypeValue() Value {
	v := r.root("type", r.Type)
	if v.Kind == String {
		v.Str = arm.CanonicalType(v.Str)
	}
	return v
}

// root reads a member of the envelope; a document whose body lacks it may have
// it outside.
func (r *Resource) root(name, outside string) Value {
	v := r.Body.Get(name)
	if v.Kind == Missing && outside != "" {
		return StringValue(outside)
	}
	return v
}
