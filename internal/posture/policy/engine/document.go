package engine

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// document decodes a resource document for a program: its body, the fields
// that are derived from the envelope, and what is declared unavailable.
func (d *decoder) document(p *program, doc *wire.Document, who *subject) error {
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
	if c := d.cells[p.typeCell]; c != 0 && !d.isWord(c, p.typeWord) && !d.isType(c, who.typ) {
		return fmt.Errorf("resource %q: the body's type is not %q", clip(doc.ID), clip(who.typ))
	}
	for kind, at := range p.layout.derived {
		d.cells[at] = d.derive(kind, doc, who)
	}
	return nil
}

// subject is what is known of a document before its body is read.
type subject struct {
	id  arm.ID // zero if the document has no well-formed id
	typ string
}

// isWord reports whether a scratch cell is a text with that dict number.
func (d *decoder) isWord(c cell, word uint32) bool {
	switch c.tag() {
	case tagWord:
		return c.payload() == word
	case tagWordText:
		return binary.LittleEndian.Uint32(d.text[c.payload():]) == word
	}
	return false
}

// isType reports whether a scratch cell is a type by another of its names.
func (d *decoder) isType(c cell, typ string) bool {
	if !c.isString() {
		return false
	}
	text := ""
	if c.tag() == tagWord {
		text = d.dict.texts[c.payload()]
	} else {
		text = string(d.scratchText(c))
	}
	return strings.EqualFold(arm.CanonicalType(text), typ)
}

// scratchText is the text of a scratch cell that keeps it.
func (d *decoder) scratchText(c cell) []byte {
	at := c.payload()
	if c.tag() == tagWordText {
		at += 4
	}
	n, w := binary.Uvarint(d.text[at:])
	return d.text[int(at)+w : uint64(at)+uint64(w)+n]
}

func clip(s string) string {
	const limit = 120
	if len(s) > limit {
		return s[:limit] + "..."
	}
	return s
}

// derive computes a derived cell.
func (d *decoder) derive(kind policy.FieldKind, doc *wire.Document, who *subject) cell {
	outside := ""
	switch kind {
	case policy.FieldName, policy.FieldFullName:
		return d.name(kind, who)
	case envelopeID:
		return d.optional(doc.ID)
	case envelopeType:
		return d.optional(doc.Type)
	case envelopeVersion:
		return d.optional(doc.APIVersion)
	case policy.FieldID:
		outside = idText(who.id)
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
func (d *decoder) name(kind policy.FieldKind, who *subject) cell {
	c := d.rootCell("name")
	text := ""
	if c.isString() {
		text = string(d.scratchText(c))
	}
	if kind == policy.FieldFullName {
		if full := who.id.FullName(); full != "" && !strings.Contains(text, "/") {
			return d.derivedText(full)
		}
		return c
	}
	switch {
	case c.isString() && strings.Count(who.typ, "/") > 1:
		return d.derivedText(text[strings.LastIndexByte(text, '/')+1:])
	case c.tag() <= tagNull && who.id.Name() != "":
		return d.derivedText(who.id.Name())
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
	if wire.IsType(name) {
		return nil, false
	}
	path, err := policy.ParsePath(name)
	return path, err == nil
}

// hiddenSeparator stands between declarations in a row.
const hiddenSeparator = "\x00"

// hideAll marks what is declared unavailable, and keeps the declarations.
func (d *decoder) hideAll(declared []string) error {
	if len(declared) == 0 {
		return nil
	}
	for _, text := range declared {
		name, _, _ := strings.Cut(text, " ")
		if strings.Contains(text, hiddenSeparator) {
			return fmt.Errorf("%q has a zero byte", clip(text))
		}
		if wire.IsType(name) {
			continue
		}
		path, err := policy.ParsePath(name)
		if err != nil {
			return err
		}
		d.hide(0, 1, path)
	}
	at := uint32(len(d.text))
	d.appendText([]byte(strings.Join(declared, hiddenSeparator)))
	d.cells[hiddenCell] = newCell(tagText, at)
	return nil
}

// word is the scratch cell at a word offset of the row to be.
func (d *decoder) word(at uint32) *cell {
	if i := int(at) - 1; i < d.lay.cells {
		return &d.cells[i]
	}
	return &d.blocks[int(at)-1-d.lay.cells]
}

// hide marks what lies at or below a path, seen from node n whose cells start
// at base, and what is missing above it. Arrays that are missing above it are
// left: other paths go through them, so the machine decides for each.
func (d *decoder) hide(n int32, base uint32, path policy.Path) {
	node := &d.lay.nodes[n]
	if len(path) == 0 {
		d.hideBelow(n, base)
		return
	}
	if node.cell >= 0 {
		if c := d.word(base + uint32(node.cell)); *c == 0 {
			*c = newCell(tagUnavailable, 0)
		}
	}
	if !path[0].Wildcard {
		if child := node.keys.find([]byte(path[0].Name)); child >= 0 {
			d.hide(child, base, path[1:])
		}
		return
	}
	if node.arr < 0 {
		return
	}
	c := *d.word(base + uint32(node.arr))
	if c.tag() != tagBlock {
		return
	}
	at := c.payload()
	for range uint32(*d.word(at)) {
		d.hide(node.elem, at+1, path[1:])
		at += uint32(node.width)
	}
}

func (d *decoder) hideBelow(n int32, base uint32) {
	node := &d.lay.nodes[n]
	if node.cell >= 0 {
		*d.word(base + uint32(node.cell)) = newCell(tagUnavailable, 0)
	}
	if node.arr >= 0 {
		*d.word(base + uint32(node.arr)) = newCell(tagUnavailable, 0)
	}
	for i := range node.keys.entries {
		d.hideBelow(node.keys.entries[i].node, base)
	}
}
