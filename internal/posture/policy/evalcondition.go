package policy

import "fmt"

// condition evaluates a node with everything below it: nothing is skipped, so
// that the trace is whole; the truths combine in any order.
func (r *run) condition(c Condition, s *scope) (Truth, *Trace) {
	t := &Trace{Path: c.At()}
	switch c := c.(type) {
	case *AllOf:
		t.Kind, t.Result = "allOf", True
		for _, child := range c.Of {
			truth, trace := r.condition(child, s)
			t.Result = t.Result.and(truth)
			t.Of = append(t.Of, trace)
		}
	case *AnyOf:
		t.Kind = "anyOf"
		for _, child := range c.Of {
			truth, trace := r.condition(child, s)
			t.Result = t.Result.or(truth)
			t.Of = append(t.Of, trace)
		}
	case *Not:
		truth, trace := r.condition(c.Of, s)
		t.Kind, t.Result, t.Of = "not", truth.not(), []*Trace{trace}
	case *Leaf:
		r.leaf(c, s, t)
	}
	return t.Result, t
}

// leaf evaluates the operand, then the side it has.
func (r *run) leaf(l *Leaf, s *scope, t *Trace) {
	t.Operator = l.Op.String()
	right, err := r.expr(l.Right, s)
	if err == nil && right.Kind == Missing {
		err = fmt.Errorf("the operand of %s selects nothing", l.Op)
	}
	if err != nil {
		t.fail(err)
		return
	}
	t.Wanted = right
	switch {
	case l.Field != nil:
		r.fieldLeaf(l, right, s, t)
	case l.Value != nil:
		r.valueLeaf(l, right, s, t)
	default:
		r.countLeaf(l, right, s, t)
	}
}

// fieldLeaf compares the selected value, or every selected member: a condition
// on [*] holds when it holds for all of them.
func (r *run) fieldLeaf(l *Leaf, right Value, s *scope, t *Trace) {
	t.Kind, t.Subject = "field", l.Field.Text
	f, err := r.resolve(l.Field, s)
	if err != nil {
		t.fail(err)
		return
	}
	sel := r.selectField(f, r.subject, s)
	t.Subject, t.Property, t.Origin = f.Text, sel.property, sel.origin
	t.Found = sel.found()
	if sel.array && sel.absent && r.Options.MissingArrayIsFalse {
		t.Result, t.Note = False, "the array is missing"
		return
	}
	place := f.Kind == FieldLocation && !r.Options.LocationAsText
	if place {
		right = foldLocations(right)
	}
	t.Result = True
	for _, v := range sel.values {
		if place {
			v = foldLocations(v)
		}
		t.combine(Apply(l.Op, v, right, r.Options))
	}
}

// found is the selection for the trace.
func (s selection) found() Value {
	if !s.array {
		return s.values[0]
	}
	return s.merged()
}

func foldLocations(v Value) Value {
	switch v.Kind {
	case String:
		return StringValue(FoldLocation(v.Str))
	case Array:
		items := make([]Value, len(v.Items))
		for i, item := range v.Items {
			items[i] = foldLocations(item)
		}
		return ArrayValue(items...)
	}
	return v
}

// valueLeaf compares a computed value; one that is undefined satisfies no
// operator at all.
func (r *run) valueLeaf(l *Leaf, right Value, s *scope, t *Trace) {
	t.Kind, t.Subject = "value", "value"
	v, err := r.expr(l.Value, s)
	if err != nil {
		t.fail(err)
		return
	}
	t.Found = v
	if v.Kind == Missing {
		t.Note = "the value is undefined"
		if r.Options.UndefinedIsError {
			t.Result = Failed
		}
		return
	}
	t.Result = True
	t.combine(Apply(l.Op, v, right, r.Options))
}
