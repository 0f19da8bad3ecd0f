package sigma

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// expr is a condition over selections, by name.
type expr interface{ isExpr() }

type (
	andExpr []expr
	orExpr  []expr
	notExpr struct{ of expr }
	refExpr string
	// ofExpr holds if at least n of the named selections do; -1 is all of them.
	ofExpr struct {
		n     int
		names []string
	}
)

func (andExpr) isExpr() {}
func (orExpr) isExpr()  {}
func (notExpr) isExpr() {}
func (refExpr) isExpr() {}
func (ofExpr) isExpr()  {}

// maxConditionDepth bounds nesting.
const maxConditionDepth = 100

// parseCondition reads a condition; from the weakest: or, and, not, x of.
func parseCondition(text string, names []string) (expr, error) {
	p := &conditionParser{tokens: conditionTokens(text), names: names}
	e, err := p.or(0)
	if err != nil {
		return nil, err
	}
	if p.at < len(p.tokens) {
		if p.tokens[p.at] == "|" {
			return nil, errors.New("aggregations of Sigma 1 are correlations today")
		}
		return nil, fmt.Errorf("%q is not expected here", p.tokens[p.at])
	}
	return e, nil
}

func conditionTokens(text string) []string {
	for _, c := range []string{"(", ")", "|"} {
		text = strings.ReplaceAll(text, c, " "+c+" ")
	}
	return strings.Fields(text)
}

type conditionParser struct {
	tokens []string
	at     int
	names  []string
}

// word takes the next token if it is a word, in any case.
func (p *conditionParser) word(w string) bool {
	if p.at < len(p.tokens) && strings.EqualFold(p.tokens[p.at], w) {
		p.at++
		return true
	}
	return false
}

func (p *conditionParser) or(depth int) (expr, error) {
	return p.list("or", depth, p.and, func(es []expr) expr { return orExpr(es) })
}

func (p *conditionParser) and(depth int) (expr, error) {
	return p.list("and", depth, p.not, func(es []expr) expr { return andExpr(es) })
}

func (p *conditionParser) list(word string, depth int, next func(int) (expr, error), join func([]expr) expr) (expr, error) {
	if depth > maxConditionDepth {
		return nil, errors.New("it is nested too deep")
	}
	first, err := next(depth + 1)
	if err != nil {
		return nil, err
	}
	es := []expr{first}
	for p.word(word) {
		e, err := next(depth + 1)
		if err != nil {
			return nil, err
		}
		es = append(es, e)
	}
	if len(es) == 1 {
		return first, nil
	}
	return join(es), nil
}

func (p *conditionParser) not(depth int) (expr, error) {
	if depth > maxConditionDepth {
		return nil, errors.New("it is nested too deep")
	}
	if p.word("not") {
		e, err := p.not(depth + 1)
		return notExpr{e}, err
	}
	return p.primary(depth)
}

func (p *conditionParser) primary(depth int) (expr, error) {
	if p.at >= len(p.tokens) {
		return nil, errors.New("it ends too early")
	}
	if p.word("(") {
		e, err := p.or(depth + 1)
		if err != nil {
			return nil, err
		}
		if !p.word(")") {
			return nil, errors.New("a closing parenthesis is missing")
		}
		return e, nil
	}
	if p.at+2 < len(p.tokens) && strings.EqualFold(p.tokens[p.at+1], "of") {
		return p.of()
	}
	name := p.tokens[p.at]
	p.at++
	for _, n := range p.names {
		if n == name {
			return refExpr(name), nil
		}
	}
	return nil, fmt.Errorf("there is no selection %q", name)
}

func (p *conditionParser) of() (expr, error) {
	count, pattern := strings.ToLower(p.tokens[p.at]), p.tokens[p.at+2]
	p.at += 3
	e := ofExpr{n: 1}
	switch count {
	case "all":
		e.n = -1
	case "any":
	default:
		n, err := strconv.Atoi(count)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%q of is no number", count)
		}
		e.n = n
	}
	for _, n := range p.names {
		if strings.EqualFold(pattern, "them") && !strings.HasPrefix(n, "_") || !strings.EqualFold(pattern, "them") && globName(pattern, n) {
			e.names = append(e.names, n)
		}
	}
	if len(e.names) == 0 && !strings.Contains(pattern, "*") && !strings.EqualFold(pattern, "them") {
		return nil, fmt.Errorf("there is no selection %q", pattern)
	}
	return e, nil
}

// globName matches a selection's name; * is any text.
func globName(pattern, name string) bool {
	head, rest, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == name
	}
	if !strings.HasPrefix(name, head) {
		return false
	}
	name = name[len(head):]
	for i := 0; i <= len(name); i++ {
		if globName(rest, name[i:]) {
			return true
		}
	}
	return false
}
