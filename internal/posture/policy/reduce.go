package policy

// Applicability is the part of a rule's if that decides whether the rule
// applies to a resource at all: conditions that do not decide are replaced by
// what makes the whole true. The rule does not apply where it is False.
func Applicability(c Condition) Condition { return reduce(c, shapeOf(c), true) }

func reduce(c Condition, s shape, positive bool) Condition {
	switch c := c.(type) {
	case *AllOf:
		return &AllOf{Path: c.Path, Of: reduceAll(c.Of, s, positive)}
	case *AnyOf:
		return &AnyOf{Path: c.Path, Of: reduceAll(c.Of, s, positive)}
	case *Not:
		return &Not{Path: c.Path, Of: reduce(c.Of, s, !positive)}
	case *Leaf:
		if s.decides(c) {
			return c
		}
	}
	if positive {
		return &AllOf{}
	}
	return &AnyOf{}
}

func reduceAll(of []Condition, s shape, positive bool) []Condition {
	out := make([]Condition, len(of))
	for i, c := range of {
		out[i] = reduce(c, s, positive)
	}
	return out
}

// Inapplicable says why a definition applies to no resource at all; "" if it
// may apply to some.
func (e *Evaluator) Inapplicable(b *Bound) string { return e.notApplicableAtAll(b) }

// ExcludesType says why a definition applies to no resource of a type, whatever
// the resource has in it; "" if it may apply to some.
func (e *Evaluator) ExcludesType(b *Bound, resourceType string) string {
	return e.excluded(b, &Resource{Type: resourceType})
}

// VersionFor returns the version pin that an override gives to the assigned
// definitions on a resource, "" if none does.
func (a *Assignment) VersionFor(t Target) string {
	for _, o := range a.Overrides {
		if o.Version != "" && o.applies("", t) {
			return o.Version
		}
	}
	return ""
}

// Versioned reports whether an alias of the resource type has paths by API
// version, so that rules mean different paths for different documents.
func (a *Aliases) Versioned(resourceType string) bool {
	for _, row := range a.types[folded(resourceType)] {
		if len(row.versions) > 0 {
			return true
		}
	}
	return false
}

// Condition evaluates one condition outside any rule: plain fields refer to
// subject, field() to root; b is the definition that policy() names. A
// condition that stands inside a count cannot be evaluated alone.
func (e *Evaluator) Condition(c Condition, b *Bound, docs Documents, env Environment) Truth {
	t, _ := e.run(b, docs.Subject, docs.Root, env).condition(c, nil)
	return t
}

// Documents are what a condition is about: Subject and Root are the same but
// in an existenceCondition, where Subject is the related resource.
type Documents struct{ Subject, Root *Resource }

// Lookup computes where the related resources of a resource are looked for.
// open is the declaration that makes a part of it unknown.
func (e *Evaluator) Lookup(b *Bound, r *Resource, env Environment) (q Query, open string, err error) {
	return e.run(b, r, r, env).query(b.Details)
}

// NewestRequest is what requestContext() gives in a compliance scan: the same
// for every resource.
func NewestRequest() Value { return new(run).request() }
