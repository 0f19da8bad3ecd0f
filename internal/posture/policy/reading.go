package policy

import (
	"hash/fnv"
	"slices"
	"strings"
)

// FieldRead is a field whose value decides a rule's verdict. What only tells
// one resource from another (name, id, type, API version) is none.
type FieldRead struct {
	Field *Field
	// Deep is set when the rule looks into arrays and objects at the field;
	// else only their presence decides.
	Deep bool
	// Counted is set when the rule counts the members of the field's arrays:
	// what lies in them does not matter.
	Counted bool
	// Related is set for a field of the related resource of an *IfNotExists rule.
	Related bool
}

// FieldReads lists the fields that a rule reads, each once.
func (b *Bound) FieldReads() []FieldRead {
	var c readCollector
	c.condition(b.If, false, false)
	if d := b.Details; d != nil {
		c.condition(d.ExistenceCondition, true, false)
		c.condition(b.ApplicableWhen, true, true)
		for _, e := range []Expr{d.Name, d.Kind, d.ResourceGroupName} {
			c.expression(e, false)
		}
	}
	return c.all
}

type readCollector struct{ all []FieldRead }

// condition adds what a tree reads. related says whose fields it names, calls
// whose field() reads.
func (c *readCollector) condition(tree Condition, related, calls bool) {
	Walk(tree, func(node Condition) {
		l, ok := node.(*Leaf)
		if !ok {
			return
		}
		if l.Field != nil {
			c.add(FieldRead{Field: l.Field, Deep: looksInside(l), Related: related})
		}
		if l.Count != nil && l.Count.Field != nil {
			c.add(FieldRead{Field: l.Count.Field, Counted: true, Related: related})
		}
		if call, ok := l.Value.(*FieldCall); ok && l.Count == nil {
			c.add(FieldRead{Field: call.Field, Deep: looksInside(l), Related: calls})
			c.expression(l.Right, calls)
		}
	})
	Expressions(tree, func(e Expr) {
		if call, ok := e.(*FieldCall); ok && !c.sole(tree, call) {
			c.add(FieldRead{Field: call.Field, Deep: true, Related: calls})
		}
	})
}

// sole reports whether a call is the whole left side of a leaf, which condition
// has added.
func (c *readCollector) sole(tree Condition, call *FieldCall) bool {
	found := false
	Walk(tree, func(node Condition) {
		l, ok := node.(*Leaf)
		found = found || ok && l.Value == Expr(call) && l.Count == nil
	})
	return found
}

func (c *readCollector) expression(e Expr, related bool) {
	WalkExpr(e, func(e Expr) {
		if call, ok := e.(*FieldCall); ok {
			c.add(FieldRead{Field: call.Field, Deep: true, Related: related})
		}
	})
}

func (c *readCollector) add(r FieldRead) {
	switch r.Field.Kind {
	case FieldName, FieldFullName, FieldType, FieldID, FieldAPIVersion:
		return
	case FieldDynamic:
		r.Deep = true
	}
	i := slices.IndexFunc(c.all, func(o FieldRead) bool {
		return o.Related == r.Related && o.Counted == r.Counted && equalFold(o.Field.Text, r.Field.Text)
	})
	if i < 0 {
		c.all = append(c.all, r)
		return
	}
	c.all[i].Deep = c.all[i].Deep || r.Deep
}

// looksInside reports whether a leaf compares what an array or object holds.
func looksInside(l *Leaf) bool {
	base, _ := l.Op.Negated()
	right, constant := Constant(l.Right)
	inside := func(v Value) bool { return v.Kind == Array || v.Kind == Object }
	switch {
	case !constant, base == OpContains, base == OpContainsKey:
		return true
	case base == OpIn:
		return slices.ContainsFunc(right.Items, inside)
	}
	return inside(right)
}

// PathIn is where the field lies in documents of a type, nil if nowhere. A
// field that is only known at evaluation may lie anywhere: the empty path. The
// path of a counted field ends in its last [*].
func (r FieldRead) PathIn(a *Aliases, resourceType, apiVersion string, opt Options) Path {
	path := r.fieldPath(a, resourceType, apiVersion, opt)
	for r.Counted && len(path) > 0 && path.Wildcards() > 0 && !path[len(path)-1].Wildcard {
		path = path[:len(path)-1]
	}
	return path
}

func (r FieldRead) fieldPath(a *Aliases, resourceType, apiVersion string, opt Options) Path {
	f := r.Field
	switch f.Kind {
	case FieldDynamic:
		return Path{}
	case FieldLocation:
		return Path{{Name: "location"}}
	case FieldKindOf:
		return Path{{Name: "kind"}}
	case FieldTags:
		return Path{{Name: "tags"}}
	case FieldTag:
		return Path{{Name: "tags"}, {Name: f.Tag}}
	case FieldPath:
		if f.Direct && !opt.DirectPaths {
			return nil
		}
		return f.Path
	}
	if a == nil {
		path, _ := ParsePath(f.Text) // nil if it is none
		return path
	}
	path, _ := a.Path(resourceType, f.Text, apiVersion)
	return path
}

// ValuesAt are what a path selects in a value: one without [*], any number with,
// none if an array on the way is missing.
func ValuesAt(p Path, v Value) []Value {
	var s selection
	s.walk(v, p, 0, noPins)
	return s.values
}

// Reading is what a rule found in one place: the values at a path of the
// resource, or of a related one.
type Reading struct {
	Resource string // folded id of the related resource, "" for the resource itself
	Path     string
	Deep     bool
	Values   []Value
}

// Key names the place: the same for the same place in every process.
func (r *Reading) Key() uint64 {
	h := fnv.New64a()
	h.Write([]byte(r.Resource))
	h.Write([]byte{0})
	h.Write([]byte(r.Path))
	return h.Sum64()
}

// Known reports whether the source delivered all of it.
func (r *Reading) Known() bool {
	return !slices.ContainsFunc(r.Values, func(v Value) bool { return v.Kind == Unavailable })
}

// Print is the same for values that the language calls equal (texts without
// case, keys in any order), and another for others but for one pair in four
// billions. It is never 0.
func (r *Reading) Print() uint32 {
	h := fnv.New32a()
	buf := make([]byte, 0, 64)
	for _, v := range r.Values {
		if v.Kind == String && r.Path == "location" {
			v.Str = FoldLocation(v.Str)
		}
		buf = appendPrint(buf[:0], v, r.Deep)
		h.Write(buf)
	}
	return max(h.Sum32(), 1)
}

func appendPrint(b []byte, v Value, deep bool) []byte {
	switch v.Kind {
	case String:
		b = append(append(b, 's'), FoldText(v.Str)...)
	case Array, Object:
		b = append(b, byte('0'+v.Kind))
		if deep {
			b = appendInside(b, v)
		}
	default:
		b = append(v.AppendJSON(append(b, byte('0'+v.Kind))), 0)
	}
	return append(b, 0)
}

func appendInside(b []byte, v Value) []byte {
	for _, item := range v.Items {
		b = appendPrint(b, item, true)
	}
	fields := slices.Clone(v.Fields)
	slices.SortFunc(fields, func(x, y Member) int { return strings.Compare(folded(x.Key), folded(y.Key)) })
	for _, m := range fields {
		b = appendPrint(append(append(b, folded(m.Key)...), 0), m.Value, true)
	}
	return b
}

// Text shows the values to people, at most max bytes.
func (r *Reading) Text(limit int) string {
	if len(r.Values) == 0 {
		return "missing"
	}
	parts := make([]string, len(r.Values))
	for i, v := range r.Values {
		switch {
		case v.IsNothing():
			parts[i] = "missing"
		case (v.Kind == Array || v.Kind == Object) && !r.Deep:
			parts[i] = v.Kind.String()
		case v.Kind == String:
			parts[i] = v.Str
		default:
			parts[i] = v.String()
		}
	}
	text := strings.Join(parts, ", ")
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit], "") + "..."
	}
	return strings.Clone(text)
}

// Read calls visit for every place that a rule reads of a resource and, for an
// *IfNotExists rule, of the related resources below or attached to it: what is
// looked for in a whole group or subscription is not the resource's own. The
// reading is valid during the call.
func (e *Evaluator) Read(b *Bound, r *Resource, env Environment, visit func(*Reading)) error {
	e.read(b, r, false, &Reading{}, visit)
	if b.Details == nil || b.Details.Reach(r.Type) >= ReachGroup || e.Estate == nil {
		return nil
	}
	q, open, err := e.Lookup(b, r, env)
	if err != nil || open != "" {
		return err
	}
	related, err := e.Estate.Related(q)
	if err != nil {
		return err
	}
	for _, other := range related {
		e.read(b, other, true, &Reading{Resource: folded(other.idText())}, visit)
	}
	return nil
}

func (e *Evaluator) read(b *Bound, r *Resource, related bool, out *Reading, visit func(*Reading)) {
	for _, f := range b.FieldReads() {
		path := f.PathIn(e.Aliases, r.Type, r.APIVersion, e.Options)
		if f.Related != related || path == nil {
			continue
		}
		out.Path, out.Deep, out.Values = path.String(), f.Deep, r.selectPath(path, noPins).values
		visit(out)
	}
}
