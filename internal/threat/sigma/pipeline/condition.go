package pipeline

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// conditions are the conditions of a transformation on one level.
type conditions[T any] struct {
	tests  []func(r *rule, x T) bool
	any    bool
	negate bool
}

// on reports whether they hold; none hold always.
func (c *conditions[T]) on(r *rule, x T) bool {
	if len(c.tests) == 0 {
		return true
	}
	ok := !c.any
	for _, test := range c.tests {
		if test(r, x) == c.any {
			ok = c.any
			break
		}
	}
	return ok != c.negate
}

// ruleConditions are conditions about a whole rule.
type ruleConditions struct{ conditions[struct{}] }

func (c *ruleConditions) holds(r *rule) bool { return c.on(r, struct{}{}) }

// item is a field of a selection with its values.
type item struct {
	key, value *yaml.Node
}

// field is the name without modifiers.
func (i item) field() string {
	name, _, _ := strings.Cut(i.key.Value, "|")
	return name
}

func (i item) has(modifier string) bool {
	return slices.Contains(strings.Split(strings.ToLower(i.key.Value), "|")[1:], modifier)
}

// values are the scalars of the item.
func (i item) values() []*yaml.Node {
	if i.value.Kind == yaml.SequenceNode {
		return i.value.Content
	}
	return []*yaml.Node{i.value}
}

// param reads the parameters of a condition or transformation.
type param struct{ n *yaml.Node }

func (p param) text(key string) string {
	if v := get(p.n, key); v != nil {
		return v.Value
	}
	return ""
}

func (p param) list(key string) ([]string, error) {
	v := get(p.n, key)
	if v == nil {
		return nil, nil
	}
	return scalars(v)
}

func (p param) errorf(format string, args ...any) error {
	return fmt.Errorf("line %d: %s", p.n.Line, fmt.Sprintf(format, args...))
}

// readConditions reads a list of conditions and how they are joined.
func readConditions[T any](t param, prefix, list string, one func(param) (func(*rule, T) bool, error)) (c conditions[T], err error) {
	if get(t.n, prefix+"_expr") != nil || get(t.n, prefix+"_expression") != nil {
		return c, t.errorf("expressions over conditions are not read; write %s_op", prefix)
	}
	c.any = strings.EqualFold(t.text(prefix+"_op"), "or")
	c.negate = strings.EqualFold(t.text(prefix+"_not"), "true") || strings.EqualFold(t.text(prefix+"_negate"), "true")
	v := get(t.n, list)
	if v == nil {
		return c, nil
	}
	if v.Kind != yaml.SequenceNode {
		return c, t.errorf("%s is no list", list)
	}
	for _, n := range v.Content {
		test, err := one(param{n})
		if err != nil {
			return c, err
		}
		c.tests = append(c.tests, test)
	}
	return c, nil
}

func ruleCondition(p param) (func(*rule, struct{}) bool, error) {
	switch kind := p.text("type"); kind {
	case "logsource":
		want := map[string]string{"category": p.text("category"), "product": p.text("product"), "service": p.text("service")}
		return func(r *rule, _ struct{}) bool {
			for key, value := range want {
				if value != "" && !strings.EqualFold(value, r.logSource(key)) {
					return false
				}
			}
			return true
		}, nil
	case "contains_detection_item":
		field, value := p.text("field"), p.text("value")
		return func(r *rule, _ struct{}) bool {
			return r.any(func(i item) bool {
				return i.field() == field && slices.ContainsFunc(i.values(), func(n *yaml.Node) bool { return strings.EqualFold(n.Value, value) })
			})
		}, nil
	case "contains_field":
		field := p.text("field")
		return func(r *rule, _ struct{}) bool {
			return r.any(func(i item) bool { return i.field() == field })
		}, nil
	case "processing_item_applied":
		id := p.text("processing_item_id")
		return func(r *rule, _ struct{}) bool { return r.applied[id] }, nil
	case "processing_state":
		return stateTest[struct{}](p)
	case "is_sigma_rule":
		return func(r *rule, _ struct{}) bool { return get(r.doc, "detection") != nil }, nil
	case "is_sigma_correlation_rule":
		return func(r *rule, _ struct{}) bool { return get(r.doc, "correlation") != nil }, nil
	case "tag":
		tag := p.text("tag")
		return func(r *rule, _ struct{}) bool {
			tags := get(r.doc, "tags")
			return tags != nil && slices.ContainsFunc(tags.Content, func(n *yaml.Node) bool { return n.Value == tag })
		}, nil
	case "rule_attribute":
		name, value, op := p.text("attribute"), p.text("value"), p.text("op")
		if op != "" && op != "eq" && op != "ne" {
			return nil, p.errorf("comparison %q of rule_attribute is not read", op)
		}
		return func(r *rule, _ struct{}) bool {
			v := get(r.doc, name)
			return v != nil && (v.Value == value) != (op == "ne")
		}, nil
	default:
		return nil, p.errorf("unknown condition %q for rules", kind)
	}
}

func stateTest[T any](p param) (func(*rule, T) bool, error) {
	key, value := p.text("key"), p.text("val")
	return func(r *rule, _ T) bool {
		have, ok := r.state[key]
		return ok && have == value
	}, nil
}

func itemCondition(p param) (func(*rule, item) bool, error) {
	switch kind := p.text("type"); kind {
	case "match_string":
		re, err := regexp.Compile("^(?:" + p.text("pattern") + ")")
		if err != nil {
			return nil, p.errorf("pattern: %s", err)
		}
		all, negate := p.text("cond") == "all", p.text("negate") == "true"
		return func(_ *rule, i item) bool {
			found := slices.ContainsFunc(i.values(), func(n *yaml.Node) bool {
				return (n.Tag != "!!null" && re.MatchString(n.Value)) != all
			})
			return (found != all) != negate
		}, nil
	case "is_null":
		return func(_ *rule, i item) bool {
			return slices.ContainsFunc(i.values(), func(n *yaml.Node) bool { return n.Tag == "!!null" })
		}, nil
	case "contains_wildcard":
		return func(_ *rule, i item) bool {
			return slices.ContainsFunc(i.values(), func(n *yaml.Node) bool { return strings.ContainsAny(n.Value, "*?") })
		}, nil
	case "processing_item_applied":
		id := p.text("processing_item_id")
		return func(r *rule, i item) bool { return r.touched[i.key][id] }, nil
	case "processing_state":
		return stateTest[item](p)
	default:
		return nil, p.errorf("unknown condition %q for detection items", kind)
	}
}

func fieldCondition(p param) (func(*rule, string) bool, error) {
	kind := p.text("type")
	if kind == "processing_state" {
		return stateTest[string](p)
	}
	if kind != "include_fields" && kind != "exclude_fields" {
		return nil, p.errorf("unknown condition %q for field names", kind)
	}
	fields, err := p.list("fields")
	if err != nil {
		return nil, p.errorf("fields: %s", err)
	}
	test := func(name string) bool { return slices.Contains(fields, name) }
	if p.text("mode") == "re" || get(p.n, "match_type") != nil && p.text("match_type") == "re" {
		re, err := regexp.Compile("^(?:" + strings.Join(fields, "|") + ")$")
		if err != nil {
			return nil, p.errorf("fields: %s", err)
		}
		test = re.MatchString
	}
	include := kind == "include_fields"
	return func(_ *rule, name string) bool { return test(name) == include }, nil
}
