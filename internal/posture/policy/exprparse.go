package policy

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// Documented limits of expressions.
const (
	maxExpressionText = 81920
	maxExpressionDeep = 64
	maxArguments      = 128
	maxFunctions      = 2048 // of one rule
)

// ParseExpression parses the text of an expression with its brackets,
// "[concat('a', field('name'))]". Every function is known and takes that many
// arguments.
func ParseExpression(text string) (Expr, error) {
	e, _, err := parseExpression(text, false)
	return e, err
}

// ParseTemplateExpression parses an expression of a deployment template: calls
// of any function, user-defined ones ("namespace.name(...)") included, are
// *Call nodes with the lower-case name; nothing is known about arguments.
func ParseTemplateExpression(text string) (Expr, error) {
	e, _, err := parseExpression(text, true)
	return e, err
}

// parseExpression also returns the number of function calls.
func parseExpression(text string, template bool) (Expr, int, error) {
	if !IsExpression(text) {
		return nil, 0, fmt.Errorf("%q is no expression: it does not stand in brackets", clip(text))
	}
	if len(text) > maxExpressionText {
		return nil, 0, fmt.Errorf("the expression is longer than %d characters", maxExpressionText)
	}
	p := &exprParser{text: text[1 : len(text)-1], template: template}
	e, err := p.expression(0)
	if err == nil {
		if p.space(); p.pos < len(p.text) {
			err = p.fault("unexpected %q", clip(p.text[p.pos:]))
		}
	}
	if err != nil {
		return nil, 0, fmt.Errorf("expression %q: %w", clip(text), err)
	}
	return e, p.calls, nil
}

// exprParser is a recursive descent over
//
//	expression = "-" expression | primary { "." name | "[" expression "]" }
//	primary    = number | string | name "(" [ expression { "," expression } ] ")" | true | false | null
type exprParser struct {
	text  string // without the outer brackets
	pos   int
	calls int
	// template accepts the functions of deployment templates.
	template bool
}

// fault counts the position from the opening bracket, as an editor shows it.
func (p *exprParser) fault(format string, args ...any) error {
	return fmt.Errorf("character %d: %s", p.pos+2, fmt.Sprintf(format, args...))
}

func (p *exprParser) space() {
	for p.pos < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.pos]) >= 0 {
		p.pos++
	}
}

// next skips space and takes c if it comes next.
func (p *exprParser) next(c byte) bool {
	if p.space(); p.pos < len(p.text) && p.text[p.pos] == c {
		p.pos++
		return true
	}
	return false
}

func (p *exprParser) expression(depth int) (Expr, error) {
	if depth > maxExpressionDeep {
		return nil, p.fault("nested deeper than %d", maxExpressionDeep)
	}
	if p.next('-') {
		return p.negation(depth)
	}
	e, err := p.primary(depth)
	for err == nil {
		switch {
		case p.next('.'):
			var name string
			if name, err = p.name(); err == nil {
				e = &MemberAccess{X: e, Name: name}
			}
		case p.next('['):
			var index Expr
			if index, err = p.expression(depth + 1); err == nil {
				e = &IndexAccess{X: e, Index: index}
				if !p.next(']') {
					err = p.fault("the index does not end in ]")
				}
			}
		default:
			return e, nil
		}
	}
	return nil, err
}

func (p *exprParser) negation(depth int) (Expr, error) {
	e, err := p.expression(depth + 1)
	if err != nil {
		return nil, err
	}
	if v, ok := Constant(e); ok {
		switch v.Kind {
		case Int:
			return &Literal{IntValue(-v.Int)}, nil
		case Float:
			return &Literal{FloatValue(-v.Float)}, nil
		}
	}
	p.calls++
	return &Call{Name: "sub", Args: []Expr{&Literal{IntValue(0)}, e}}, nil
}

func (p *exprParser) primary(depth int) (Expr, error) {
	p.space()
	if p.pos >= len(p.text) {
		return nil, p.fault("something is missing at the end")
	}
	c := p.text[p.pos]
	switch {
	case c == '\'':
		return p.quoted()
	case c >= '0' && c <= '9':
		return p.number()
	}
	name, err := p.name()
	if err != nil {
		return nil, err
	}
	if !p.next('(') {
		return p.word(name, depth)
	}
	args, err := p.arguments(depth)
	if err != nil {
		return nil, err
	}
	return p.call(name, args)
}

// word accepts the constants that some authors write without parentheses.
func (p *exprParser) word(name string, depth int) (Expr, error) {
	switch arm.Fold(name) {
	case "true", "false":
		return &Literal{BoolValue(arm.Fold(name) == "true")}, nil
	case "null":
		return &Literal{NullValue()}, nil
	}
	if p.template && p.next('.') {
		return p.userFunction(name, depth)
	}
	return nil, p.fault("%q is neither a value nor a call", name)
}

// userFunction parses the rest of "namespace.name(...)".
func (p *exprParser) userFunction(namespace string, depth int) (Expr, error) {
	name, err := p.name()
	if err != nil {
		return nil, err
	}
	if !p.next('(') {
		return nil, p.fault("%s.%s is no call", namespace, name)
	}
	args, err := p.arguments(depth)
	if err != nil {
		return nil, err
	}
	p.calls++
	return &Call{Name: arm.Fold(namespace + "." + name), Args: args}, nil
}

func (p *exprParser) quoted() (Expr, error) {
	var b strings.Builder
	for i := p.pos + 1; i < len(p.text); i++ {
		if p.text[i] != '\'' {
			b.WriteByte(p.text[i])
			continue
		}
		if i+1 < len(p.text) && p.text[i+1] == '\'' {
			b.WriteByte('\'')
			i++
			continue
		}
		p.pos = i + 1
		return &Literal{StringValue(b.String())}, nil
	}
	return nil, p.fault("the string has no end")
}

func (p *exprParser) number() (Expr, error) {
	start := p.pos
	digits := func() {
		for p.pos < len(p.text) && p.text[p.pos] >= '0' && p.text[p.pos] <= '9' {
			p.pos++
		}
	}
	digits()
	if p.pos+1 < len(p.text) && p.text[p.pos] == '.' && p.text[p.pos+1] >= '0' && p.text[p.pos+1] <= '9' {
		p.pos++
		digits()
	}
	if rest := p.text[p.pos:]; len(rest) > 1 && (rest[0] == 'e' || rest[0] == 'E') {
		p.pos++
		if rest[1] == '-' || rest[1] == '+' {
			p.pos++
		}
		digits()
	}
	text := p.text[start:p.pos]
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return &Literal{IntValue(n)}, nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, p.fault("%q is no number", clip(text))
	}
	return &Literal{FloatValue(f)}, nil
}

func (p *exprParser) name() (string, error) {
	p.space()
	start := p.pos
	for p.pos < len(p.text) && isNameByte(p.text[p.pos], p.pos > start) {
		p.pos++
	}
	if p.pos == start {
		return "", p.fault("a name is expected")
	}
	return p.text[start:p.pos], nil
}

func isNameByte(c byte, inner bool) bool {
	return c == '_' || c == '$' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || inner && c >= '0' && c <= '9'
}

func (p *exprParser) arguments(depth int) ([]Expr, error) {
	if p.next(')') {
		return nil, nil
	}
	var args []Expr
	for {
		arg, err := p.expression(depth + 1)
		if err != nil {
			return nil, err
		}
		if args = append(args, arg); len(args) > maxArguments {
			return nil, p.fault("more than %d arguments", maxArguments)
		}
		if p.next(')') {
			return args, nil
		}
		if !p.next(',') {
			return nil, p.fault("the arguments do not end in )")
		}
	}
}

// call checks the function and gives field() and current() their own nodes.
func (p *exprParser) call(name string, args []Expr) (Expr, error) {
	p.calls++
	folded := arm.Fold(name)
	if p.template {
		return &Call{Name: folded, Args: args}, nil
	}
	sig, ok := signatures[folded]
	if !ok {
		return nil, p.fault("%s", unknownFunction(name))
	}
	if len(args) < sig.min || sig.max >= 0 && len(args) > sig.max {
		return nil, p.fault("%s takes %s, not %d", name, sig, len(args))
	}
	switch folded {
	case "field":
		f, err := fieldOf(args[0])
		if err != nil {
			return nil, p.fault("%v", err)
		}
		return &FieldCall{Field: f}, nil
	case "current":
		if len(args) == 0 {
			return &CurrentCall{}, nil
		}
		return &CurrentCall{Name: args[0]}, nil
	}
	return &Call{Name: folded, Args: args}, nil
}

// fieldOf makes a field of an expression that names it.
func fieldOf(name Expr) (*Field, error) {
	v, ok := Constant(name)
	if !ok {
		return &Field{Kind: FieldDynamic, Expr: name}, nil
	}
	if v.Kind != String {
		return nil, fmt.Errorf("a field is named by a string, not by %s", v.Kind)
	}
	return ParseField(v.Str)
}
