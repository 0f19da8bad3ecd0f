package policy

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"unicode"
)

// equal compares as the equals operator does: text without case, numbers and
// booleans as their text with text, null with the empty text, arrays and objects
// member by member. Missing equals only null and itself. It is Open when an
// unavailable value decides.
func equal(a, b Value) Truth {
	if a.Kind == Unavailable || b.Kind == Unavailable {
		return Open
	}
	if a.Kind == Missing || b.Kind == Missing {
		return truthOf(a.IsNothing() && b.IsNothing())
	}
	if a.Kind > b.Kind {
		a, b = b, a
	}
	switch {
	case a.Kind == Null:
		return truthOf(b.Kind == Null || b.Kind == String && b.Str == "")
	case a.IsNumber() && b.IsNumber():
		return truthOf(compareNumbers(a, b) == 0)
	case a.Kind == Bool && b.Kind == Bool:
		return truthOf(a.Bool == b.Bool)
	case a.Kind == Bool && b.Kind == String:
		return truthOf(strings.EqualFold(b.Str, strconv.FormatBool(a.Bool)))
	case a.IsNumber() && b.Kind == String:
		return truthOf(a.String() == FoldText(b.Str))
	case a.Kind == String && b.Kind == String:
		return truthOf(a.Str == b.Str || FoldText(a.Str) == FoldText(b.Str))
	case a.Kind == Array && b.Kind == Array:
		return equalItems(a.Items, b.Items)
	case a.Kind == Object && b.Kind == Object:
		return equalMembers(a, b)
	}
	return False
}

func equalItems(a, b []Value) Truth {
	if len(a) != len(b) {
		return False
	}
	t := True
	for i := range a {
		t = t.and(equal(a[i], b[i]))
	}
	return t
}

func equalMembers(a, b Value) Truth {
	if len(a.Fields) != len(b.Fields) {
		return False
	}
	t := True
	for _, m := range a.Fields {
		other := b.Get(m.Key)
		if other.Kind == Missing {
			return False
		}
		t = t.and(equal(m.Value, other))
	}
	return t
}

// parseDecimal reads a text as a decimal number; no other notation counts.
func parseDecimal(s string) (Value, bool) {
	if s == "" || len(s) > 64 || strings.Trim(s, "+-.0123456789eE") != "" {
		return Value{}, false
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return IntValue(n), true
	}
	f, err := strconv.ParseFloat(s, 64)
	return FloatValue(f), err == nil
}

// compareNumbers orders two numbers exactly, large integers included.
func compareNumbers(a, b Value) int {
	if a.Kind == Int && b.Kind == Int {
		switch {
		case a.Int < b.Int:
			return -1
		case a.Int > b.Int:
			return 1
		}
		return 0
	}
	return exact(a).Cmp(exact(b))
}

func exact(v Value) *big.Float {
	if v.Kind == Int {
		return new(big.Float).SetInt64(v.Int)
	}
	return big.NewFloat(v.Float)
}

// order compares as less and greater do: numbers, numeric text with a number,
// two dates as instants, other texts without case. The error says that the two
// do not compare.
func order(a, b Value) (int, error) {
	if a.Kind == String && b.Kind == String {
		return orderText(a.Str, b.Str), nil
	}
	x, okX := asNumber(a)
	y, okY := asNumber(b)
	if !okX || !okY {
		return 0, fmt.Errorf("%s %s does not compare with %s %s", a.Kind, clip(a.String()), b.Kind, clip(b.String()))
	}
	return compareNumbers(x, y), nil
}

func asNumber(v Value) (Value, bool) {
	if v.Kind == String {
		return parseDecimal(v.Str)
	}
	return v, v.IsNumber()
}

func orderText(a, b string) int {
	if t, err := parseTime(a); err == nil {
		if u, err := parseTime(b); err == nil {
			return t.Compare(u)
		}
	}
	return strings.Compare(FoldText(a), FoldText(b))
}

// like matches a whole text against a pattern in which * stands for any run;
// ? stands for one character only if the option says so. Both are folded.
func like(text, pattern string, question bool) bool {
	t, p := []rune(FoldText(text)), []rune(FoldText(pattern))
	star, mark := -1, 0
	i, j := 0, 0
	for i < len(t) {
		switch {
		case j < len(p) && p[j] == '*':
			star, mark = j, i
			j++
		case j < len(p) && (p[j] == t[i] || question && p[j] == '?'):
			i++
			j++
		case star >= 0:
			mark++
			i, j = mark, star+1
		default:
			return false
		}
	}
	for j < len(p) && p[j] == '*' {
		j++
	}
	return j == len(p)
}

// matches compares character by character: # is a digit, ? a letter, . any
// character, everything else itself.
func matches(text, pattern string, fold bool) bool {
	t, p := []rune(text), []rune(pattern)
	if len(t) != len(p) {
		return false
	}
	for i, want := range p {
		if !matchesRune(t[i], want, fold) {
			return false
		}
	}
	return true
}

func matchesRune(c, want rune, fold bool) bool {
	switch want {
	case '#':
		return unicode.IsDigit(c)
	case '?':
		return unicode.IsLetter(c)
	case '.':
		return true
	}
	return c == want || fold && strings.EqualFold(string(c), string(want))
}

// containsText is the substring test without case.
func containsText(text, part string) bool { return strings.Contains(FoldText(text), FoldText(part)) }
