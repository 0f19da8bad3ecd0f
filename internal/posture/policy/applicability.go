package policy

import (
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// notApplicable says why a definition does not apply to a resource, before and
// apart from compliance; "" if it does.
func (e *Evaluator) notApplicable(b *Bound, r *Resource, env Environment) string {
	if why := e.notApplicableAtAll(b); why != "" {
		return why
	}
	if why := e.excluded(b, r); why != "" {
		return why
	}
	if b.Effect == "auditifnotexists" || b.Effect == "deployifnotexists" {
		return "" // an if that is false says so itself
	}
	if truth, _ := e.run(b, r, r, env).condition(Applicability(b.If), nil); truth == False {
		return "the rule is about other types or names"
	}
	return ""
}

// notApplicableAtAll is the part of notApplicable that looks at the definition
// alone.
func (e *Evaluator) notApplicableAtAll(b *Bound) string {
	switch b.Effect {
	case "disabled":
		return "the effect is disabled"
	case "denyaction", "auditaction", "addtonetworkgroup", "mutate", "none",
		"enforceopaconstraint", "enforceregopolicy", "enforcesetting":
		return "the effect " + b.Effect + " judges requests, not resources"
	}
	if !b.Supported() {
		return "the judgement of mode " + b.Definition.Mode + " is written in another language"
	}
	if u := b.UnknownAliases(e.Aliases, e.Options); len(u) > 0 {
		return "there is no alias " + u[0]
	}
	if usesIdentity(b.If) {
		return "requestContext().identity is known for requests only"
	}
	return ""
}

// neverEvaluated are prefixes of types that are not judged.
var neverEvaluated = [...]string{
	"microsoft.resources/", "microsoft.billing/", "microsoft.capacity/reservationorders/", "microsoft.help/", "microsoft.diagnostics/",
}

// excluded applies the definition's mode and the types that are never judged.
func (e *Evaluator) excluded(b *Bound, r *Resource) string {
	typ := folded(r.Type)
	if b.hides(r) {
		return "it is a document of the product's own about a resource"
	}
	container := typ == folded(arm.TypeSubscription) || typ == folded(arm.TypeResourceGroup)
	if container {
		if b.Definition.Mode == ModeIndexed {
			return "mode Indexed does not judge subscriptions and resource groups"
		}
		if typ == folded(arm.TypeSubscription) && shapeOf(b.If).location {
			return "a rule about locations does not judge subscriptions"
		}
		return ""
	}
	for _, prefix := range neverEvaluated {
		if strings.HasPrefix(typ, prefix) {
			return "resources of type " + r.Type + " are never judged"
		}
	}
	if b.Definition.Mode == ModeIndexed && e.Aliases != nil && e.Aliases.unindexed(typ) {
		return "mode Indexed judges types with tags and location only"
	}
	return ""
}

// shape is what a rule's conditions are about.
type shape struct{ typ, name, kind, location, other bool }

func shapeOf(c Condition) shape {
	var s shape
	s.add(c)
	return s
}

func (s *shape) add(c Condition) {
	switch c := c.(type) {
	case *AllOf:
		for _, child := range c.Of {
			s.add(child)
		}
	case *AnyOf:
		for _, child := range c.Of {
			s.add(child)
		}
	case *Not:
		s.add(c.Of)
	case *Leaf:
		s.leaf(c)
	}
}

func (s *shape) leaf(l *Leaf) {
	kind := FieldKind(0)
	if l.Field != nil {
		kind = l.Field.Kind
	}
	switch kind {
	case FieldType:
		s.typ = true
	case FieldName:
		s.name = true
	case FieldKindOf:
		s.kind = true
	case FieldLocation:
		s.location, s.other = true, true
	default:
		s.other = true
	}
}

// decides reports whether a leaf counts for applicability: conditions on type,
// name and kind do, but a rule of nothing but names or kinds applies to all,
// and in one of types with names, or with kinds, only the type counts.
func (s shape) decides(l *Leaf) bool {
	if l.Field == nil {
		return false
	}
	switch l.Field.Kind {
	case FieldType:
		return true
	case FieldName:
		return s.other || s.kind && s.typ
	case FieldKindOf:
		return s.other || s.name && s.typ
	}
	return false
}
