package policy

import (
	"slices"
	"strings"
)

// Walk calls f for every condition of a tree, parents first, wheres of counts
// included.
func Walk(c Condition, f func(Condition)) {
	if c == nil {
		return
	}
	f(c)
	switch c := c.(type) {
	case *AllOf:
		for _, child := range c.Of {
			Walk(child, f)
		}
	case *AnyOf:
		for _, child := range c.Of {
			Walk(child, f)
		}
	case *Not:
		Walk(c.Of, f)
	case *Leaf:
		if c.Count != nil {
			Walk(c.Count.Where, f)
		}
	}
}

// WalkExpr calls f for every node of an expression, parents first.
func WalkExpr(e Expr, f func(Expr)) {
	if e == nil {
		return
	}
	f(e)
	switch e := e.(type) {
	case *Call:
		walkAll(e.Args, f)
	case *MemberAccess:
		WalkExpr(e.X, f)
	case *IndexAccess:
		WalkExpr(e.X, f)
		WalkExpr(e.Index, f)
	case *FieldCall:
		WalkExpr(e.Field.Expr, f)
	case *CurrentCall:
		WalkExpr(e.Name, f)
	case *ArrayExpr:
		walkAll(e.Items, f)
	case *ObjectExpr:
		walkAll(e.Values, f)
	}
}

func walkAll(list []Expr, f func(Expr)) {
	for _, e := range list {
		WalkExpr(e, f)
	}
}

// Expressions calls f for every expression node of a condition tree: values,
// operands and names of fields.
func Expressions(c Condition, f func(Expr)) {
	Walk(c, func(c Condition) {
		l, ok := c.(*Leaf)
		if !ok {
			return
		}
		WalkExpr(l.Value, f)
		WalkExpr(l.Right, f)
		if l.Field != nil {
			WalkExpr(l.Field.Expr, f)
		}
		if l.Count != nil {
			WalkExpr(l.Count.Value, f)
			if l.Count.Field != nil {
				WalkExpr(l.Count.Field.Expr, f)
			}
		}
	})
}

// Fields calls f for every field that a condition tree refers to, those of
// field() included; those are marked, as they refer to the resource of the if
// wherever they stand.
func Fields(c Condition, f func(field *Field, call bool)) {
	Walk(c, func(c Condition) {
		l, ok := c.(*Leaf)
		if !ok {
			return
		}
		if l.Field != nil {
			f(l.Field, false)
		}
		if l.Count != nil && l.Count.Field != nil {
			f(l.Count.Field, false)
		}
	})
	Expressions(c, func(e Expr) {
		if call, ok := e.(*FieldCall); ok {
			f(call.Field, true)
		}
	})
}

// UnknownAliases are the names in the rule that no type has, sorted; a rule with
// one applies to nothing.
func (b *Bound) UnknownAliases(a *Aliases, opt Options) []string {
	return b.fieldsWith(func(f *Field) bool {
		return f.Kind == FieldPath && f.Direct && !opt.DirectPaths || f.Kind == FieldAlias && a != nil && a.Lookup(f.Text) == OriginUnknown
	})
}

// GuessedAliases are the names in the rule whose types no table knows, so that
// their paths are guessed, sorted.
func (b *Bound) GuessedAliases(a *Aliases) []string {
	return b.fieldsWith(func(f *Field) bool { return f.Kind == FieldAlias && a != nil && a.Lookup(f.Text) == OriginMechanical })
}

// fieldsWith are the texts of the fields of the if and the existenceCondition of
// which something is true.
func (b *Bound) fieldsWith(is func(*Field) bool) []string {
	var out []string
	note := func(f *Field, _ bool) {
		if is(f) {
			out = append(out, f.Text)
		}
	}
	Fields(b.If, note)
	if b.Details != nil {
		Fields(b.Details.ExistenceCondition, note)
	}
	slices.SortFunc(out, func(x, y string) int { return strings.Compare(folded(x), folded(y)) })
	return slices.CompactFunc(out, equalFold)
}

// usesIdentity reports whether a condition reads requestContext().identity.
func usesIdentity(c Condition) bool {
	found := false
	Expressions(c, func(e Expr) {
		m, ok := e.(*MemberAccess)
		if !ok || !equalFold(m.Name, "identity") {
			return
		}
		if call, ok := m.X.(*Call); ok && call.Name == "requestcontext" {
			found = true
		}
	})
	return found
}
