package policy

import (
	"fmt"
)

// newestAPIVersion stands for the newest version of every type: in a
// compliance scan requestContext().apiVersion is that, and rules only ask
// whether it is at least some version.
const newestAPIVersion = "2099-12-31"

// expr evaluates an expression. Missing is a possible result: see member and
// indexed.
func (r *run) expr(e Expr, s *scope) (Value, error) {
	switch e := e.(type) {
	case *Literal:
		return e.Value, nil
	case *Call:
		return r.call(e, s)
	case *MemberAccess:
		x, err := r.expr(e.X, s)
		if err != nil {
			return Value{}, err
		}
		return member(x, e.Name)
	case *IndexAccess:
		x, err := r.expr(e.X, s)
		if err != nil {
			return Value{}, err
		}
		i, err := r.expr(e.Index, s)
		if err != nil {
			return Value{}, err
		}
		return indexed(x, i)
	case *FieldCall:
		return r.fieldCall(e, s)
	case *CurrentCall:
		return r.currentCall(e, s)
	case *ArrayExpr:
		items, err := r.exprs(e.Items, s)
		return ArrayValue(items...), err
	case *ObjectExpr:
		values, err := r.exprs(e.Values, s)
		members := make([]Member, len(values))
		for i, v := range values {
			members[i] = Member{e.Keys[i], v}
		}
		return ObjectValue(members...), err
	}
	return Value{}, fmt.Errorf("expression %T is not known", e)
}

func (r *run) exprs(list []Expr, s *scope) ([]Value, error) {
	out := make([]Value, len(list))
	for i, e := range list {
		v, err := r.expr(e, s)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

func (r *run) call(c *Call, s *scope) (Value, error) {
	if c.Name == "if" {
		return r.choose(c, s)
	}
	args, err := r.exprs(c.Args, s)
	if err != nil {
		return Value{}, err
	}
	switch c.Name {
	case "parameters":
		return Value{}, fmt.Errorf("the parameter %s has no value", show(args[0]))
	case "resourcegroup":
		return r.group(), nil
	case "subscription":
		return r.subscription(), nil
	case "policy":
		return r.policy(), nil
	case "requestcontext":
		return r.request(), nil
	case "utcnow":
		return r.utcNow(args)
	}
	return Invoke(c.Name, args, r.Options)
}

// choose evaluates only the branch that is taken.
func (r *run) choose(c *Call, s *scope) (Value, error) {
	cond, err := r.expr(c.Args[0], s)
	if err != nil {
		return Value{}, err
	}
	switch cond.Kind {
	case Unavailable, Missing:
		return cond, nil
	case Bool:
		if cond.Bool {
			return r.expr(c.Args[1], s)
		}
		return r.expr(c.Args[2], s)
	}
	return Value{}, fmt.Errorf("if(): the condition must be a boolean, not %s", cond.Kind)
}

// fieldCall reads the resource of the if, also inside an existenceCondition.
func (r *run) fieldCall(c *FieldCall, s *scope) (Value, error) {
	f, err := r.resolve(c.Field, s)
	if err != nil {
		return Value{}, err
	}
	return r.selectField(f, r.root, s).merged(), nil
}

func (r *run) currentCall(c *CurrentCall, s *scope) (Value, error) {
	if s == nil {
		return Value{}, fmt.Errorf("current() has no meaning outside a count")
	}
	if c.Name == nil {
		return s.current(), nil
	}
	name, err := r.expr(c.Name, s)
	if err != nil || name.Kind != String {
		return Value{}, fmt.Errorf("current() takes a name")
	}
	found := s.named(name.Str)
	switch {
	case found == nil:
		return Value{}, fmt.Errorf("no count is named %q", clip(name.Str))
	case found.resource == nil:
		return found.value, nil
	case len(name.Str) == len(found.field):
		return found.current(), nil
	}
	return r.currentField(name.Str, found)
}

// currentField reads an alias below the counted one for the current member,
// without the array around it that field() would give.
func (r *run) currentField(name string, s *scope) (Value, error) {
	f, err := ParseField(name)
	if err != nil {
		return Value{}, err
	}
	sel := r.selectField(f, s.resource, s)
	if sel.array && f.wildcards() > s.array.Wildcards() {
		return sel.merged(), nil
	}
	if len(sel.values) == 0 {
		return Value{}, nil
	}
	return sel.values[0], nil
}

func (r *run) utcNow(args []Value) (Value, error) {
	if len(args) == 0 {
		return StringValue(r.Now.UTC().Format(utcNowLayout)), nil
	}
	if args[0].Kind != String {
		return Value{}, fmt.Errorf("utcNow(): the format must be a string, not %s", args[0].Kind)
	}
	return StringValue(formatCustom(r.Now.UTC(), args[0].Str)), nil
}
