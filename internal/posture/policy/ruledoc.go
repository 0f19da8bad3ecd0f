package policy

import "strings"

// Rule is a definition's policyRule before its parameters are known.
type Rule struct {
	Path   string
	If     Condition
	Effect Expr
	// Details are the then's details as an expression tree, without the parts
	// that are no expressions of this rule: existenceCondition and deployment.
	// nil if there are none.
	Details Expr
	// Existence has the parts that *IfNotExists effects read; nil if the
	// details are no object.
	Existence *Existence
	// foreign are the folded keys of the details, by which a data-plane rule
	// shows that its judgement is written in another language.
	foreign map[string]bool
	// ApplicableWhen is metadata.rampart.applicableWhen, or nil.
	ApplicableWhen Condition
}

// Existence is what the details of an *IfNotExists effect say, before
// parameters are known. nil expressions are absent.
type Existence struct {
	Path              string
	Type              Expr
	Name              Expr
	Kind              Expr
	ResourceGroupName Expr
	Scope             Expr
	Delay             Expr
	DefaultState      Expr // of manual
	Condition         Condition
}

func parseRule(v Value, path string) (*Rule, error) {
	s := newSection(v, path)
	cond, then := s.kind("if", Object), s.kind("then", Object)
	if *s.err == nil && cond.Kind == Missing {
		s.fail("if", "is missing")
	}
	if *s.err == nil && then.Kind == Missing {
		s.fail("then", "is missing")
	}
	if *s.err != nil {
		return nil, *s.err
	}
	if err := onlyKeys(v, path, "if", "then"); err != nil {
		return nil, err
	}
	p := newRuleParser(maxConditions)
	r := &Rule{Path: path}
	var err error
	if r.If, err = p.condition(cond, s.at("if"), 0); err != nil {
		return nil, err
	}
	return r, p.then(r, then, s.at("then"))
}

func (p *ruleParser) then(r *Rule, v Value, path string) error {
	if err := onlyKeys(v, path, "effect", "details"); err != nil {
		return err
	}
	effect := v.Get("effect")
	if effect.Kind != String || effect.Str == "" {
		return faultAt(joinPath(path, "effect"), "is missing: then needs an effect")
	}
	var err error
	if r.Effect, err = p.template(effect, joinPath(path, "effect")); err != nil {
		return err
	}
	if c, ok := Constant(r.Effect); ok && !knownEffect(c.Str) {
		return faultAt(joinPath(path, "effect"), "there is no effect %q", clip(c.Str))
	}
	if err := ofParameters(r.Effect, joinPath(path, "effect")); err != nil {
		return err
	}
	if details := v.Get("details"); !details.IsNothing() {
		return p.details(r, details, joinPath(path, "details"))
	}
	if r.exists() {
		return faultAt(joinPath(path, "details"), "is missing: related resources need a type")
	}
	return nil
}

// exists reports whether the effect is one of the *IfNotExists, whatever the
// parameters.
func (r *Rule) exists() bool {
	effect, ok := Constant(r.Effect)
	return ok && (equalFold(effect.Str, "auditIfNotExists") || equalFold(effect.Str, "deployIfNotExists"))
}

// opaque are keys of details whose strings belong to somebody else: a
// deployment template, a cluster's constraint, or the existence condition,
// which is parsed on its own.
var opaque = map[string]bool{
	"deployment": true, "existencecondition": true, "templateinfo": true, "mutationinfo": true,
	"constrainttemplate": true, "constraint": true,
}

func (p *ruleParser) details(r *Rule, v Value, path string) error {
	if v.Kind != Object {
		e, err := p.template(v, path)
		r.Details = e
		return err
	}
	if _, err := foldKeys(v, path); err != nil {
		return err
	}
	o := &ObjectExpr{}
	r.foreign = map[string]bool{}
	for _, m := range v.Fields {
		r.foreign[folded(m.Key)] = true
		if opaque[folded(m.Key)] {
			continue
		}
		e, err := p.template(m.Value, joinPath(path, m.Key))
		if err != nil {
			return err
		}
		o.Keys, o.Values = append(o.Keys, m.Key), append(o.Values, e)
	}
	r.Details = foldObject(o)
	r.Existence = existenceOf(o, path)
	if err := r.checkDetails(); err != nil {
		return err
	}
	cond := v.Get("existenceCondition")
	if cond.IsNothing() {
		return nil
	}
	var err error
	q := *p
	q.conditions, q.limit = 0, maxExistenceConditions
	r.Existence.Condition, err = q.condition(cond, joinPath(path, "existenceCondition"), 0)
	return err
}

// checkDetails refuses what no assignment could bind, so that a definition gets
// the same answer when it is written and when it is assigned.
func (r *Rule) checkDetails() error {
	x := r.Existence
	effect, literal := Constant(r.Effect)
	if literal && !r.exists() && !equalFold(effect.Str, "manual") {
		return nil // other effects do not read them
	}
	if r.exists() && x.Type == nil {
		return faultAt(joinPath(x.Path, "type"), "is missing: related resources need a type")
	}
	for key, e := range map[string]Expr{"type": x.Type, "existenceScope": x.Scope, "defaultState": x.DefaultState} {
		if err := ofParameters(e, joinPath(x.Path, key)); err != nil {
			return err
		}
	}
	return nil
}

// ofParameters refuses an expression that depends on more than parameters.
func ofParameters(e Expr, path string) error {
	var fault error
	WalkExpr(e, func(e Expr) {
		name := ""
		switch e := e.(type) {
		case *FieldCall:
			name = "field"
		case *CurrentCall:
			name = "current"
		case *Call:
			if _, pure := functions[e.Name]; !pure && e.Name != "parameters" && e.Name != "if" {
				name = e.Name
			}
		}
		if name != "" && fault == nil {
			fault = faultAt(path, "depends on %s(), which is known of a resource only; it must follow from the parameters", name)
		}
	})
	return fault
}

func existenceOf(o *ObjectExpr, path string) *Existence {
	x := &Existence{Path: path}
	targets := map[string]*Expr{
		"type": &x.Type, "name": &x.Name, "kind": &x.Kind, "resourcegroupname": &x.ResourceGroupName,
		"existencescope": &x.Scope, "evaluationdelay": &x.Delay, "defaultstate": &x.DefaultState,
	}
	for i, key := range o.Keys {
		if t := targets[folded(key)]; t != nil {
			*t = o.Values[i]
		}
	}
	return x
}

var effects = map[string]bool{
	"audit": true, "deny": true, "modify": true, "append": true, "auditifnotexists": true, "deployifnotexists": true,
	"disabled": true, "manual": true, "denyaction": true, "auditaction": true, "mutate": true,
	"addtonetworkgroup": true, "enforceopaconstraint": true, "enforceregopolicy": true, "enforcesetting": true, "none": true,
}

func knownEffect(effect string) bool { return effects[folded(effect)] }

// onlyKeys refuses keys that the language does not have, so that a misspelt
// one is not silently without effect.
func onlyKeys(v Value, path string, allowed ...string) error {
	if _, err := foldKeys(v, path); err != nil {
		return err
	}
	for _, m := range v.Fields {
		known := false
		for _, a := range allowed {
			known = known || equalFold(a, m.Key)
		}
		if !known {
			return faultAt(joinPath(path, m.Key), "is not a key here; known are %s", strings.Join(allowed, ", "))
		}
	}
	return nil
}
