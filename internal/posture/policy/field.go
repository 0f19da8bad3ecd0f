package policy

import (
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// FieldKind says how a field finds its value.
type FieldKind uint8

// The kinds of field. FieldTag has the tag's name in Field.Tag; FieldPath
// reads Field.Path in the body; FieldAlias is resolved on (type, alias) for
// each resource type; FieldDynamic is an expression over the resource itself,
// whose text names the field on every evaluation.
const (
	FieldName FieldKind = iota + 1
	FieldFullName
	FieldType
	FieldKindOf // the field named kind
	FieldLocation
	FieldID
	FieldAPIVersion
	FieldTags
	FieldTag
	FieldPath
	FieldAlias
	FieldDynamic
)

// Field is a parsed field reference. After Bind only references that depend on
// the resource (or on a count's current member) are still FieldDynamic.
type Field struct {
	Text string // as written, or as the expression on parameters gave it
	Kind FieldKind
	Tag  string // FieldTag
	Path Path   // FieldPath
	// Direct marks a FieldPath outside the envelope ("properties.x"), which
	// the service does not know: it counts as an unknown alias unless
	// Options.DirectPaths is set.
	Direct bool
	Expr   Expr // FieldDynamic
}

// envelopeRoots are top-level members that a field may name directly, and
// below which it may go on by dots.
var envelopeRoots = map[string]bool{
	"identity": true, "sku": true, "plan": true, "zones": true, "managedby": true,
	"etag": true, "systemdata": true, "extendedlocation": true,
}

var plainFields = map[string]FieldKind{
	"name": FieldName, "fullname": FieldFullName, "type": FieldType, "kind": FieldKindOf,
	"location": FieldLocation, "id": FieldID, "apiversion": FieldAPIVersion, "tags": FieldTags,
}

// ParseField parses the text of a field reference that is not an expression.
func ParseField(text string) (*Field, error) {
	f := &Field{Text: text}
	folded := arm.Fold(text)
	if kind, ok := plainFields[folded]; ok {
		f.Kind = kind
		return f, nil
	}
	if text == "" {
		return nil, faultAt("", "the field has no name")
	}
	if tag, ok := tagName(text); ok {
		f.Kind, f.Tag = FieldTag, tag
		return f, nil
	}
	if strings.ContainsRune(beforeBracket(text), '/') {
		f.Kind = FieldAlias
		return f, nil
	}
	path, err := ParsePath(text)
	if err != nil {
		return nil, err
	}
	f.Kind, f.Path = FieldPath, path
	f.Direct = !envelopeRoots[arm.Fold(path[0].Name)]
	return f, nil
}

// beforeBracket is the text up to the first quoted key, in which slashes do
// not make an alias.
func beforeBracket(text string) string {
	if i := strings.Index(text, "['"); i >= 0 {
		return text[:i]
	}
	return text
}

// tagName recognises tags.X, tags[X], tags['X'] and tags[”'X”']; an
// apostrophe within quotes is doubled. The name may be empty, as it is when a
// parameter that names the tag is: no resource has such a tag.
func tagName(text string) (string, bool) {
	const root = "tags"
	if len(text) <= len(root) || !strings.EqualFold(text[:len(root)], root) {
		return "", false
	}
	rest := text[len(root):]
	if rest[0] == '.' {
		return rest[1:], true
	}
	if rest[0] != '[' || rest[len(rest)-1] != ']' {
		return "", false
	}
	name := rest[1 : len(rest)-1]
	if len(name) >= 2 && name[0] == '\'' && name[len(name)-1] == '\'' {
		name = strings.ReplaceAll(name[1:len(name)-1], "''", "'")
	}
	return name, name != "*"
}

// IsArray reports whether the reference has array semantics by its text: a
// [*] selects members instead of the array as one value.
func (f *Field) IsArray() bool {
	if f.Kind == FieldPath {
		return f.Path.Wildcards() > 0
	}
	return f.Kind == FieldAlias && strings.Contains(f.Text, "[*]")
}

// wildcards is the number of [*] in the reference's text.
func (f *Field) wildcards() int { return strings.Count(f.Text, "[*]") }
