package engine

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// slowLeaf is a condition without a fast form. The tree walker evaluates it on
// a document that is put together from what the row keeps: every path that the
// condition reads, unabridged.
type slowLeaf struct {
	condition policy.Condition
	rule      *rule
	// parent is set in an existenceCondition that calls field(): it needs the
	// resource of the if as well.
	parent bool
	cells  []uint32 // root cells that it reads
	group  bool     // it reads the group or subscription alone
	reason uint32
}

// reads says what a condition depends on beside the resource's own document.
type reads struct {
	now, group, subscription, parent bool
}

func (r *reads) add(o reads) {
	r.now, r.group = r.now || o.now, r.group || o.group
	r.subscription, r.parent = r.subscription || o.subscription, r.parent || o.parent
}

// readsOf collects the accessors that a condition's expressions call.
func readsOf(c policy.Condition) reads {
	var r reads
	policy.Expressions(c, r.expr)
	return r
}

func (r *reads) expr(e policy.Expr) {
	switch e := e.(type) {
	case *policy.Call:
		switch e.Name {
		case "utcnow":
			r.now = true
		case "resourcegroup":
			r.group = true
		case "subscription":
			r.subscription = true
		}
	case *policy.FieldCall:
		r.parent = true
	}
}

// slowly leaves a condition to the tree walker and keeps the paths that it
// reads.
func (b *builder) slowly(c policy.Condition) uint32 {
	key := fmt.Sprintf("slow %p %p", c, b.rule)
	if id, ok := b.index[key]; ok {
		return id
	}
	s := slowLeaf{condition: c, rule: b.rule, group: ofGroup(c), reason: b.env.reasons.code(b.describe(c))}
	policy.Fields(c, func(f *policy.Field, call bool) {
		if call && b.related {
			s.parent = true
			return
		}
		s.cells = append(s.cells, b.keep(f)...)
	})
	b.prog.reads.add(readsOf(c))
	s.cells = append(s.cells, b.envelope()...)
	b.prog.slow = append(b.prog.slow, s)
	return b.intern(key, node{op: opSlow, arg: uint32(len(b.prog.slow) - 1)})
}

// describe names a condition for a verdict that it leaves open.
func (b *builder) describe(c policy.Condition) string {
	var names []string
	policy.Fields(c, func(f *policy.Field, _ bool) { names = append(names, f.Text) })
	if len(names) == 0 {
		return c.At()
	}
	return strings.Join(names, ", ")
}

// keep makes the row hold all that a field may select. A field that is only
// known at evaluation may be any, so the whole body is kept.
func (b *builder) keep(f *policy.Field) (cells []uint32) {
	switch f.Kind {
	case policy.FieldType:
		return b.keepPath(member("type"))
	case policy.FieldName, policy.FieldFullName, policy.FieldID, policy.FieldAPIVersion:
		return b.keepPath(member(derivedFrom[f.Kind]))
	case policy.FieldDynamic:
		return b.keepPath(policy.Path{})
	}
	path := b.path(f)
	if path == nil {
		return nil
	}
	if i := slices.IndexFunc(path, func(s policy.Segment) bool { return s.Wildcard }); i >= 0 {
		path = path[:i]
	}
	return b.keepPath(path)
}

func (b *builder) keepPath(path policy.Path) (cells []uint32) {
	at := b.prog.layout.add(path, keepText|keepRaw)
	b.prog.kept.add(path, at.cell)
	return []uint32{uint32(at.cell)}
}

// envelope keeps the envelope's own texts for the tree walker.
func (b *builder) envelope() (cells []uint32) {
	for _, kind := range envelopeKinds {
		cells = append(cells, uint32(b.prog.layout.derive(kind)))
	}
	return cells
}

// assembly puts a body together from cells that keep everything: a tree of
// property names with cells at the leaves.
type assembly struct {
	name string
	cell int32 // -1: an object of the members below
	of   []*assembly
}

func (a *assembly) add(path policy.Path, cell int32) {
	for _, seg := range path {
		if a.cell >= 0 {
			return // a parent is kept whole
		}
		i := slices.IndexFunc(a.of, func(m *assembly) bool { return strings.EqualFold(m.name, seg.Name) })
		if i < 0 {
			i = len(a.of)
			a.of = append(a.of, &assembly{name: seg.Name, cell: -1})
		}
		a = a.of[i]
	}
	a.cell, a.of = cell, nil
}

// appendTo writes the JSON of what the row has; ok is false if that is nothing.
func (a *assembly) appendTo(out []byte, m *machine) (_ []byte, ok bool) {
	if a.cell >= 0 {
		return m.appendJSON(out, m.row.at(1+uint32(a.cell)))
	}
	out = append(out, '{')
	for i, member := range a.of {
		mark := len(out)
		if i > 0 && out[len(out)-1] != '{' {
			out = append(out, ',')
		}
		out = append(appendString(out, member.name), ':')
		if out, ok = member.appendTo(out, m); !ok {
			out = out[:mark]
		}
	}
	return append(out, '}'), true
}

// appendJSON writes one cell's value as JSON; ok is false if it has none.
func (m *machine) appendJSON(out []byte, c cell) (_ []byte, ok bool) {
	switch c.tag() {
	case tagMissing, tagUnavailable:
		return out, false // what is unavailable is declared beside the body
	case tagObject, tagArray:
		return append(out, m.row.text(c)...), true
	}
	return m.value(c).AppendJSON(out), true
}

// document puts together what the row keeps of the resource.
func (m *machine) document() (*policy.Resource, error) {
	body, _ := m.prog.kept.appendTo(nil, m)
	doc := wire.Document{
		ID: m.derivedText(envelopeID), Type: m.derivedText(envelopeType), APIVersion: m.derivedText(envelopeVersion),
		Body: body,
	}
	if declared := m.text(m.row.at(1 + hiddenCell)); declared != "" {
		doc.Unavailable = strings.Split(declared, hiddenSeparator)
	}
	return policy.NewResource(doc)
}

func (m *machine) derivedText(kind policy.FieldKind) string {
	c, ok := m.prog.layout.derived[kind]
	if !ok {
		return ""
	}
	return m.text(m.row.at(1 + uint32(c)))
}

func appendString(out []byte, s string) []byte {
	text, err := json.Marshal(s)
	if err != nil {
		return append(out, `""`...) // a string always encodes
	}
	return append(out, text...)
}
