package engine

import (
	"fmt"
	"strings"

	"github.com/rampart-sec/rampart/internal/arm"
	"github.com/rampart-sec/rampart/internal/policy"
	"github.com/rampart-sec/rampart/internal/wire"
)

// document decodes a resource document for a program: its body, the fields
// that are derived from the envelope, and what is declared unavailable.
func (d *decoder) document(p *program, doc *wire.Document, id arm.ID) error {
	if len(doc.Body) > wire.MaxBody {
		return fmt.Errorf("resource %q: the body is larger than %d bytes", clip(doc.ID), wire.MaxBody)
	}
	if len(doc.Unavailable) > wire.MaxUnavailable {
		return fmt.Errorf("resource %q: more than %d unavailable paths", clip(doc.ID), wire.MaxUnavailable)
	}
	if err := d.decode(p.layout, p.dict, doc.Body); err != nil {
		return fmt.Errorf("resource %q: %w", clip(doc.ID), err)
	}
	if d.data[d.space(0)] != '{' {
		return fmt.Errorf("resource %q: the body is no object", clip(doc.ID))
	}
	if err := d.hideAll(doc.Unavailable); err != nil {
		return fmt.Errorf("resource %q: unavailable path: %w", clip(doc.ID), err)
	}
	for kind, at := range p.layout.derived {
		d.cells[at] = d.derive(kind, doc, id)
	}
	return nil
}

func clip(s string) string {
	const limit = 120
	if len(s) > limit {
		return s[:limit] + "..."
	}
	return s
}

// derive computes a derived cell.
func (d *decoder) derive(kind policy.FieldKind, doc *wire.Document, id arm.ID) cell {
	outside := ""
	switch kind {
	case policy.FieldName, policy.FieldFullName:
		return d.name(kind, doc, id)
	case envelopeID:
		return d.optional(doc.ID)
	case envelopeType:
		return d.optional(doc.Type)
	case envelopeVersion:
		return d.optional(doc.APIVersion)
	case policy.FieldID:
		outside = idText(id)
	case policy.FieldAPIVersion:
		outside = doc.APIVersion
	}
	if c := d.rootCell(derivedFrom[kind]); c != 0 || outside == "" {
		return c
	}
	return d.derivedText(outside)
}

// optional is a text of the envelope, missing if it is empty.
func (d *decoder) optional(text string) cell {
	if text == "" {
		return 0
	}
	at := uint32(len(d.text))
	d.appendText([]byte(text))
	return newCell(tagText, at)
}

func (d *decoder) derivedText(text string) cell {
	return d.stringCell([]byte(text), keepText, false)
}

// rootCell is the cell of a member of the body that derived fields start from.
func (d *decoder) rootCell(name string) cell {
	n := d.lay.nodes[0].keys.find([]byte(name))
	return d.cells[d.lay.nodes[n].cell]
}

// name is policy.Resource's Name or FullName.
func (d *decoder) name(kind policy.FieldKind, doc *wire.Document, id arm.ID) cell {
	c := d.rootCell("name")
	text := ""
	if c.isString() {
		text = string(d.scratchText(c))
	}
	if kind == policy.FieldFullName {
		if full := id.FullName(); full != "" && !strings.Contains(text, "/") {
			return d.derivedText(full)
		}
		return c
	}
	switch {
	case c.isString() && strings.Count(d.typ, "/") > 1:
		return d.derivedText(text[strings.LastIndexByte(text, '/')+1:])
	case c.tag() <= tagNull && id.Name() != "":
		return d.derivedText(id.Name())
	}
	return c
}

func idText(id arm.ID) string {
	if id.Name() == "" {
		return ""
	}
	return id.String()
}

// hiddenPath parses a declaration; ok is false for one that names a type.
func hiddenPath(text string) (policy.Path, bool) {
	name, _, _ := strings.Cut(text, " ")
	if isHiddenType(name) {
		return nil, false
	}
	path, err := policy.ParsePath(name)
	return path, err == nil
}

// isHiddenType reports whether a declaration names a related type; slashes in
// a quoted key do not count.
func isHiddenType(name string) bool {
	if i := strings.Index(name, "['"); i >= 0 {
		name = name[:i]
	}
	return strings.Contains(name, "/")
}

// hideAll marks what is declared unavailable, and keeps the declarations.
func (d *decoder) hideAll(declared []string) error {
	if len(declared) == 0 {
		return nil
	}
	for _, text := range declared {
		name, _, _ := strings.Cut(text, " ")
		if isHiddenType(name) {
			continue
		}
		path, err := policy.ParsePath(name)
		if err != nil {
			return err
		}
		d.hide(0, 0, path)
	}
	at := uint32(len(d.text))
	d.appendText([]byte(strings.ReplaceAll(strings.Join(declared, "\x00"), "\n", " ")))
	d.cells[hiddenCell] = newCell(tagText, at)
	return nil
}
