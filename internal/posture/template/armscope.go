package template

import (
	"fmt"
	"strings"

	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// place is where resources of a scope are deployed to.
type place struct {
	subscription string
	group        string // "" for a deployment to the subscription
}

func (p place) id() string {
	if p.group == "" {
		return "/subscriptions/" + p.subscription
	}
	return "/subscriptions/" + p.subscription + "/resourceGroups/" + p.group
}

// function is a user-defined function of a template.
type function struct {
	parameters []string
	output     policy.Value
}

// loop is a copy that is being expanded; index -1 is not known.
type loop struct {
	name  string
	index int
}

// scope evaluates the expressions of one template.
type scope struct {
	place      place
	parameters map[string]policy.Value // folded name -> value
	variables  map[string]policy.Value // folded name -> as written
	copies     map[string]policy.Value // variables that are loops: the copy element
	done       map[string]policy.Value
	busy       map[string]bool
	functions  map[string]function
	loops      []loop
	steps      *int // shared by all scopes of a template
	depth      int  // of user-defined functions and variables
}

// newScope reads the declarations of a template. given are parameter values,
// already evaluated, by folded name.
func newScope(t policy.Value, given map[string]policy.Value, where place, steps *int) *scope {
	s := &scope{
		place: where, parameters: map[string]policy.Value{}, variables: map[string]policy.Value{}, copies: map[string]policy.Value{},
		done: map[string]policy.Value{}, busy: map[string]bool{}, functions: map[string]function{}, steps: steps,
	}
	for _, m := range t.Get("variables").Fields {
		s.variables[strings.ToLower(m.Key)] = m.Value
	}
	for _, c := range s.variables["copy"].Items {
		s.copies[strings.ToLower(c.Get("name").Str)] = c
	}
	for _, ns := range t.Get("functions").Items {
		for _, m := range ns.Get("members").Fields {
			s.functions[strings.ToLower(ns.Get("namespace").Str+"."+m.Key)] = userFunction(m.Value)
		}
	}
	for _, m := range t.Get("parameters").Fields {
		s.declare(m, given)
	}
	return s
}

func userFunction(v policy.Value) function {
	f := function{output: v.Get("output").Get("value")}
	for _, p := range v.Get("parameters").Items {
		f.parameters = append(f.parameters, strings.ToLower(p.Get("name").Str))
	}
	return f
}

// declare gives one parameter its value: given, default, or not known.
func (s *scope) declare(m policy.Member, given map[string]policy.Value) {
	name := strings.ToLower(m.Key)
	if v, ok := given[name]; ok {
		s.parameters[name] = v
		return
	}
	def := m.Value.Get("defaultValue")
	if def.Kind == policy.Missing {
		s.parameters[name] = unknown("parameter %s has no value", m.Key)
		return
	}
	s.parameters[name] = s.value(def)
}

func unknown(format string, args ...any) policy.Value {
	return policy.UnavailableValue(fmt.Sprintf(format, args...))
}

// value evaluates a JSON value with all strings in it.
func (s *scope) value(v policy.Value) policy.Value {
	if *s.steps++; *s.steps > maxSteps {
		return unknown("the template is too large to evaluate")
	}
	switch v.Kind {
	case policy.String:
		return s.text(v.Str)
	case policy.Array:
		items := make([]policy.Value, len(v.Items))
		for i, item := range v.Items {
			items[i] = s.value(item)
		}
		return policy.ArrayValue(items...)
	case policy.Object:
		return s.object(v)
	}
	return v
}

func (s *scope) object(v policy.Value) policy.Value {
	out := policy.ObjectValue()
	for _, m := range v.Fields {
		if strings.EqualFold(m.Key, "copy") && isLoops(m.Value) {
			for _, c := range m.Value.Items {
				out.Fields = append(out.Fields, policy.Member{Key: c.Get("name").Str, Value: s.expand(c)})
			}
			continue
		}
		key := m.Key
		if policy.IsExpression(key) {
			k := s.text(key)
			if k.Kind != policy.String {
				return unknown("a key is not known: %s", m.Key)
			}
			key = k.Str
		}
		out.Fields = append(out.Fields, policy.Member{Key: key, Value: s.value(m.Value)})
	}
	return out
}

// isLoops recognises a property loop: an array of objects with an input.
func isLoops(v policy.Value) bool {
	for _, item := range v.Items {
		if item.Get("input").Kind == policy.Missing || item.Get("name").Kind != policy.String {
			return false
		}
	}
	return v.Kind == policy.Array && len(v.Items) > 0
}

// expand evaluates a property or variable loop to an array.
func (s *scope) expand(c policy.Value) policy.Value {
	n := s.value(c.Get("count"))
	if n.Kind != policy.Int || n.Int < 0 || n.Int > maxCopies {
		return unknown("the number of copies of %s is not known", c.Get("name").Str)
	}
	items := make([]policy.Value, n.Int)
	for i := range items {
		items[i] = s.within(loop{c.Get("name").Str, i}).value(c.Get("input"))
	}
	return policy.ArrayValue(items...)
}

// within is the scope inside a loop.
func (s *scope) within(l loop) *scope {
	inner := *s
	inner.loops = append(s.loops[:len(s.loops):len(s.loops)], l)
	return &inner
}

func (s *scope) text(text string) policy.Value {
	if !policy.IsExpression(text) {
		if strings.HasPrefix(text, "[[") {
			text = text[1:]
		}
		return policy.StringValue(text)
	}
	e, err := policy.ParseTemplateExpression(text)
	if err != nil {
		return unknown("%v", err)
	}
	return s.expr(e)
}

func (s *scope) variable(name string) policy.Value {
	key := strings.ToLower(name)
	if v, ok := s.done[key]; ok {
		return v
	}
	if s.busy[key] {
		return unknown("variable %s refers to itself", name)
	}
	s.busy[key] = true
	defer delete(s.busy, key)
	v := unknown("there is no variable %s", name)
	if c, ok := s.copies[key]; ok {
		v = s.expand(c)
	} else if raw, ok := s.variables[key]; ok {
		v = s.value(raw)
	}
	s.done[key] = v
	return v
}
