package engine

import (
	"fmt"
	"strings"

	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// expression computes a value from the machine's row. An error makes the
// condition fail.
type expression func(m *machine) (policy.Value, error)

// computed is a condition with a computed side. Exactly one of left and cells
// is set; right is the operand.
type computed struct {
	left   expression
	cells  *spot // a field that is compared with a computed operand
	right  expression
	op     policy.Operator
	spots  []*spot // all that it reads
	inner  bool    // it depends on a count's current member
	reason uint32
}

// compare evaluates a computed condition.
func (m *machine) compare(c *computed) policy.Truth {
	opt := &m.prog.opt
	right, err := c.right(m)
	if err != nil || right.Kind == policy.Missing {
		return policy.Failed
	}
	if c.cells != nil {
		return m.field(c, right)
	}
	left, err := c.left(m)
	switch {
	case err != nil:
		return policy.Failed
	case left.Kind == policy.Missing && opt.UndefinedIsError:
		return policy.Failed
	case left.Kind == policy.Missing:
		return policy.False
	}
	t, _ := policy.Apply(c.op, left, right, *opt) // the error is in the truth
	return t
}

// field compares every value that a field selects with a computed operand.
func (m *machine) field(c *computed, right policy.Value) policy.Truth {
	opt := &m.prog.opt
	out := policy.True
	m.selected(c.cells, func(v policy.Value, absent bool) {
		switch {
		case absent && opt.MissingArrayIsFalse:
			out = policy.False
			return
		case absent:
			return
		}
		t, _ := policy.Apply(c.op, v, right, *opt)
		if out == policy.False || t == policy.False {
			out = policy.False
			return
		}
		out = max(out, t)
	})
	return out
}

// selected calls f for every value at a spot; absent says that an array on the
// way is missing.
func (m *machine) selected(s *spot, f func(v policy.Value, absent bool)) {
	m.selectFrom(s, m.bases[s.scope], s.hops, f)
}

func (m *machine) selectFrom(s *spot, base uint32, hops []hop, f func(policy.Value, bool)) {
	if len(hops) == 0 {
		f(m.full(m.row.at(base+s.cell), s.path), false)
		return
	}
	c := m.row.at(base + hops[0].cell)
	switch {
	case c.tag() == tagBlock:
	case c.tag() == tagUnavailable || len(m.hidden) > 0 && m.conceals(s.path):
		f(policy.UnavailableValue(s.path.String()), false)
		return
	default:
		f(policy.Value{}, true)
		return
	}
	n, at := m.row.block(c)
	for range n {
		m.selectFrom(s, at, hops[1:], f)
		at += hops[0].width
	}
}

// full is the value of a cell that keeps everything.
func (m *machine) full(c cell, path policy.Path) policy.Value {
	v := m.value(c)
	if composite(v) {
		return m.whole(path, c, v)
	}
	return v
}

// compute compiles a leaf with computed sides; ok is false if an expression
// has a part that only the tree walker knows.
func (b *builder) compute(l *policy.Leaf) (n uint32, ok bool) {
	c := &computed{op: l.Op}
	x := &expressions{b: b, c: c}
	if c.right, ok = x.expr(l.Right); !ok {
		return 0, false
	}
	switch {
	case l.Value != nil:
		if c.left, ok = x.expr(l.Value); !ok {
			return 0, false
		}
	case l.Field != nil:
		if c.cells, ok = x.cells(l.Field); !ok || l.Field.Kind == policy.FieldLocation {
			return 0, false
		}
	default:
		return 0, false
	}
	if !x.reads {
		t := (&machine{prog: b.prog}).compare(c)
		return b.constant(t), true
	}
	c.reason = b.env.reasons.code(b.describe(l))
	b.prog.computed = append(b.prog.computed, c)
	return b.intern(fmt.Sprintf("computed %p %v", l, b.bound()), node{op: opComputed, arg: uint32(len(b.prog.computed) - 1)}), true
}

// bound tells apart the compilations of one condition for different members of
// constant lists and in different counts.
func (b *builder) bound() string {
	var out strings.Builder
	for _, c := range b.open {
		fmt.Fprintf(&out, "%s=%s;", c.field+c.name, c.value)
	}
	return out.String()
}

// expressions compiles the expressions of one condition.
type expressions struct {
	b     *builder
	c     *computed
	reads bool // something of the resource or of a count
}

// expr compiles an expression; ok is false if only the tree walker can
// evaluate it.
func (x *expressions) expr(e policy.Expr) (f expression, ok bool) {
	switch e := e.(type) {
	case *policy.Literal:
		v := e.Value
		return func(*machine) (policy.Value, error) { return v, nil }, true
	case *policy.Call:
		return x.call(e)
	case *policy.FieldCall:
		return x.fieldCall(e.Field)
	case *policy.CurrentCall:
		return x.current(e)
	case *policy.MemberAccess:
		return x.index(e.X, &policy.Literal{Value: policy.StringValue(e.Name)})
	case *policy.IndexAccess:
		return x.index(e.X, e.Index)
	}
	return nil, false
}

func (x *expressions) index(of, at policy.Expr) (expression, bool) {
	ofF, ok := x.expr(of)
	atF, okAt := x.expr(at)
	return func(m *machine) (policy.Value, error) {
		v, err := ofF(m)
		if err != nil {
			return v, err
		}
		i, err := atF(m)
		if err != nil {
			return i, err
		}
		return v.Index(i)
	}, ok && okAt
}

// impure are calls that look at more than their arguments and the row.
var impure = map[string]bool{
	"resourcegroup": true, "subscription": true, "utcnow": true, "policy": true, "parameters": true, "field": true, "current": true,
}

func (x *expressions) call(c *policy.Call) (expression, bool) {
	if c.Name == "requestcontext" {
		v := policy.NewestRequest()
		return func(*machine) (policy.Value, error) { return v, nil }, true
	}
	if impure[c.Name] {
		return nil, false
	}
	args := make([]expression, len(c.Args))
	for i, a := range c.Args {
		var ok bool
		if args[i], ok = x.expr(a); !ok {
			return nil, false
		}
	}
	if c.Name == "if" {
		return choose(args), true
	}
	name := c.Name
	return func(m *machine) (policy.Value, error) {
		values := make([]policy.Value, len(args))
		for i, a := range args {
			var err error
			if values[i], err = a(m); err != nil {
				return policy.Value{}, err
			}
		}
		return policy.Invoke(name, values, m.prog.opt)
	}, true
}

// choose evaluates only the branch that is taken.
func choose(args []expression) expression {
	return func(m *machine) (policy.Value, error) {
		cond, err := args[0](m)
		switch {
		case err != nil:
			return cond, err
		case cond.Kind == policy.Unavailable || cond.Kind == policy.Missing:
			return cond, nil
		case cond.Kind != policy.Bool:
			return policy.Value{}, fmt.Errorf("if(): the condition must be a boolean, not %s", cond.Kind)
		case cond.Bool:
			return args[1](m)
		}
		return args[2](m)
	}
}

// cells finds a field and keeps all that it may select.
func (x *expressions) cells(f *policy.Field) (*spot, bool) {
	x.reads = true
	if f.Kind == policy.FieldType || f.Kind == policy.FieldDynamic {
		return nil, false
	}
	if f.Kind == policy.FieldLocation {
		at := spot{path: member("location")}
		at.steps = x.b.steps(at.path, keepText|keepRaw)
		x.note(&at)
		return &at, true
	}
	at, found := x.b.spot(f, keepText|keepRaw)
	if !found || at.slow {
		return nil, false
	}
	x.note(&at)
	return &at, true
}

func (x *expressions) note(at *spot) {
	x.c.inner = x.c.inner || at.scope > 0
	x.c.spots = append(x.c.spots, at)
}

// fieldCall is field(): one value, "" if it is missing, or an array of what is
// there.
func (x *expressions) fieldCall(f *policy.Field) (expression, bool) {
	if x.b.related {
		return nil, false // of the resource of the if
	}
	if f.Kind >= policy.FieldPath && f.Kind != policy.FieldDynamic && x.b.path(f) == nil {
		nothing := policy.StringValue("") // resources of the type do not have it
		if f.IsArray() {
			nothing = policy.ArrayValue()
		}
		return func(*machine) (policy.Value, error) { return nothing, nil }, true
	}
	at, ok := x.cells(f)
	if !ok {
		return nil, false
	}
	if at.path.Wildcards() == 0 {
		return func(m *machine) (policy.Value, error) {
			v := m.full(m.row.at(m.bases[at.scope]+at.cell), at.path)
			if v.Kind == policy.Missing {
				return policy.StringValue(""), nil
			}
			return v, nil
		}, true
	}
	return func(m *machine) (policy.Value, error) {
		items := []policy.Value{}
		m.selected(at, func(v policy.Value, absent bool) {
			if !absent && v.Kind != policy.Missing {
				items = append(items, v)
			}
		})
		return policy.ArrayValue(items...), nil
	}, true
}

// current is current(): a member of a constant list, or the current member of
// a counted array, or a property of it.
func (x *expressions) current(e *policy.CurrentCall) (expression, bool) {
	x.reads = true
	x.c.inner = true
	found, rest := x.b.named(e)
	if found == nil {
		return nil, false
	}
	if found.path == nil {
		v := found.value
		return func(*machine) (policy.Value, error) { return v, nil }, true
	}
	path := found.path
	if rest != "" {
		f, err := policy.ParseField(rest)
		if err != nil {
			return nil, false
		}
		path = x.b.path(f)
	}
	if !path.HasPrefix(found.path) || path.Wildcards() != found.path.Wildcards() {
		return nil, false
	}
	at := &spot{path: path, steps: x.b.steps(path, keepText|keepRaw)}
	if len(at.hops) > 0 || at.scope != found.scope {
		return nil, false // an inner count stands at another member
	}
	x.note(at)
	return func(m *machine) (policy.Value, error) {
		return m.full(m.row.at(m.bases[at.scope]+at.cell), at.path), nil
	}, true
}

// openCount is a count around the condition that is being compiled: over a
// constant list (name, value) or over a field (field, path, scope).
type openCount struct {
	name  string
	value policy.Value
	field string
	path  policy.Path // nil for a list
	scope uint8
}

// named finds the count that current() refers to, the innermost first; rest is
// the alias if it names a property of the member.
func (b *builder) named(e *policy.CurrentCall) (c *openCount, rest string) {
	if e.Name == nil {
		if len(b.open) == 0 {
			return nil, ""
		}
		return &b.open[len(b.open)-1], ""
	}
	name, ok := policy.Constant(e.Name)
	if !ok || name.Kind != policy.String {
		return nil, ""
	}
	for i := len(b.open) - 1; i >= 0; i-- {
		c := &b.open[i]
		if c.path == nil {
			if c.name != "" && strings.EqualFold(c.name, name.Str) {
				return c, ""
			}
			continue
		}
		if len(name.Str) >= len(c.field) && strings.EqualFold(name.Str[:len(c.field)], c.field) {
			if len(name.Str) == len(c.field) {
				return c, ""
			}
			return c, name.Str
		}
	}
	return nil, ""
}
