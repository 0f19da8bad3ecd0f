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

// Excludes says why a definition applies to no resource of a type, whatever
// the resource has in it; "" if it may apply to some.
func (e *Evaluator) Excludes(b *Bound, resourceType string) string {
	return e.notApplicableTo(b, &Resource{Type: resourceType})
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
