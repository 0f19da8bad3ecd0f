package policy

import "fmt"

// expr replaces parameters() and computes what is constant. A constant call
// that fails is kept: it may stand in a branch that is never taken, and if it
// is taken, the evaluation reports the error.
func (b *binder) expr(e Expr) (Expr, error) {
	switch e := e.(type) {
	case *Call:
		return b.call(e)
	case *MemberAccess:
		x, err := b.expr(e.X)
		if err != nil {
			return nil, err
		}
		return foldAccess(&MemberAccess{X: x, Name: e.Name}, x), nil
	case *IndexAccess:
		return b.index(e)
	case *FieldCall:
		f, err := b.field(e.Field)
		if err != nil {
			return nil, err
		}
		return &FieldCall{Field: f}, nil
	case *CurrentCall:
		if e.Name == nil {
			return e, nil
		}
		name, err := b.expr(e.Name)
		return &CurrentCall{Name: name}, err
	case *ArrayExpr:
		items, err := b.exprs(e.Items)
		if err != nil {
			return nil, err
		}
		return foldArray(items), nil
	case *ObjectExpr:
		values, err := b.exprs(e.Values)
		if err != nil {
			return nil, err
		}
		return foldObject(&ObjectExpr{Keys: e.Keys, Values: values}), nil
	}
	return e, nil
}

func (b *binder) exprs(list []Expr) ([]Expr, error) {
	out := make([]Expr, len(list))
	for i, e := range list {
		bound, err := b.expr(e)
		if err != nil {
			return nil, err
		}
		out[i] = bound
	}
	return out, nil
}

func (b *binder) call(c *Call) (Expr, error) {
	args, err := b.exprs(c.Args)
	if err != nil {
		return nil, err
	}
	switch c.Name {
	case "parameters":
		return b.parameter(args[0])
	case "if":
		if cond, ok := Constant(args[0]); ok && cond.Kind == Bool {
			if cond.Bool {
				return args[1], nil
			}
			return args[2], nil
		}
	}
	out := &Call{Name: c.Name, Args: args}
	values := make([]Value, len(args))
	for i, a := range args {
		v, ok := Constant(a)
		if !ok {
			return out, nil
		}
		values[i] = v
	}
	if _, pure := functions[c.Name]; !pure {
		return out, nil
	}
	v, err := Invoke(c.Name, values, b.opt)
	if err != nil {
		return out, nil //nolint:nilerr // reported when it is evaluated, see expr
	}
	return &Literal{v}, nil
}

func (b *binder) parameter(name Expr) (Expr, error) {
	v, ok := Constant(name)
	if !ok || v.Kind != String {
		return nil, fmt.Errorf("parameters() takes the constant name of a parameter")
	}
	value, ok := b.values[folded(v.Str)]
	if !ok && b.opt.UnboundParameters && (len(b.declared) == 0 || findParameter(b.declared, v.Str) != nil) {
		return &Call{Name: "parameters", Args: []Expr{name}}, nil
	}
	if !ok {
		return nil, fmt.Errorf("there is no parameter %q", clip(v.Str))
	}
	return &Literal{value}, nil
}

func (b *binder) index(e *IndexAccess) (Expr, error) {
	x, err := b.expr(e.X)
	if err != nil {
		return nil, err
	}
	i, err := b.expr(e.Index)
	if err != nil {
		return nil, err
	}
	return foldAccess(&IndexAccess{X: x, Index: i}, x, i), nil
}

// foldAccess computes an access whose parts are constant.
func foldAccess(e Expr, parts ...Expr) Expr {
	values := make([]Value, len(parts))
	for i, p := range parts {
		v, ok := Constant(p)
		if !ok {
			return e
		}
		values[i] = v
	}
	var v Value
	var err error
	if m, ok := e.(*MemberAccess); ok {
		v, err = member(values[0], m.Name)
	} else {
		v, err = indexed(values[0], values[1])
	}
	if err != nil {
		return e
	}
	return &Literal{v}
}
