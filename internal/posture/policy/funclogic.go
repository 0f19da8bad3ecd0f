package policy

import (
	"fmt"
	"strings"
)

// junction is and/or over booleans: decisive decides alone.
func (c call) junction(decisive bool) (Value, error) {
	open := Value{}
	for i, a := range c.args {
		switch {
		case a.Kind == Unavailable:
			open = a
		case a.Kind != Bool:
			return Value{}, c.wrong(i, "a boolean")
		}
	}
	for _, a := range c.args {
		if a.Kind == Bool && a.Bool == decisive {
			return a, nil
		}
	}
	if open.Kind == Unavailable {
		return open, nil
	}
	return BoolValue(!decisive), nil
}

func fnAnd(c call) (Value, error) { return c.junction(false) }
func fnOr(c call) (Value, error)  { return c.junction(true) }

func fnNot(c call) (Value, error) {
	if c.args[0].Kind != Bool {
		return Value{}, c.wrong(0, "a boolean")
	}
	return BoolValue(!c.args[0].Bool), nil
}

func fnBool(c call) (Value, error) {
	a := c.args[0]
	switch a.Kind {
	case Bool:
		return a, nil
	case Int, Float:
		return BoolValue(a.Number() != 0), nil
	case String:
		switch strings.ToLower(a.Str) {
		case "true", "1":
			return BoolValue(true), nil
		case "false", "0":
			return BoolValue(false), nil
		}
	}
	return Value{}, fmt.Errorf("%s is no boolean", clip(a.String()))
}

func fnCoalesce(c call) (Value, error) {
	for _, a := range c.args {
		if !a.IsNothing() {
			return a, nil
		}
	}
	return NullValue(), nil
}

func fnEquals(c call) (Value, error) {
	a, b := c.args[0], c.args[1]
	if c.opt.ExactEqualsFunction && a.Kind == String && b.Kind == String {
		return BoolValue(a.Str == b.Str), nil
	}
	return BoolValue(equal(a, b) == True), nil
}

func fnNotEquals(c call) (Value, error) {
	v, err := fnEquals(c)
	return BoolValue(!v.Bool), err
}

func fnOrder(op Operator) func(call) (Value, error) {
	return func(c call) (Value, error) {
		t, err := applyOrder(op, c.args[0], c.args[1], c.opt)
		return BoolValue(t == True), err
	}
}

func fnContains(c call) (Value, error) {
	if c.args[0].isScalar() && c.args[0].Kind != String {
		return Value{}, c.wrong(0, "a string, array or object")
	}
	t, err := applyContains(c.args[0], c.args[1])
	return BoolValue(t == True), err
}
