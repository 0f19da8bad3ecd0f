package policy

import (
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// arithmetic computes on integers where both are, else on floats.
func (c call) arithmetic(ints func(a, b int64) (int64, bool), floats func(a, b float64) float64) (Value, error) {
	a, b := c.args[0], c.args[1]
	for i, v := range c.args {
		if !v.IsNumber() {
			return Value{}, c.wrong(i, "a number")
		}
	}
	if a.Kind == Int && b.Kind == Int {
		n, ok := ints(a.Int, b.Int)
		if !ok {
			return Value{}, errOverflow
		}
		return IntValue(n), nil
	}
	f := floats(a.Number(), b.Number())
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return Value{}, errOverflow
	}
	return FloatValue(f), nil
}

func fnAdd(c call) (Value, error) {
	return c.arithmetic(addInts, func(a, b float64) float64 { return a + b })
}

func addInts(a, b int64) (int64, bool) {
	n := a + b
	return n, (n > a) == (b > 0)
}

func fnSub(c call) (Value, error) {
	return c.arithmetic(func(a, b int64) (int64, bool) {
		n := a - b
		return n, (n < a) == (b > 0)
	}, func(a, b float64) float64 { return a - b })
}

func fnMul(c call) (Value, error) {
	return c.arithmetic(mulInts, func(a, b float64) float64 { return a * b })
}

func mulInts(a, b int64) (int64, bool) {
	hi, lo := bits.Mul64(magnitude(a), magnitude(b))
	negative := (a < 0) != (b < 0)
	if hi != 0 || lo > math.MaxInt64 && !(negative && lo == 1<<63) {
		return 0, false
	}
	return a * b, true
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

// whole checks both operands of an integer division.
func (c call) whole() (a, b int64, err error) {
	if a, err = c.integer(0); err != nil {
		return 0, 0, err
	}
	if b, err = c.integer(1); err != nil {
		return 0, 0, err
	}
	switch {
	case b == 0:
		return 0, 0, fmt.Errorf("division by zero")
	case a == math.MinInt64 && b == -1:
		return 0, 0, errOverflow
	}
	return a, b, nil
}

func fnDiv(c call) (Value, error) {
	a, b, err := c.whole()
	if err != nil {
		return Value{}, err
	}
	return IntValue(a / b), nil
}

func fnMod(c call) (Value, error) {
	a, b, err := c.whole()
	if err != nil {
		return Value{}, err
	}
	return IntValue(a % b), nil
}

func fnInt(c call) (Value, error) {
	a := c.args[0]
	switch a.Kind {
	case Int:
		return a, nil
	case Float:
		if math.Abs(a.Float) >= 1<<63 {
			return Value{}, errOverflow
		}
		return IntValue(int64(a.Float)), nil
	case String:
		n, err := strconv.ParseInt(strings.TrimSpace(a.Str), 10, 64)
		if err != nil {
			return Value{}, fmt.Errorf("%q is no integer", clip(a.Str))
		}
		return IntValue(n), nil
	}
	return Value{}, c.wrong(0, "a number or a string")
}

func fnFloat(c call) (Value, error) {
	a := c.args[0]
	if a.IsNumber() {
		return a, nil
	}
	if a.Kind == String {
		if v, ok := parseDecimal(strings.TrimSpace(a.Str)); ok {
			return v, nil
		}
		return Value{}, fmt.Errorf("%q is no number", clip(a.Str))
	}
	return Value{}, c.wrong(0, "a number or a string")
}
