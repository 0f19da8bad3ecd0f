package template

import (
	"fmt"
	"strings"

	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// planned is one managed resource of a Terraform plan after the change.
type planned struct {
	address string
	typ     string
	values  policy.Value
	unknown policy.Value // true where a value is known after apply only
	// references are, by attribute, the addresses that its expression names.
	references map[string][]string
	module     string // address of the module, "" for the root
}

// planReader turns planned resources into ARM documents.
type planReader struct {
	opt    Options
	result *Result
	ids    map[string]string // address without index -> ARM id
}

func readPlan(v policy.Value, opt Options) *Result {
	r := &planReader{opt: opt, result: &Result{Kind: "terraform"}, ids: map[string]string{}}
	config := map[string]map[string][]string{}
	configuration(v.Get("configuration").Get("root_module"), "", config, 0)
	list := changes(v)
	if len(list) == 0 {
		list = plannedValues(v.Get("planned_values").Get("root_module"), "", 0)
	}
	if len(list) > maxResources {
		r.problem("", "the plan has more than %d resources; the rest is not read", maxResources)
		list = list[:maxResources]
	}
	for i := range list {
		list[i].references = config[withoutIndex(list[i].address)]
	}
	// Parents first: an id that is not known yet is found by its reference.
	for range maxNesting {
		if r.identify(list) == 0 {
			break
		}
	}
	for i := range list {
		r.read(&list[i])
	}
	return r.result
}

func (r *planReader) problem(path, format string, args ...any) {
	r.result.Problems = append(r.result.Problems, Problem{Path: path, Reason: fmt.Sprintf(format, args...)})
}

// changes reads resource_changes, which say what is known after apply only.
func changes(v policy.Value) []planned {
	var out []planned
	for _, c := range v.Get("resource_changes").Items {
		after := c.Get("change").Get("after")
		if c.Get("mode").Str == "data" || after.Kind != policy.Object {
			continue // read only, or deleted
		}
		out = append(out, planned{
			address: c.Get("address").Str, typ: c.Get("type").Str, module: c.Get("module_address").Str,
			values: after, unknown: c.Get("change").Get("after_unknown"),
		})
	}
	return out
}

// plannedValues reads the tree of planned values, where what is not known is
// left out.
func plannedValues(module policy.Value, address string, depth int) []planned {
	if depth > maxNesting {
		return nil
	}
	var out []planned
	for _, res := range module.Get("resources").Items {
		if res.Get("mode").Str == "data" {
			continue
		}
		out = append(out, planned{address: res.Get("address").Str, typ: res.Get("type").Str, module: address, values: res.Get("values")})
	}
	for _, child := range module.Get("child_modules").Items {
		out = append(out, plannedValues(child, child.Get("address").Str, depth+1)...)
	}
	return out
}

// configuration collects the references of every attribute.
func configuration(module policy.Value, prefix string, out map[string]map[string][]string, depth int) {
	if depth > maxNesting {
		return
	}
	for _, res := range module.Get("resources").Items {
		refs := map[string][]string{}
		for _, m := range res.Get("expressions").Fields {
			for _, ref := range m.Value.Get("references").Items {
				refs[m.Key] = append(refs[m.Key], prefix+ref.Str)
			}
		}
		out[prefix+res.Get("address").Str] = refs
	}
	for _, m := range module.Get("module_calls").Fields {
		configuration(m.Value.Get("module"), prefix+"module."+m.Key+".", out, depth+1)
	}
}

// withoutIndex removes the [..] of counts and for_each from an address.
func withoutIndex(address string) string {
	var b strings.Builder
	depth := 0
	for _, c := range address {
		switch c {
		case '[':
			depth++
		case ']':
			depth--
		default:
			if depth == 0 {
				b.WriteRune(c)
			}
		}
	}
	return b.String()
}

// attribute reads an attribute: unavailable if it is known after apply only,
// Missing if it is not set. said is false if the plan has no such attribute at
// all: the provider's version may call it otherwise.
func (p *planned) attribute(path string) (v policy.Value, said bool) {
	v, unknowns := p.values, p.unknown
	for _, name := range strings.Split(path, ".") {
		if v.Kind == policy.Array && len(v.Items) == 0 || v.Kind == policy.Null {
			return policy.Value{}, true // there is no such block
		}
		v, unknowns = firstOf(v).Get(name), firstOf(unknowns).Get(name)
		if unknowns.Bool {
			return p.pending(path), true
		}
		if v.Kind == policy.Missing && unknowns.Kind == policy.Missing {
			if p.unknown.Kind == policy.Missing {
				return p.pending(path), true // a plan without after_unknown leaves it out
			}
			return policy.Value{}, false
		}
	}
	if v.Kind == policy.Null {
		return policy.Value{}, true
	}
	return v, true
}

// known is an attribute's text, "" if it is not set or not known.
func (p *planned) known(path string) string {
	v, _ := p.attribute(path)
	if v.Kind != policy.String {
		return ""
	}
	return v.Str
}

func (p *planned) pending(path string) policy.Value {
	return unknown("%s of %s is known after apply only", path, p.address)
}

// firstOf is the one block of a list of blocks.
func firstOf(v policy.Value) policy.Value {
	if v.Kind == policy.Array && len(v.Items) > 0 {
		return v.Items[0]
	}
	return v
}

// id is an attribute that holds an id, or the id of the planned resource that
// its expression refers to; "" if neither is known.
func (r *planReader) id(p *planned, attribute string) string {
	if text := p.known(attribute); text != "" {
		return text
	}
	for _, ref := range p.references[attribute] {
		for ref != "" {
			if id := r.ids[withoutIndex(ref)]; id != "" {
				return id
			}
			cut := strings.LastIndexByte(ref, '.')
			ref = ref[:max(0, cut)]
		}
	}
	return ""
}

// identify computes the ids that can be computed now and returns how many were
// new.
func (r *planReader) identify(list []planned) int {
	n := 0
	for i := range list {
		p := &list[i]
		key := withoutIndex(p.address)
		m, ok := mappings[p.typ]
		if !ok || r.ids[key] != "" {
			continue
		}
		if id, ok := r.identity(p, m); ok {
			r.ids[key] = id
			n++
		}
	}
	return n
}
