package policy

// Unmodifiable are the aliases that a modify definition would write although
// the table says that they cannot be. It is nil for other effects and without
// a table.
func (b *Bound) Unmodifiable(a *Aliases) []string {
	if a == nil || b.Effect != "modify" {
		return nil
	}
	var out []string
	for _, op := range operations(b.Then) {
		name, ok := Constant(op)
		if ok && name.Kind == String && !a.Modifiable(name.Str) {
			out = append(out, name.Str)
		}
	}
	return out
}

// operations are the fields of details.operations.
func operations(then Expr) []Expr {
	var out []Expr
	for _, op := range elements(property(then, "operations")) {
		if f := property(op, "field"); f != nil {
			out = append(out, f)
		}
	}
	return out
}

// property is a member of an object that may hold expressions, nil if absent.
func property(e Expr, name string) Expr {
	switch e := e.(type) {
	case *ObjectExpr:
		for i, key := range e.Keys {
			if equalFold(key, name) {
				return e.Values[i]
			}
		}
	case *Literal:
		if v := e.Value.Get(name); v.Kind != Missing {
			return &Literal{v}
		}
	}
	return nil
}

// elements are the items of an array that may hold expressions.
func elements(e Expr) []Expr {
	switch e := e.(type) {
	case *ArrayExpr:
		return e.Items
	case *Literal:
		out := make([]Expr, len(e.Value.Items))
		for i, v := range e.Value.Items {
			out[i] = &Literal{v}
		}
		return out
	}
	return nil
}
