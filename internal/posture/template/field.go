package template

import (
	"strings"

	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// field translates one attribute of a Terraform resource to a property.
type field struct {
	from string // dotted attribute; blocks count as their first; "" for what the type itself says
	arm  string
	// to converts a known value; nil copies it.
	to func(policy.Value) policy.Value
	// each translates the blocks of a list to the members of an array.
	each []field
}

// common are attributes that most resources have.
var common = []field{
	{from: "location", arm: "location"}, {from: "tags", arm: "tags"},
	{from: "identity.type", arm: "identity.type"},
}

// read gives the property's value; said is false if the plan does not have the
// attribute.
func (f field) read(p *planned) (v policy.Value, said bool) {
	if f.from == "" {
		return f.to(policy.Value{}), true
	}
	v, said = p.attribute(f.from)
	switch {
	case v.Kind == policy.Unavailable || v.Kind == policy.Missing:
		return v, said
	case f.each != nil:
		return f.blocks(p, v), true
	case f.to != nil:
		return f.to(v), true
	}
	return v, true
}

// blocks translates every block; what is unknown in one is looked up under the
// same position.
func (f field) blocks(p *planned, v policy.Value) policy.Value {
	if v.Kind != policy.Array {
		v = policy.ArrayValue(v)
	}
	unknowns := p.unknown
	for _, name := range strings.Split(f.from, ".") {
		unknowns = firstOf(unknowns).Get(name)
	}
	out := policy.ArrayValue()
	for i, item := range v.Items {
		block := planned{address: p.address, values: item, unknown: policy.ObjectValue()}
		if i < len(unknowns.Items) {
			block.unknown = unknowns.Items[i]
		}
		body := policy.ObjectValue()
		for _, inner := range f.each {
			if value, _ := inner.read(&block); value.Kind != policy.Missing {
				body = set(body, inner.arm, value)
			}
		}
		out.Items = append(out.Items, body)
	}
	return out
}

// enabled turns a boolean into the word that ARM uses.
func enabled(v policy.Value) policy.Value { return either(v, "Enabled", "Disabled") }

func either(v policy.Value, yes, no string) policy.Value {
	if v.Kind != policy.Bool {
		return v
	}
	if v.Bool {
		return policy.StringValue(yes)
	}
	return policy.StringValue(no)
}

// inverted is for attributes that say the opposite of their property.
func inverted(v policy.Value) policy.Value {
	if v.Kind != policy.Bool {
		return v
	}
	return policy.BoolValue(!v.Bool)
}

// tls writes "1.2" as the constants of services that have words for it.
func tls(v policy.Value) policy.Value {
	if v.Kind == policy.String && !strings.HasPrefix(strings.ToUpper(v.Str), "TLS") {
		return policy.StringValue("TLS" + strings.ReplaceAll(v.Str, ".", "_"))
	}
	return v
}

// present says that there is a block.
func present(v policy.Value) policy.Value {
	if v.Kind == policy.Array && len(v.Items) == 0 {
		return policy.Value{}
	}
	return policy.BoolValue(true)
}

// words joins a list to the comma-separated text that ARM wants.
func words(v policy.Value) policy.Value {
	var out []string
	for _, item := range v.Items {
		out = append(out, item.Str)
	}
	return policy.StringValue(strings.Join(out, ", "))
}

// idObject turns an id into the object {"id": ...} that ARM references by.
func idObject(v policy.Value) policy.Value { return policy.ObjectValue(member("id", v)) }

// valueObjects turns addresses into the rules {"value": ...}.
func valueObjects(v policy.Value) policy.Value {
	out := policy.ArrayValue()
	for _, item := range v.Items {
		out.Items = append(out.Items, policy.ObjectValue(member("value", item)))
	}
	return out
}

func idObjects(v policy.Value) policy.Value {
	out := policy.ArrayValue()
	for _, item := range v.Items {
		out.Items = append(out.Items, idObject(item))
	}
	return out
}
