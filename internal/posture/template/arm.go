package template

import (
	"fmt"
	"strings"

	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// armReader collects the resources of an ARM template and the templates nested
// in it.
type armReader struct {
	opt    Options
	result *Result
	steps  int
	unname int // resources whose name is not known so far
}

func readARM(v policy.Value, opt Options) (*Result, error) {
	r := &armReader{opt: opt, result: &Result{Kind: "arm"}}
	given, err := parameterFile(opt.Parameters)
	if err != nil {
		return nil, err
	}
	where := place{subscription: opt.Subscription, group: opt.ResourceGroup}
	if strings.Contains(strings.ToLower(v.Get("$schema").Str), "subscriptiondeploymenttemplate") {
		where.group = ""
	}
	r.template(newScope(v, given, where, &r.steps), v, "", 0)
	return r.result, nil
}

// parameterFile reads {"parameters": {"name": {"value": ...}}}, or plain values.
func parameterFile(data []byte) (map[string]policy.Value, error) {
	if len(data) == 0 {
		return nil, nil
	}
	v, err := policy.ParseValue(data)
	if err != nil {
		return nil, fmt.Errorf("read parameters: %w", err)
	}
	if p := v.Get("parameters"); p.Kind == policy.Object {
		v = p
	}
	out := map[string]policy.Value{}
	for _, m := range v.Fields {
		out[strings.ToLower(m.Key)] = given(m.Value)
	}
	return out, nil
}

// given is the value of one parameter of a file; a reference to a vault is not
// known here.
func given(v policy.Value) policy.Value {
	if value := v.Get("value"); value.Kind != policy.Missing {
		return value
	}
	if v.Kind == policy.Object && v.Get("reference").Kind != policy.Missing {
		return unknown("the parameter is a secret in a vault")
	}
	return v
}

func (r *armReader) problem(path, format string, args ...any) {
	r.result.Problems = append(r.result.Problems, Problem{Path: path, Reason: fmt.Sprintf(format, args...)})
}

// template reads the resources of a template, which are an array, or an object
// by symbolic name.
func (r *armReader) template(s *scope, t policy.Value, path string, depth int) {
	if depth > maxNesting {
		r.problem(path, "templates are nested deeper than %d", maxNesting)
		return
	}
	list := t.Get("resources")
	for i, raw := range list.Items {
		r.resource(s, raw, nil, fmt.Sprintf("%sresources[%d]", path, i), depth)
	}
	for _, m := range list.Fields {
		r.resource(s, m.Value, nil, path+"resources."+m.Key, depth)
	}
}

// resource reads one declaration, once or as often as its loop says.
func (r *armReader) resource(s *scope, raw policy.Value, parent *resource, path string, depth int) {
	if raw.Kind != policy.Object {
		r.problem(path, "is no object")
		return
	}
	if existing := raw.Get("existing"); existing.Bool {
		return
	}
	if cond := raw.Get("condition"); cond.Kind != policy.Missing {
		if v := s.value(cond); v.Kind == policy.Bool && !v.Bool {
			return
		}
	}
	c := raw.Get("copy")
	if c.Kind != policy.Object {
		r.once(s, raw, parent, path, depth)
		return
	}
	name, n := c.Get("name").Str, s.value(c.Get("count"))
	if n.Kind != policy.Int || n.Int < 0 || n.Int > maxCopies {
		// One stands for all: what differs between copies is not known.
		r.once(s.within(loop{name, -1}), raw, parent, path, depth)
		return
	}
	for i := range int(n.Int) {
		r.once(s.within(loop{name, i}), raw, parent, path, depth)
	}
}

// meta are members of a declaration that are about the deployment.
var meta = map[string]bool{
	"copy": true, "condition": true, "dependson": true, "resources": true, "comments": true, "scope": true, "existing": true,
	"import": true, "asserts": true, "subscriptionid": true, "resourcegroup": true, "id": true,
}

func (r *armReader) once(s *scope, raw policy.Value, parent *resource, path string, depth int) {
	if len(r.result.Documents) >= maxResources {
		r.problem(path, "the template has more than %d resources", maxResources)
		return
	}
	typ, apiVersion := raw.Get("type").Str, raw.Get("apiVersion").Str
	if symbolic, version, ok := strings.Cut(typ, "@"); ok {
		typ, apiVersion = symbolic, version
	}
	if typ == "" {
		r.problem(path, "has no type")
		return
	}
	if strings.EqualFold(typ, "Microsoft.Resources/deployments") {
		r.nested(s, raw, path, depth)
		return
	}
	name := s.value(raw.Get("name"))
	if parent != nil {
		typ = parent.typ + "/" + typ
		name = joinNames(parent.name, name)
	}
	res, ok := r.build(s, raw, typ, apiVersion, name)
	if !ok {
		r.problem(path, "the name %q does not fit the type %s", name.Str, typ)
		return
	}
	doc := res.document()
	declare(&doc, r.related(typ))
	r.result.Documents = append(r.result.Documents, doc)
	for i, child := range raw.Get("resources").Items {
		r.resource(s, child, &res, fmt.Sprintf("%s.resources[%d]", path, i), depth)
	}
}

// joinNames is the full name of a nested resource, if its own is known.
func joinNames(parent string, child policy.Value) policy.Value {
	if child.Kind != policy.String {
		return child
	}
	return policy.StringValue(parent + "/" + child.Str)
}

// related declares the related types that no template can contain.
func (r *armReader) related(typ string) []string {
	if r.opt.Reads == nil {
		return nil
	}
	var out []string
	for _, read := range r.opt.Reads(typ) {
		if strings.Contains(read, "/") && runtimeType(read) {
			out = append(out, read+" exists after deployment only")
		}
	}
	return out
}

// build evaluates the members. A name that is not known is replaced by one
// that no other resource has.
func (r *armReader) build(s *scope, raw policy.Value, typ, apiVersion string, name policy.Value) (resource, bool) {
	open := name.Kind != policy.String
	if open {
		r.unname++
		name = policy.StringValue(r.placeholder(typ))
	}
	at := s.place.id()
	if scoped := raw.Get("scope"); scoped.Kind != policy.Missing {
		if v := s.value(scoped); v.Kind == policy.String {
			at = absolute(s.place, v.Str)
		}
	}
	id, ok := armID(at, typ, name.Str)
	if strings.EqualFold(typ, "Microsoft.Resources/resourceGroups") {
		id, typ, ok = "/subscriptions/"+s.place.subscription+"/resourceGroups/"+name.Str, "Microsoft.Resources/subscriptions/resourceGroups", true
	}
	if !ok {
		return resource{}, false
	}
	shown := name
	if open {
		shown = unknown("the name is known after deployment only")
	}
	body := object(text("id", id), member("name", shown), text("type", typ), text("apiVersion", apiVersion))
	for _, m := range raw.Fields {
		key := strings.ToLower(m.Key)
		if !meta[key] && key != "name" && key != "type" && key != "apiversion" {
			body.Fields = append(body.Fields, member(m.Key, s.value(m.Value)))
		}
	}
	return resource{id: id, typ: typ, name: name.Str, apiVersion: apiVersion, body: body}, true
}

// placeholder has as many segments as the type asks for.
func (r *armReader) placeholder(typ string) string {
	name := fmt.Sprintf("unresolved-%d", r.unname)
	return strings.Repeat("unresolved/", max(0, strings.Count(typ, "/")-1)) + name
}

// absolute completes a scope that is relative to the deployment.
func absolute(p place, scope string) string {
	if strings.HasPrefix(scope, "/") {
		return scope
	}
	parts := strings.Split(scope, "/")
	typ, names := parts[0], []string{}
	for i := 1; i < len(parts); i++ {
		if i%2 == 1 {
			typ += "/" + parts[i]
		} else {
			names = append(names, parts[i])
		}
	}
	if id, ok := armID(p.id(), typ, strings.Join(names, "/")); ok {
		return id
	}
	return p.id()
}

// nested reads a deployment within the template. Without inner evaluation its
// expressions are those of the template around it.
func (r *armReader) nested(s *scope, raw policy.Value, path string, depth int) {
	props := raw.Get("properties")
	t := props.Get("template")
	if t.Kind != policy.Object {
		r.problem(path, "a linked template is not followed; its resources are not judged")
		return
	}
	where := s.place
	if v := s.value(raw.Get("resourceGroup")); v.Kind == policy.String && v.Str != "" {
		where.group = v.Str
	}
	if v := s.value(raw.Get("subscriptionId")); v.Kind == policy.String && v.Str != "" {
		where.subscription = v.Str
	}
	inner := *s
	inner.place = where
	if strings.EqualFold(props.Get("expressionEvaluationOptions").Get("scope").Str, "inner") {
		values := map[string]policy.Value{}
		for _, m := range props.Get("parameters").Fields {
			values[strings.ToLower(m.Key)] = s.value(given(m.Value))
		}
		inner = *newScope(t, values, where, &r.steps)
	}
	r.template(&inner, t, path+".properties.template.", depth+1)
}
