package template

import (
	"strings"

	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// templateOptions: in templates equals() compares texts with case.
var templateOptions = policy.Options{ExactEqualsFunction: true}

// expr evaluates an expression; whatever cannot be computed is unavailable.
func (s *scope) expr(e policy.Expr) policy.Value {
	if *s.steps++; *s.steps > maxSteps {
		return unknown("the template is too large to evaluate")
	}
	switch e := e.(type) {
	case *policy.Literal:
		return e.Value
	case *policy.MemberAccess:
		return access(s.expr(e.X), policy.StringValue(e.Name))
	case *policy.IndexAccess:
		return access(s.expr(e.X), s.expr(e.Index))
	case *policy.Call:
		return s.call(e)
	}
	return unknown("an expression of a kind that templates do not have")
}

func access(x, i policy.Value) policy.Value {
	v, err := x.Index(i)
	switch {
	case err != nil:
		return unknown("%v", err)
	case v.Kind == policy.Missing:
		return unknown("%s has no member %s", x.Kind, i)
	}
	return v
}

func (s *scope) call(c *policy.Call) policy.Value {
	if c.Name == "if" && len(c.Args) == 3 {
		return s.choose(c)
	}
	args := make([]policy.Value, len(c.Args))
	for i, a := range c.Args {
		args[i] = s.expr(a)
	}
	if v, ok := s.root(c.Name, args); ok {
		return v
	}
	if f, ok := s.functions[c.Name]; ok {
		return s.user(c.Name, f, args)
	}
	if !policy.IsFunction(c.Name, len(args)) {
		return unknown("%s() is known after deployment only", c.Name)
	}
	v, err := policy.Invoke(c.Name, args, templateOptions)
	if err != nil {
		return unknown("%v", err)
	}
	return v
}

func (s *scope) choose(c *policy.Call) policy.Value {
	cond := s.expr(c.Args[0])
	switch {
	case cond.Kind == policy.Unavailable:
		return cond
	case cond.Kind != policy.Bool:
		return unknown("the condition of if() is no boolean")
	case cond.Bool:
		return s.expr(c.Args[1])
	}
	return s.expr(c.Args[2])
}

// user calls a user-defined function: it sees its parameters and the other
// functions, nothing else.
func (s *scope) user(name string, f function, args []policy.Value) policy.Value {
	if len(args) != len(f.parameters) || s.depth >= maxNesting {
		return unknown("%s() cannot be called", name)
	}
	inner := &scope{
		place: s.place, parameters: map[string]policy.Value{}, variables: map[string]policy.Value{}, copies: map[string]policy.Value{},
		done: map[string]policy.Value{}, busy: map[string]bool{}, functions: s.functions, steps: s.steps, depth: s.depth + 1,
	}
	for i, p := range f.parameters {
		inner.parameters[p] = args[i]
	}
	return inner.value(f.output)
}

// root evaluates the functions that look at the deployment.
func (s *scope) root(name string, args []policy.Value) (policy.Value, bool) {
	switch name {
	case "parameters", "variables":
		return s.named(name, args), true
	case "copyindex":
		return s.copyIndex(args), true
	case "resourceid":
		return s.resourceID(args), true
	case "subscriptionresourceid":
		return idOf("/subscriptions/"+s.place.subscription, args), true
	case "tenantresourceid":
		return idOf("", args), true
	case "extensionresourceid":
		if len(args) > 1 && args[0].Kind == policy.String {
			return idOf(args[0].Str, args[1:]), true
		}
	case "resourcegroup":
		return policy.ObjectValue(text("id", s.place.id()), text("name", s.place.group),
			member("location", unknown("the location of the resource group is not in the template")),
			member("tags", unknown("the tags of the resource group are not in the template"))), true
	case "subscription":
		return policy.ObjectValue(text("id", "/subscriptions/"+s.place.subscription), text("subscriptionId", s.place.subscription),
			member("tenantId", unknown("the tenant is not in the template")),
			member("displayName", unknown("the name of the subscription is not in the template"))), true
	}
	return policy.Value{}, false
}

func text(key, value string) policy.Member { return member(key, policy.StringValue(value)) }

func member(key string, v policy.Value) policy.Member { return policy.Member{Key: key, Value: v} }

func (s *scope) named(kind string, args []policy.Value) policy.Value {
	if len(args) != 1 || args[0].Kind != policy.String {
		return unknown("%s() takes a name", kind)
	}
	if kind == "variables" {
		return s.variable(args[0].Str)
	}
	v, ok := s.parameters[strings.ToLower(args[0].Str)]
	if !ok {
		return unknown("there is no parameter %s", args[0].Str)
	}
	return v
}

// copyIndex is copyIndex([name][, offset]).
func (s *scope) copyIndex(args []policy.Value) policy.Value {
	name, offset := "", int64(0)
	for _, a := range args {
		switch a.Kind {
		case policy.String:
			name = a.Str
		case policy.Int:
			offset = a.Int
		default:
			return unknown("copyIndex() with an unknown argument")
		}
	}
	for i := len(s.loops) - 1; i >= 0; i-- {
		if name != "" && !strings.EqualFold(name, s.loops[i].name) {
			continue
		}
		if s.loops[i].index < 0 {
			return unknown("the number of copies is not known")
		}
		return policy.IntValue(int64(s.loops[i].index) + offset)
	}
	return unknown("copyIndex() outside a loop")
}

// resourceID is resourceId([subscription, [group,]] type, name...).
func (s *scope) resourceID(args []policy.Value) policy.Value {
	where := s.place
	for len(args) > 0 && args[0].Kind == policy.String && !strings.Contains(args[0].Str, "/") {
		if len(args) > 1 && args[1].Kind == policy.String && !strings.Contains(args[1].Str, "/") {
			where.subscription = args[0].Str
		} else {
			where.group = args[0].Str
		}
		args = args[1:]
	}
	return idOf(where.id(), args)
}

// idOf joins a scope, a type and its names.
func idOf(scope string, args []policy.Value) policy.Value {
	var names []string
	for _, a := range args {
		if a.Kind == policy.Unavailable {
			return a
		}
		if a.Kind != policy.String {
			return unknown("a resource id of something that is no text")
		}
		names = append(names, a.Str)
	}
	if len(names) < 2 {
		return unknown("a resource id without type or name")
	}
	id, ok := armID(scope, names[0], strings.Join(names[1:], "/"))
	if !ok {
		return unknown("a resource id whose type and names do not fit")
	}
	return policy.StringValue(id)
}
