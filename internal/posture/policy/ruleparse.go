package policy

import (
	"errors"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// Documented limits of rules.
const (
	maxConditions          = 4096 // of an if
	maxExistenceConditions = 128
	maxConditionDepth      = 64
	maxFieldCounts         = 5  // of one array in one rule
	maxValueCounts         = 10 // of one rule
)

// ruleParser turns JSON values into conditions and expressions and keeps the
// counts that the language limits for one rule.
type ruleParser struct {
	conditions, limit int
	functions         int
	valueCounts       int
	fieldCounts       map[string]int
}

func newRuleParser(limit int) *ruleParser {
	return &ruleParser{limit: limit, fieldCounts: map[string]int{}}
}

// condition parses one node; nesting counts logical operators and counts.
func (p *ruleParser) condition(v Value, path string, nesting int) (Condition, error) {
	if v.Kind != Object {
		return nil, faultAt(path, "a condition is an object, not %s", v.Kind)
	}
	if nesting > maxConditionDepth {
		return nil, faultAt(path, "conditions are nested deeper than %d", maxConditionDepth)
	}
	if p.conditions++; p.conditions > p.limit {
		return nil, faultAt(path, "more than %d conditions", p.limit)
	}
	keys, err := foldKeys(v, path)
	if err != nil {
		return nil, err
	}
	for _, logical := range [...]string{"allof", "anyof", "not"} {
		m, ok := keys[logical]
		if !ok {
			continue
		}
		if len(v.Fields) > 1 {
			return nil, faultAt(path, "%q stands beside other keys: %s", m.Key, keyList(v))
		}
		return p.logical(logical, m, path, nesting)
	}
	return p.leaf(v, path, nesting)
}

func (p *ruleParser) logical(kind string, m Member, path string, nesting int) (Condition, error) {
	at := joinPath(path, m.Key)
	if kind == "not" {
		of, err := p.condition(m.Value, at, nesting+1)
		if err != nil {
			return nil, err
		}
		return &Not{Path: path, Of: of}, nil
	}
	if m.Value.Kind != Array {
		return nil, faultAt(at, "must be an array of conditions, not %s", m.Value.Kind)
	}
	of := make([]Condition, len(m.Value.Items))
	for i, item := range m.Value.Items {
		c, err := p.condition(item, indexPath(at, i), nesting+1)
		if err != nil {
			return nil, err
		}
		of[i] = c
	}
	if kind == "allof" {
		return &AllOf{Path: path, Of: of}, nil
	}
	return &AnyOf{Path: path, Of: of}, nil
}

func (p *ruleParser) leaf(v Value, path string, nesting int) (Condition, error) {
	leaf := &Leaf{Path: path}
	sides := 0
	for _, m := range v.Fields {
		at := joinPath(path, m.Key)
		var err error
		switch folded := arm.Fold(m.Key); folded {
		case "field":
			sides++
			leaf.Field, err = p.field(m.Value, at)
		case "value":
			sides++
			leaf.Value, err = p.template(m.Value, at)
		case "count":
			sides++
			leaf.Count, err = p.count(m.Value, at, nesting)
		default:
			op, ok := operators[folded]
			if !ok {
				return nil, faultAt(at, "%q is neither a left side nor an operator", clip(m.Key))
			}
			if leaf.Op != 0 {
				return nil, faultAt(path, "has two operators: %s and %s", leaf.Op, op)
			}
			leaf.Op = op
			leaf.Right, err = p.operand(op, m.Value, at)
		}
		if err != nil {
			return nil, err
		}
	}
	if sides != 1 {
		return nil, faultAt(path, "needs exactly one of field, value and count, it has %s", keyList(v))
	}
	if leaf.Op == 0 {
		return nil, faultAt(path, "has no operator")
	}
	return leaf, nil
}

// operand parses the right side and refuses constants that the operator can
// never compare.
func (p *ruleParser) operand(op Operator, v Value, path string) (Expr, error) {
	e, err := p.template(v, path)
	if err != nil {
		return nil, err
	}
	c, ok := Constant(e)
	if !ok {
		return e, nil
	}
	base, _ := op.Negated()
	switch base {
	case OpExists:
		if _, ok := truth(c); !ok {
			return nil, faultAt(path, "must be true or false, not %s", clip(c.String()))
		}
	case OpLike, OpMatch, OpMatchInsensitively, OpContainsKey, OpLess, OpLessOrEquals, OpGreater, OpGreaterOrEquals:
		if c.Kind == Array || c.Kind == Object {
			return nil, faultAt(path, "%s does not compare with an %s", op, c.Kind)
		}
	}
	return e, nil
}

// truth reads the operand of exists: a boolean or its text.
func truth(v Value) (value, ok bool) {
	switch {
	case v.Kind == Bool:
		return v.Bool, true
	case v.Kind == String && strings.EqualFold(v.Str, "true"):
		return true, true
	case v.Kind == String && strings.EqualFold(v.Str, "false"):
		return false, true
	}
	return false, false
}

func (p *ruleParser) field(v Value, path string) (*Field, error) {
	if v.Kind != String {
		return nil, faultAt(path, "a field is named by a string, not by %s", v.Kind)
	}
	if !IsExpression(v.Str) {
		f, err := ParseField(literalText(v.Str))
		if err != nil {
			return nil, faultAt(path, "%v", err)
		}
		return f, nil
	}
	e, err := p.expression(v.Str, path)
	if err != nil {
		return nil, err
	}
	f, err := fieldOf(e)
	if err != nil {
		return nil, faultAt(path, "%v", err)
	}
	f.Text = v.Str
	return f, nil
}

func (p *ruleParser) count(v Value, path string, nesting int) (*Count, error) {
	if v.Kind != Object {
		return nil, faultAt(path, "must be an object, not %s", v.Kind)
	}
	if nesting > maxConditionDepth {
		return nil, faultAt(path, "counts are nested deeper than %d", maxConditionDepth)
	}
	c := &Count{Path: path}
	if _, err := foldKeys(v, path); err != nil {
		return nil, err
	}
	for _, m := range v.Fields {
		at := joinPath(path, m.Key)
		var err error
		switch arm.Fold(m.Key) {
		case "field":
			c.Field, err = p.field(m.Value, at)
		case "value":
			c.Value, err = p.template(m.Value, at)
		case "name":
			if m.Value.Kind != String || m.Value.Str == "" {
				return nil, faultAt(at, "must be a name")
			}
			c.Name = m.Value.Str
		case "where":
			c.Where, err = p.condition(m.Value, at, nesting+1)
		default:
			return nil, faultAt(at, "count has no key %q", clip(m.Key))
		}
		if err != nil {
			return nil, err
		}
	}
	return c, p.checkCount(c, path)
}

func (p *ruleParser) checkCount(c *Count, path string) error {
	if (c.Field == nil) == (c.Value == nil) {
		return faultAt(path, "count needs exactly one of field and value")
	}
	if c.Field == nil {
		if p.valueCounts++; p.valueCounts > maxValueCounts {
			return faultAt(path, "more than %d counts over values", maxValueCounts)
		}
		return nil
	}
	if c.Name != "" {
		return faultAt(path, "name belongs to a count over a value")
	}
	if c.Field.Kind == FieldDynamic {
		return nil
	}
	if !c.Field.IsArray() {
		return faultAt(joinPath(path, "field"), "%q selects no array members: it has no [*]", clip(c.Field.Text))
	}
	key := arm.Fold(c.Field.Text)
	if p.fieldCounts[key]++; p.fieldCounts[key] > maxFieldCounts {
		return faultAt(path, "more than %d counts over %s", maxFieldCounts, c.Field.Text)
	}
	return nil
}

// expression parses a string that IsExpression.
func (p *ruleParser) expression(text, path string) (Expr, error) {
	e, calls, err := parseExpression(text, false)
	if err != nil {
		return nil, faultAt(path, "%v", err)
	}
	if p.functions += calls; p.functions > maxFunctions {
		return nil, faultAt(path, "the rule calls more than %d functions", maxFunctions)
	}
	return e, nil
}

// template parses a JSON value whose strings, at any depth, may be
// expressions. The result is a Literal when none is.
func (p *ruleParser) template(v Value, path string) (Expr, error) {
	switch v.Kind {
	case String:
		if IsExpression(v.Str) {
			return p.expression(v.Str, path)
		}
		return &Literal{StringValue(literalText(v.Str))}, nil
	case Array:
		items := make([]Expr, len(v.Items))
		for i, item := range v.Items {
			e, err := p.template(item, indexPath(path, i))
			if err != nil {
				return nil, err
			}
			items[i] = e
		}
		return foldArray(items), nil
	case Object:
		o := &ObjectExpr{}
		for _, m := range v.Fields {
			e, err := p.template(m.Value, joinPath(path, m.Key))
			if err != nil {
				return nil, err
			}
			o.Keys = append(o.Keys, m.Key)
			o.Values = append(o.Values, e)
		}
		return foldObject(o), nil
	}
	return &Literal{v}, nil
}

// foldArray is a Literal when every item is.
func foldArray(items []Expr) Expr {
	values := make([]Value, len(items))
	for i, e := range items {
		v, ok := Constant(e)
		if !ok {
			return &ArrayExpr{Items: items}
		}
		values[i] = v
	}
	return &Literal{ArrayValue(values...)}
}

// foldObject is a Literal when every member is.
func foldObject(o *ObjectExpr) Expr {
	members := make([]Member, len(o.Keys))
	for i, e := range o.Values {
		v, ok := Constant(e)
		if !ok {
			return o
		}
		members[i] = Member{o.Keys[i], v}
	}
	return &Literal{ObjectValue(members...)}
}

// foldKeys indexes an object's members by folded key; two keys that differ in
// case only are an error, because which one holds would be chance.
func foldKeys(v Value, path string) (map[string]Member, error) {
	keys := make(map[string]Member, len(v.Fields))
	for _, m := range v.Fields {
		folded := arm.Fold(m.Key)
		if _, dup := keys[folded]; dup {
			return nil, faultAt(joinPath(path, m.Key), "the key is there twice in different letter case")
		}
		keys[folded] = m
	}
	return keys, nil
}

func keyList(v Value) string {
	if len(v.Fields) == 0 {
		return "no keys"
	}
	names := make([]string, 0, len(v.Fields))
	for _, m := range v.Fields {
		names = append(names, clip(m.Key))
	}
	return clip(strings.Join(names, ", "))
}

// under moves an error's path below a document path.
func under(path string, err error) error {
	var d *DocumentError
	if !errors.As(err, &d) {
		return faultAt(path, "%v", err)
	}
	if d.Path == "" {
		return &DocumentError{Path: path, Reason: d.Reason}
	}
	if path != "" && d.Path[0] != '[' {
		path += "."
	}
	return &DocumentError{Path: path + d.Path, Reason: d.Reason}
}
