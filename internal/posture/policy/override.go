package policy

// Override replaces the effect or the version of some members of an assigned
// initiative. The first one whose selectors hold decides.
type Override struct {
	// Effect is the new effect, lower-case; "" if the override is of a version.
	Effect string
	// Version is the new version pin; "" if the override is of an effect.
	Version    string
	Conditions []SelectorCondition
}

func parseOverride(s section) Override {
	kind, value := s.oneOf("kind", "policyEffect", "policyVersion"), s.required("value")
	o := Override{}
	if kind == "policyVersion" {
		o.Version, o.Conditions = value, parseSelectorConditions(s, selectLocation)
		return o
	}
	if !knownEffect(value) {
		s.fail("value", "there is no effect %q", clip(value))
	}
	o.Effect, o.Conditions = folded(value), parseSelectorConditions(s, selectReference, selectLocation)
	return o
}

// applies reports whether the override is for a member on a resource.
func (o Override) applies(referenceID string, t Target) bool {
	for _, c := range o.Conditions {
		if !c.holds(t, referenceID) {
			return false
		}
	}
	return true
}

// Effect returns the effect that an override gives to a member on a resource,
// "" if none does.
func (a *Assignment) Effect(referenceID string, t Target) string {
	for _, o := range a.Overrides {
		if o.Effect != "" && o.applies(referenceID, t) {
			return o.Effect
		}
	}
	return ""
}

// WithEffect returns the bound definition with another effect, as an override
// asks for. The effect must be one that the definition's effect parameter
// allows, if it has one.
func (b *Bound) WithEffect(effect string) (*Bound, error) {
	for _, p := range b.Definition.Parameters {
		if !equalFold(p.Name, "effect") {
			continue
		}
		if err := p.Accepts(StringValue(effect)); err != nil {
			return nil, err
		}
	}
	binder := &binder{values: b.Parameters}
	out := *b
	out.Effect, out.Details = folded(effect), nil
	return &out, binder.existence(&out, b.Definition.Rule)
}
