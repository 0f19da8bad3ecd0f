package policy

import "github.com/rampart-sec/rampart/internal/base/arm"

// group is resourceGroup(): the group's document if the estate has it, else
// what the resource's id says. managedBy and tags are always there, null and
// empty for a group without: rules that leave out managed groups compare
// managedBy of all.
func (r *run) group() Value {
	v := r.groupDocument()
	if v.Kind != Object {
		return v
	}
	if v.Get("managedBy").Kind == Missing {
		v = with(v, "managedBy", NullValue())
	}
	if v.Get("tags").IsNothing() {
		v = with(v, "tags", ObjectValue())
	}
	return v
}

func (r *run) groupDocument() Value {
	if r.env.ResourceGroup.Kind != Missing {
		return r.env.ResourceGroup
	}
	id := r.root.ID.ResourceGroupID()
	if id == "" {
		return Value{}
	}
	base := ObjectValue(Member{"id", StringValue(id)}, Member{"name", StringValue(r.root.ID.ResourceGroup())},
		Member{"type", StringValue("Microsoft.Resources/resourceGroups")})
	return r.known(base, id, "location", "tags")
}

// subscription is subscription().
func (r *run) subscription() Value {
	if r.env.Subscription.Kind != Missing {
		return r.env.Subscription
	}
	id := r.root.ID.SubscriptionID()
	if id == "" {
		return Value{}
	}
	base := ObjectValue(Member{"id", StringValue(id)}, Member{"subscriptionId", StringValue(r.root.ID.Subscription())})
	return r.known(base, id, "displayName", "tags")
}

// known overlays what the estate knows about a container on what its id says.
// Without its document the rest is unavailable.
func (r *run) known(base Value, id string, rest ...string) Value {
	var doc *Resource
	if parsed, err := arm.ParseID(id); err == nil && r.Estate != nil {
		doc = r.Estate.Resource(parsed)
	}
	if doc == nil {
		for _, key := range rest {
			base = with(base, key, UnavailableValue(key+" of "+id+" was not delivered"))
		}
		return base
	}
	for _, m := range doc.Body.Fields {
		if base.Get(m.Key).Kind == Missing {
			base = with(base, m.Key, m.Value)
		}
	}
	if name := doc.Body.Get("properties").Get("displayName"); name.Kind != Missing && base.Get("displayName").Kind == Missing {
		base = with(base, "displayName", name)
	}
	return base
}

// policy is policy().
func (r *run) policy() Value {
	a := r.env.Assigned
	if a.DefinitionID == "" {
		a.DefinitionID = r.bound.Definition.ID
	}
	out := ObjectValue()
	for _, m := range [...]struct{ key, value string }{
		{"assignmentId", a.AssignmentID}, {"definitionId", a.DefinitionID},
		{"setDefinitionId", a.SetDefinitionID}, {"definitionReferenceId", a.ReferenceID},
	} {
		out.Fields = append(out.Fields, Member{m.key, StringValue(m.value)})
	}
	return out
}

// request is requestContext().
func (r *run) request() Value {
	if r.env.RequestContext.Kind != Missing {
		return r.env.RequestContext
	}
	return ObjectValue(Member{"apiVersion", StringValue(newestAPIVersion)})
}
