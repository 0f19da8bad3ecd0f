package template

import (
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// identity is the ARM id of a planned resource; ok is false while a parent is
// not known. A name that is known after apply only becomes the address.
func (r *planReader) identity(p *planned, m mapping) (string, bool) {
	sub := "/subscriptions/" + r.opt.Subscription
	name := m.name
	if name == "" {
		name = r.nameOf(p, m)
	}
	switch {
	case m.arm == arm.TypeResourceGroup:
		return sub + "/resourceGroups/" + name, true
	case m.subscription:
		id, ok := armID(sub, m.arm, name)
		return id, ok
	case m.parent != "":
		parent := r.parentID(p, m)
		if parent == "" {
			return "", false
		}
		if m.extension {
			id, ok := armID(parent, m.arm, name)
			return id, ok
		}
		return parent + "/" + strings.Join(m.segments(name), "/"), true
	}
	group := r.opt.ResourceGroup
	if name := p.known("resource_group_name"); name != "" {
		group = name
	} else if id := r.id(p, "resource_group_name"); id != "" {
		if parsed, err := arm.ParseID(id); err == nil && parsed.ResourceGroup() != "" {
			group = parsed.ResourceGroup()
		}
	}
	return armID(sub+"/resourceGroups/"+group, m.arm, name)
}

func (r *planReader) nameOf(p *planned, m mapping) string {
	attribute := "name"
	if m.nameFrom != "" {
		attribute = m.nameFrom
	}
	if name := p.known(attribute); name != "" && !strings.ContainsAny(name, "/?#\\") {
		return name
	}
	return strings.NewReplacer("/", "-", "[", "-", "]", "", `"`, "").Replace(p.address)
}

// parentID is the id in the parent attribute, or the id of a sibling type that
// is named only.
func (r *planReader) parentID(p *planned, m mapping) string {
	for _, attribute := range strings.Split(m.parent, "|") {
		if id := r.id(p, attribute); strings.HasPrefix(id, "/") {
			return strings.TrimSuffix(id, "/")
		} else if id != "" && m.parentType != "" {
			group := r.opt.ResourceGroup
			if name := p.known("resource_group_name"); name != "" {
				group = name
			}
			full, _ := armID("/subscriptions/"+r.opt.Subscription+"/resourceGroups/"+group, m.parentType, id)
			return full
		}
	}
	return ""
}

// segments are the parts of a child's id below its parent's.
func (m mapping) segments(name string) []string {
	types := strings.Split(m.arm, "/")
	if m.through != "" {
		return []string{types[len(types)-2], m.through, types[len(types)-1], name}
	}
	return []string{types[len(types)-1], name}
}

// read makes the documents of one planned resource.
func (r *planReader) read(p *planned) {
	m, ok := mappings[p.typ]
	if !ok {
		if strings.HasPrefix(p.typ, "azurerm_") || strings.HasPrefix(p.typ, "azapi_") {
			r.problem(p.address, "resources of type %s are not judged", p.typ)
		}
		return
	}
	id, ok := r.identity(p, m)
	if !ok {
		r.problem(p.address, "what it belongs to is known after apply only")
		return
	}
	r.emit(p, m, id)
	for _, child := range m.children {
		r.emit(p, child, id+"/"+strings.Join(child.segments(child.name), "/"))
	}
}

func (r *planReader) emit(p *planned, m mapping, id string) {
	parsed, err := arm.ParseID(id)
	if err != nil {
		r.problem(p.address, "%v", err)
		return
	}
	body := policy.ObjectValue(text("id", id), text("name", parsed.FullName()), text("type", m.arm))
	said := claims{}
	if m.kind != "" {
		said["kind"] = true
	}
	if m.kind != "" {
		body = set(body, "kind", policy.StringValue(m.kind))
	}
	for _, f := range append(common, m.fields...) {
		v, ok := f.read(p)
		if ok {
			said.add(f)
		}
		// Of two names for one property the one with a value counts.
		if v.Kind != policy.Missing && !(v.Kind == policy.Unavailable && has(body, f.arm)) {
			body = set(body, f.arm, v)
		}
	}
	doc := resource{id: id, typ: m.arm, body: body}.document()
	declare(&doc, r.unsaid(m.arm, said))
	r.result.Documents = append(r.result.Documents, doc)
}

// has reports whether an object has a value at a dotted path.
func has(o policy.Value, path string) bool {
	for _, name := range strings.Split(path, ".") {
		o = o.Get(name)
	}
	return o.Kind != policy.Missing
}

// unsaid declares what the policies read of the type and the mapping does not
// say: no attribute was translated to it, so its absence means nothing.
func (r *planReader) unsaid(typ string, said claims) []string {
	if r.opt.Reads == nil {
		return nil
	}
	var out []string
	for _, read := range r.opt.Reads(typ) {
		if strings.Contains(read, "/") {
			if !producible[strings.ToLower(read)] {
				out = append(out, read+" cannot be planned here")
			}
			continue
		}
		if !said.covers(read) {
			out = append(out, read+" is not translated from the plan")
		}
	}
	return out
}

// claims are the folded paths that a mapping says; false marks an array whose
// members are said property by property.
type claims map[string]bool

func (c claims) add(f field) {
	path := strings.ToLower(f.arm)
	c[path] = f.each == nil
	for _, inner := range f.each {
		c[path+"[*]."+strings.ToLower(inner.arm)] = true
	}
}

// covers reports whether a path, or one above or below it, was said.
func (c claims) covers(read string) bool {
	path := strings.ToLower(read)
	for claim, whole := range c {
		if path == claim || path == claim+"[*]" || below(claim, path) || whole && below(path, claim) {
			return true
		}
	}
	return false
}

func below(path, parent string) bool {
	return strings.HasPrefix(path, parent) && (path[len(parent)] == '.' || path[len(parent)] == '[')
}

// set returns the object with a value at a dotted path.
func set(o policy.Value, path string, v policy.Value) policy.Value {
	head, rest, nested := strings.Cut(path, ".")
	if nested {
		v = set(o.Get(head), rest, v)
	}
	out := policy.ObjectValue()
	for _, m := range o.Fields {
		if m.Key != head {
			out.Fields = append(out.Fields, m)
		}
	}
	out.Fields = append(out.Fields, member(head, v))
	return out
}
