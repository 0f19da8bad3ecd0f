package engine

import (
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// rule is one bound definition. Assignments that bind a definition to the same
// parameter values share it, unless it asks by whom it is assigned.
type rule struct {
	bound *policy.Bound
	env   policy.Environment
	// applies is the part of the if that decides applicability.
	applies policy.Condition
	// never is why the definition applies to nothing; "" if it may.
	never string
	reads reads
}

func newRule(e *policy.Evaluator, b *policy.Bound, env policy.Environment) *rule {
	r := &rule{bound: b, env: env, applies: policy.Applicability(b.If), never: e.Inapplicable(b)}
	r.reads = readsOf(b.If)
	r.reads.parent = false // field() in the if is the resource itself
	return r
}

// exists reports whether the rule looks for related resources.
func (r *rule) exists() bool { return r.bound.Details != nil }

func valueCounts(c policy.Condition) int {
	n := 0
	policy.Walk(c, func(c policy.Condition) {
		if l, ok := c.(*policy.Leaf); ok && l.Count != nil && l.Count.Value != nil {
			n++
		}
	})
	return n
}

// asksAssignment reports whether a definition calls policy().
func asksAssignment(b *policy.Bound) bool {
	found := false
	look := func(e policy.Expr) {
		if c, ok := e.(*policy.Call); ok && c.Name == "policy" {
			found = true
		}
	}
	policy.Expressions(b.If, look)
	policy.Expressions(b.ApplicableWhen, look)
	if d := b.Details; d != nil {
		policy.Expressions(d.ExistenceCondition, look)
		for _, e := range []policy.Expr{d.Name, d.Kind, d.ResourceGroupName} {
			policy.WalkExpr(e, look)
		}
	}
	return found
}

// onType is the truth of a condition as far as the resource's type decides it;
// Open if more is needed.
func onType(c policy.Condition, typ string, opt policy.Options) policy.Truth {
	switch c := c.(type) {
	case *policy.AllOf:
		t := policy.True
		for _, child := range c.Of {
			next := onType(child, typ, opt)
			if next == policy.False {
				return next
			}
			t = max(t, next)
		}
		return t
	case *policy.AnyOf:
		t := policy.False
		for _, child := range c.Of {
			next := onType(child, typ, opt)
			if next == policy.True {
				return next
			}
			t = max(t, next)
		}
		return t
	case *policy.Not:
		return not(onType(c.Of, typ, opt))
	case *policy.Leaf:
		return typeLeaf(c, typ, opt)
	}
	return policy.True
}

func typeLeaf(l *policy.Leaf, typ string, opt policy.Options) policy.Truth {
	right, ok := policy.Constant(l.Right)
	if op, _ := l.Op.Negated(); !ok || l.Field == nil || l.Field.Kind != policy.FieldType || op == policy.OpMatch {
		return policy.Open
	}
	t, err := policy.Apply(l.Op, policy.StringValue(typ), right, opt)
	if err != nil {
		return policy.Open
	}
	return t
}

// watch is what an *IfNotExists rule asks of each resource of its related
// type.
type watch struct {
	rule *rule
	typ  string // folded
	// name and kind, folded, select resources; "" selects all.
	name, kind string
	// dynamic is set when the selection or the condition depends on the resource
	// of the if, so that it has no answer by itself.
	dynamic bool
	index   int // among the watches on the type
}

func newWatch(r *rule) *watch {
	d := r.bound.Details
	w := &watch{rule: r, typ: arm.Fold(d.Type)}
	name, okName := text(d.Name)
	kind, okKind := text(d.Kind)
	w.name, w.kind = arm.Fold(name), arm.Fold(kind)
	w.dynamic = !okName || !okKind || readsOf(d.ExistenceCondition).parent
	return w
}

// text is an optional constant text; ok is false if it depends on a resource.
func text(e policy.Expr) (string, bool) {
	if e == nil {
		return "", true
	}
	v, ok := policy.Constant(e)
	return v.Str, ok && v.Kind == policy.String
}
