package engine

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// leaf compiles one comparison: to a constant, a comparison of cells, a count,
// or, if it has no fast form, a call of the tree walker.
func (b *builder) leaf(l *policy.Leaf) uint32 {
	if l.Count != nil {
		return b.countLeaf(l)
	}
	right, ok := policy.Constant(l.Right)
	if !ok || right.Kind == policy.Missing || right.Kind == policy.Unavailable {
		return b.computedLeaf(l)
	}
	if l.Field != nil {
		return b.fieldLeaf(l, right)
	}
	if v, ok := policy.Constant(l.Value); ok && v.Kind != policy.Missing && v.Kind != policy.Unavailable {
		return b.applied(l.Op, v, right)
	}
	if f, ok := l.Value.(*policy.FieldCall); ok && !b.related {
		if n, ok := b.valueOfField(l, f.Field, right); ok {
			return n
		}
	}
	return b.computedLeaf(l)
}

// computedLeaf computes the sides of a leaf, or leaves it to the tree walker.
func (b *builder) computedLeaf(l *policy.Leaf) uint32 {
	if n, ok := b.compute(l); ok {
		return n
	}
	return b.slowly(l)
}

// valueOfField is a value condition on field() alone: the field's condition,
// but that a missing one is the empty text.
func (b *builder) valueOfField(l *policy.Leaf, f *policy.Field, right policy.Value) (uint32, bool) {
	base, _ := l.Op.Negated()
	switch f.Kind {
	case policy.FieldType:
		return b.applied(l.Op, policy.StringValue(b.env.typ), right), base != policy.OpMatch
	case policy.FieldDynamic, policy.FieldLocation:
		return 0, false
	}
	if f.IsArray() {
		return 0, false
	}
	at, found := b.spot(f, keepFor(base, right))
	switch {
	case !found:
		return b.applied(l.Op, policy.StringValue(""), right), true
	case at.slow || at.path.Wildcards() > 0:
		return 0, false
	}
	empty, _ := policy.Apply(l.Op, policy.StringValue(""), right, *b.env.opt)
	return b.compareAs(l, at, right, empty), true
}

// applied is a comparison of constants.
func (b *builder) applied(op policy.Operator, left, right policy.Value) uint32 {
	t, _ := policy.Apply(op, left, right, *b.env.opt) // the error is in the truth
	return b.constant(t)
}

func (b *builder) fieldLeaf(l *policy.Leaf, right policy.Value) uint32 {
	base, _ := l.Op.Negated()
	switch l.Field.Kind {
	case policy.FieldType:
		if base == policy.OpMatch { // with case, which the program's type has lost
			return b.slowly(l)
		}
		return b.applied(l.Op, policy.StringValue(b.env.typ), right)
	case policy.FieldDynamic:
		return b.slowly(l)
	}
	at, found := b.spot(l.Field, keepFor(base, right))
	switch {
	case !found:
		return b.nowhere(l, right)
	case at.slow:
		return b.slowly(l)
	}
	return b.compare(l, at, right)
}

// keepFor is what cells must hold for a comparison beside folded texts.
func keepFor(op policy.Operator, right policy.Value) keepMode {
	switch {
	case op == policy.OpMatch || op == policy.OpMatchInsensitively:
		return keepText
	case op == policy.OpContains || op == policy.OpContainsKey || composite(right):
		return keepRaw
	case op == policy.OpIn && slices.ContainsFunc(right.Items, composite):
		return keepRaw
	}
	return 0
}

func composite(v policy.Value) bool { return v.Kind == policy.Array || v.Kind == policy.Object }

// nowhere is a field that resources of the type do not have.
func (b *builder) nowhere(l *policy.Leaf, right policy.Value) uint32 {
	if !l.Field.IsArray() {
		return b.constant(b.missing(l, right))
	}
	return b.constant(truthOf(!b.env.opt.MissingArrayIsFalse))
}

// missing is the result for a missing value.
func (b *builder) missing(l *policy.Leaf, right policy.Value) policy.Truth {
	t, _ := policy.Apply(l.Op, policy.Value{}, right, *b.env.opt)
	return t
}

// spot is where a field lies in rows.
type spot struct {
	steps
	path     policy.Path
	location bool // texts compare as locations
	slow     bool
}

// spot resolves a field; found is false if resources of the type do not have
// it.
func (b *builder) spot(f *policy.Field, keep keepMode) (s spot, found bool) {
	switch f.Kind {
	case policy.FieldName, policy.FieldFullName, policy.FieldID, policy.FieldAPIVersion:
		cell := b.prog.layout.derive(f.Kind)
		return spot{steps: steps{cell: uint32(cell)}, path: member(f.Text)}, true
	case policy.FieldLocation:
		if s.location = !b.env.opt.LocationAsText; s.location {
			keep |= keepLocation
		}
		s.path = member("location")
		s.steps = b.steps(s.path, keep)
		return s, true
	}
	path := b.path(f)
	if path == nil {
		return s, false
	}
	if len(path) == 1 && strings.EqualFold(path[0].Name, "location") {
		return spot{slow: true}, true // that cell folds its texts as locations
	}
	return spot{steps: b.steps(path, keep), path: path}, true
}

func member(name string) policy.Path { return policy.Path{{Name: name}} }

// path is where a field lies in a body, nil if nowhere on this type.
func (b *builder) path(f *policy.Field) policy.Path {
	switch f.Kind {
	case policy.FieldKindOf:
		return member("kind")
	case policy.FieldLocation:
		return member("location")
	case policy.FieldTags:
		return member("tags")
	case policy.FieldTag:
		return policy.Path{{Name: "tags"}, {Name: f.Tag}}
	case policy.FieldPath:
		if f.Direct && !b.env.opt.DirectPaths {
			return nil
		}
		return f.Path
	}
	if b.env.aliases != nil {
		path, _ := b.env.aliases.Path(b.env.typ, f.Text, b.env.apiVersion)
		return path
	}
	path, err := policy.ParsePath(f.Text)
	if err != nil {
		return nil
	}
	return path
}

// steps makes room for a path and leads to it from the innermost open count
// that goes through one of its arrays.
func (b *builder) steps(path policy.Path, keep keepMode) steps {
	p := b.prog.layout.add(path, keep)
	out := steps{cell: uint32(p.cell)}
	skip, id := b.pinned(path)
	out.scope = id
	for _, n := range p.arrays[skip:] {
		out.hops = append(out.hops, hop{node: uint32(n)})
	}
	return out
}

// pinned is how many of a path's arrays stand at one member, and the scope of
// that member.
func (b *builder) pinned(path policy.Path) (arrays int, id uint8) {
	n := 0
	for i, seg := range path {
		if !seg.Wildcard {
			continue
		}
		n++
		for k := len(b.scopes) - 1; k >= 0; k-- {
			if s := b.scopes[k]; len(s.path) == i+1 && path.HasPrefix(s.path) {
				arrays, id = n, s.id
				break
			}
		}
	}
	return arrays, id
}

func (b *builder) compare(l *policy.Leaf, at spot, right policy.Value) uint32 {
	if at.location {
		right = foldLocations(right)
	}
	return b.compareAs(l, at, right, b.missing(l, right))
}

// compareAs compares a spot, with the result for a missing value.
func (b *builder) compareAs(l *policy.Leaf, at spot, right policy.Value, missing policy.Truth) uint32 {
	base, negate := l.Op.Negated()
	out := leaf{
		steps: at.steps, path: at.path, op: base, negate: negate, location: at.location, right: right,
		outcome: [2]policy.Truth{truthOf(negate), truthOf(!negate)},
		vacuous: truthOf(!b.env.opt.MissingArrayIsFalse), opt: &b.prog.opt,
	}
	for tag, v := range map[int]policy.Value{
		tagNull: policy.NullValue(), tagUnavailable: policy.UnavailableValue(""),
		tagFalse: policy.BoolValue(false), tagTrue: policy.BoolValue(true),
	} {
		out.fixed[tag], _ = policy.Apply(l.Op, v, right, *b.env.opt) // the error is in the truth
	}
	out.fixed[tagMissing] = missing
	if base == policy.OpExists {
		out.present, _ = policy.Apply(l.Op, policy.StringValue("x"), right, *b.env.opt)
	}
	if !at.location {
		out.pattern = newPattern(base, right, b.env.opt)
	}
	return b.add(out)
}

func (b *builder) add(l leaf) uint32 {
	key := fmt.Sprintf("leaf %s %d %t %t %d %s %d", l.steps.key(), l.op, l.negate, l.location, l.right.Kind, l.right, l.fixed[tagMissing])
	if id, ok := b.index[key]; ok {
		return id
	}
	l.collect(b)
	l.reason = b.env.reasons.code(l.path.String())
	b.prog.leaves = append(b.prog.leaves, l)
	return b.intern(key, node{op: opLeaf, arg: uint32(len(b.prog.leaves) - 1)})
}

// operands are the values that equals and in test for.
func (l *leaf) operands() []policy.Value {
	switch {
	case l.op == policy.OpEquals || l.op == policy.OpIn && l.right.Kind != policy.Array:
		return []policy.Value{l.right}
	case l.op == policy.OpIn:
		return l.right.Items
	}
	return nil
}

// collect puts the texts that the leaf tests for into the dict.
func (l *leaf) collect(b *builder) {
	for _, v := range l.operands() {
		if v.Kind == policy.String {
			b.word(policy.FoldText(v.Str))
		} else {
			l.mixed = true
		}
	}
}

// setWords computes the set of words that satisfy equals or in.
func (l *leaf) setWords(d *dict) {
	if l.op != policy.OpEquals && l.op != policy.OpIn {
		return
	}
	l.words = make([]uint64, len(d.texts)/64+1)
	for id, text := range d.texts {
		if l.mixed {
			if t, _ := policy.Apply(l.op, policy.StringValue(text), l.right, *l.opt); t == policy.True {
				l.words[id>>6] |= 1 << (id & 63)
			}
		}
	}
	for _, v := range l.operands() {
		if v.Kind != policy.String {
			continue
		}
		if id, ok := d.find([]byte(policy.FoldText(v.Str))); ok {
			l.words[id>>6] |= 1 << (id & 63)
		}
	}
}

// foldLocations folds every text of an operand as a location.
func foldLocations(v policy.Value) policy.Value {
	switch v.Kind {
	case policy.String:
		return policy.StringValue(policy.FoldLocation(v.Str))
	case policy.Array:
		items := make([]policy.Value, len(v.Items))
		for i, item := range v.Items {
			items[i] = foldLocations(item)
		}
		return policy.ArrayValue(items...)
	}
	return v
}
