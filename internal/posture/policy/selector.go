package policy

// Documented limits of selectors.
const (
	maxSelectors      = 10
	maxSelectorValues = 50
)

// Selector restricts an assignment or exemption: all its conditions must hold.
// Several selectors are alternatives.
type Selector struct {
	Name       string
	Conditions []SelectorCondition
}

// SelectorCondition compares one property of the resource with a list.
type SelectorCondition struct {
	Kind   string // resourceLocation, resourceType, resourceWithoutLocation, policyDefinitionReferenceId
	Values []string
	Not    bool // notIn instead of in
}

// Kinds of selector conditions.
const (
	selectLocation        = "resourceLocation"
	selectType            = "resourceType"
	selectWithoutLocation = "resourceWithoutLocation"
	selectReference       = "policyDefinitionReferenceId"
)

func parseSelectors(s section) []Selector {
	var out []Selector
	s.each("resourceSelectors", maxSelectors, func(s section) {
		out = append(out, Selector{
			Name:       s.text("name"),
			Conditions: parseSelectorConditions(s, selectLocation, selectType, selectWithoutLocation),
		})
	})
	return out
}

// parseSelectorConditions reads the list of one selector; every kind once, and
// a location excludes the kind without location.
func parseSelectorConditions(s section, kinds ...string) []SelectorCondition {
	var out []SelectorCondition
	seen := map[string]bool{}
	s.each("selectors", len(kinds), func(s section) {
		if s.text("kind") == "" {
			s.fail("kind", "is missing")
		}
		c := SelectorCondition{Kind: s.oneOf("kind", kinds...)}
		if seen[c.Kind] {
			s.fail("kind", "%s is there twice", c.Kind)
		}
		seen[c.Kind] = true
		in, notIn := s.texts("in", maxSelectorValues), s.texts("notIn", maxSelectorValues)
		if (len(in) > 0) == (len(notIn) > 0) {
			s.fail("", "needs exactly one of in and notIn")
		}
		c.Values, c.Not = append(in, notIn...), len(notIn) > 0
		out = append(out, c)
	})
	if seen[selectLocation] && seen[selectWithoutLocation] {
		s.fail("selectors", "%s and %s exclude each other", selectLocation, selectWithoutLocation)
	}
	return out
}

// Selected reports whether at least one selector selects the resource; an
// empty list selects everything.
func Selected(list []Selector, t Target) bool {
	for _, s := range list {
		if s.selects(t) {
			return true
		}
	}
	return len(list) == 0
}

func (s Selector) selects(t Target) bool {
	for _, c := range s.Conditions {
		if !c.holds(t, "") {
			return false
		}
	}
	return true
}

func (c SelectorCondition) holds(t Target, referenceID string) bool {
	found := false
	for _, v := range c.Values {
		switch c.Kind {
		case selectLocation:
			found = found || t.Location != "" && FoldLocation(v) == FoldLocation(t.Location)
		case selectType:
			found = found || equalFold(v, t.Type)
		case selectWithoutLocation:
			found = found || t.Location == ""
		case selectReference:
			found = found || equalFold(v, referenceID)
		}
	}
	return found != c.Not
}
