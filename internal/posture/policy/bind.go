package policy

import (
	"fmt"
	"maps"
	"slices"
)

// Bind resolves a definition's parameters: given values (names without case),
// then defaults. It folds every sub-expression that depends on them alone, and
// resolves fields that they name. Errors are *DocumentError.
//
// A parameter that has neither value nor default is an error, as is a value
// that its declaration does not accept. Values for undeclared parameters are
// an error too, unless the definition declares none at all: then it is a bare
// rule, and the values speak for themselves.
func Bind(d *Definition, given map[string]Value, opt Options) (*Bound, error) {
	values, err := resolveParameters(d.Parameters, given, opt.UnboundParameters)
	if err != nil {
		return nil, err
	}
	b := &binder{values: values, opt: opt, declared: d.Parameters}
	out := &Bound{Definition: d, Parameters: values}
	r := d.Rule
	if out.Effect, err = b.effect(r); err != nil {
		return nil, err
	}
	if out.If, err = b.condition(r.If); err != nil {
		return nil, err
	}
	if out.ApplicableWhen, err = b.condition(r.ApplicableWhen); err != nil {
		return nil, err
	}
	if r.Details != nil {
		if out.Then, err = b.expr(r.Details); err != nil {
			return nil, faultAt(r.Path+".then.details", "%v", err)
		}
	}
	return out, b.existence(out, r)
}

// resolveParameters gives every declared parameter its value, by folded name.
// A lax reading leaves out what has neither value nor default.
func resolveParameters(declared []*Parameter, given map[string]Value, lax bool) (map[string]Value, error) {
	values := make(map[string]Value, len(given))
	for _, name := range slices.Sorted(maps.Keys(given)) {
		values[folded(name)] = given[name]
	}
	if len(declared) == 0 {
		return values, nil
	}
	for name, v := range values {
		p := findParameter(declared, name)
		if p == nil && lax {
			continue // nothing can read it
		}
		if p == nil {
			return nil, faultAt("", "there is no parameter %q", clip(name))
		}
		if err := p.Accepts(v); err != nil && !sameValue(v, p.Default) {
			return nil, err
		}
	}
	for _, p := range declared {
		if _, ok := values[folded(p.Name)]; ok {
			continue
		}
		if p.Default.Kind == Missing && lax {
			continue
		}
		if p.Default.Kind == Missing {
			return nil, faultAt("", "parameter %q has no value and no default", p.Name)
		}
		values[folded(p.Name)] = p.Default
	}
	return values, nil
}

func sameValue(a, b Value) bool { return a.Kind == b.Kind && a.String() == b.String() }

// binder replaces parameters in trees; the parsed trees stay as they are.
type binder struct {
	values map[string]Value
	opt    Options
	// declared are the parameters that there are, by which one that is open is
	// told from one that does not exist; nil if a bare rule declares none.
	declared []*Parameter
}

func (b *binder) effect(r *Rule) (string, error) {
	at := r.Path + ".then.effect"
	e, err := b.expr(r.Effect)
	if err != nil {
		return "", faultAt(at, "%v", err)
	}
	v, ok := Constant(e)
	if !ok || v.Kind != String {
		return "", faultAt(at, "does not become a text from the parameters")
	}
	if !knownEffect(v.Str) {
		return "", faultAt(at, "there is no effect %q", clip(v.Str))
	}
	return folded(v.Str), nil
}

func (b *binder) condition(c Condition) (Condition, error) {
	switch c := c.(type) {
	case *AllOf:
		of, err := b.conditions(c.Of)
		return &AllOf{Path: c.Path, Of: of}, err
	case *AnyOf:
		of, err := b.conditions(c.Of)
		return &AnyOf{Path: c.Path, Of: of}, err
	case *Not:
		of, err := b.condition(c.Of)
		return &Not{Path: c.Path, Of: of}, err
	case *Leaf:
		return b.leaf(c)
	}
	return nil, nil
}

func (b *binder) conditions(list []Condition) ([]Condition, error) {
	out := make([]Condition, len(list))
	for i, c := range list {
		bound, err := b.condition(c)
		if err != nil {
			return nil, err
		}
		out[i] = bound
	}
	return out, nil
}

func (b *binder) leaf(l *Leaf) (Condition, error) {
	out := &Leaf{Path: l.Path, Op: l.Op}
	var err error
	switch {
	case l.Field != nil:
		out.Field, err = b.field(l.Field)
	case l.Value != nil:
		out.Value, err = b.expr(l.Value)
	default:
		if out.Count, err = b.count(l.Count); err != nil {
			return nil, err
		}
	}
	if err == nil {
		out.Right, err = b.expr(l.Right)
	}
	if err != nil {
		return nil, faultAt(l.Path, "%v", err)
	}
	return out, nil
}

func (b *binder) count(c *Count) (*Count, error) {
	out := &Count{Path: c.Path, Name: c.Name}
	var err error
	if c.Field != nil {
		if out.Field, err = b.field(c.Field); err == nil && out.Field.Kind != FieldDynamic && !out.Field.IsArray() {
			err = fmt.Errorf("%q selects no array members: it has no [*]", clip(out.Field.Text))
		}
	} else {
		out.Value, err = b.expr(c.Value)
	}
	if err != nil {
		return nil, faultAt(c.Path, "%v", err)
	}
	out.Where, err = b.condition(c.Where)
	return out, err
}

func (b *binder) field(f *Field) (*Field, error) {
	if f.Kind != FieldDynamic {
		return f, nil
	}
	name, err := b.expr(f.Expr)
	if err != nil {
		return nil, err
	}
	out, err := fieldOf(name)
	if err != nil {
		return nil, err
	}
	if out.Text == "" {
		out.Text = f.Text
	}
	return out, nil
}

// existence binds the details that the *IfNotExists effects and manual read.
func (b *binder) existence(out *Bound, r *Rule) error {
	x := r.Existence
	switch out.Effect {
	case "manual":
		out.Manual = Unknown
		if x == nil || x.DefaultState == nil {
			return nil
		}
		var err error
		out.Manual, err = b.manualState(x)
		return err
	case "auditifnotexists", "deployifnotexists":
		if x == nil {
			return faultAt(r.Path+".then.details", "is missing: %s needs details with a type", out.Effect)
		}
		var err error
		out.Details, err = b.details(x)
		return err
	}
	return nil
}

func (b *binder) manualState(x *Existence) (State, error) {
	text, err := b.text(x.DefaultState)
	if err != nil {
		return Unknown, faultAt(x.Path+".defaultState", "%v", err)
	}
	switch folded(text) {
	case "compliant":
		return Compliant, nil
	case "non-compliant", "noncompliant":
		return NonCompliant, nil
	case "unknown":
		return Unknown, nil
	}
	return Unknown, faultAt(x.Path+".defaultState", "%q is no compliance state", clip(text))
}

func (b *binder) details(x *Existence) (*Details, error) {
	d := &Details{Path: x.Path}
	var err error
	if d.Type, err = b.text(x.Type); err != nil || d.Type == "" {
		return nil, faultAt(x.Path+".type", "is missing or no text from the parameters: related resources need a type")
	}
	scope, err := b.text(x.Scope)
	if err != nil {
		return nil, faultAt(x.Path+".existenceScope", "%v", err)
	}
	switch folded(scope) {
	case "", "resourcegroup":
	case "subscription":
		d.SubscriptionScope = true
	default:
		return nil, faultAt(x.Path+".existenceScope", "%q is neither ResourceGroup nor Subscription", clip(scope))
	}
	d.EvaluationDelay, _ = b.text(x.Delay) // informative; a scanner has no use for it
	for _, part := range []struct {
		from Expr
		to   *Expr
	}{{x.Name, &d.Name}, {x.Kind, &d.Kind}, {x.ResourceGroupName, &d.ResourceGroupName}} {
		if part.from == nil {
			continue
		}
		if *part.to, err = b.expr(part.from); err != nil {
			return nil, faultAt(x.Path, "%v", err)
		}
	}
	d.ExistenceCondition, err = b.condition(x.Condition)
	return d, err
}

// text is the string that an expression becomes, "" for an absent one.
func (b *binder) text(e Expr) (string, error) {
	if e == nil {
		return "", nil
	}
	bound, err := b.expr(e)
	if err != nil {
		return "", err
	}
	v, ok := Constant(bound)
	if !ok || v.Kind != String {
		return "", fmt.Errorf("does not become a text from the parameters")
	}
	return v.Str, nil
}
