package policy

import (
	"fmt"
	"strings"
)

// fnConcat joins arrays to an array, and scalars to a text.
func fnConcat(c call) (Value, error) {
	arrays := 0
	var items []Value
	var text strings.Builder
	for i, a := range c.args {
		switch {
		case a.Kind == Array:
			arrays++
			items = append(items, a.Items...)
		case a.Kind == Object:
			return Value{}, c.wrong(i, "a string or an array")
		default:
			text.WriteString(a.Text())
		}
		if text.Len() > maxResultText {
			return Value{}, fmt.Errorf("the text is longer than %d characters", maxResultText)
		}
	}
	if arrays == 0 {
		return StringValue(text.String()), nil
	}
	if arrays < len(c.args) {
		return Value{}, fmt.Errorf("does not mix arrays with other values")
	}
	return ArrayValue(items...), nil
}

func fnString(c call) (Value, error) { return StringValue(c.args[0].Text()), nil }

func fnToLower(c call) (Value, error) { return c.mapText(strings.ToLower) }
func fnToUpper(c call) (Value, error) { return c.mapText(strings.ToUpper) }
func fnTrim(c call) (Value, error)    { return c.mapText(strings.TrimSpace) }

func (c call) mapText(f func(string) string) (Value, error) {
	s, err := c.text(0)
	if err != nil {
		return Value{}, err
	}
	return StringValue(f(s)), nil
}

func fnReplace(c call) (Value, error) {
	s, err := c.texts(3)
	if err != nil {
		return Value{}, err
	}
	if s[1] == "" {
		return Value{}, fmt.Errorf("the text to replace is empty")
	}
	if n := strings.Count(s[0], s[1]); len(s[0])+n*len(s[2]) > 2*maxResultText {
		return Value{}, fmt.Errorf("the text is longer than %d characters", maxResultText)
	}
	return StringValue(strings.ReplaceAll(s[0], s[1], s[2])), nil
}

// fnSplit splits at one delimiter or at any of several.
func fnSplit(c call) (Value, error) {
	s, err := c.text(0)
	if err != nil {
		return Value{}, err
	}
	delimiters := []Value{c.args[1]}
	if c.args[1].Kind == Array {
		delimiters = c.args[1].Items
	}
	parts := []string{s}
	for _, d := range delimiters {
		if d.Kind != String {
			return Value{}, c.wrong(1, "a string or an array of strings")
		}
		if d.Str == "" {
			continue
		}
		var next []string
		for _, p := range parts {
			next = append(next, strings.Split(p, d.Str)...)
		}
		parts = next
	}
	items := make([]Value, len(parts))
	for i, p := range parts {
		items[i] = StringValue(p)
	}
	return ArrayValue(items...), nil
}

func fnJoin(c call) (Value, error) {
	delimiter, err := c.text(1)
	if err != nil {
		return Value{}, err
	}
	if c.args[0].Kind != Array {
		return Value{}, c.wrong(0, "an array")
	}
	var b strings.Builder
	for i, item := range c.args[0].Items {
		if i > 0 {
			b.WriteString(delimiter)
		}
		b.WriteString(item.Text())
		if b.Len() > maxResultText {
			break // Invoke reports it
		}
	}
	return StringValue(b.String()), nil
}

func fnSubstring(c call) (Value, error) {
	s, err := c.text(0)
	if err != nil {
		return Value{}, err
	}
	u := units(s)
	start, err := c.small(1)
	if err != nil {
		return Value{}, err
	}
	n := len(u) - start
	if len(c.args) == 3 {
		if n, err = c.small(2); err != nil {
			return Value{}, err
		}
	}
	if start < 0 || n < 0 || start+n > len(u) {
		return Value{}, fmt.Errorf("from %d, %d characters: outside the text of %d", start, n, len(u))
	}
	return textOf(u[start : start+n]), nil
}

func fnStartsWith(c call) (Value, error) {
	s, err := c.texts(2)
	if err != nil {
		return Value{}, err
	}
	return BoolValue(strings.HasPrefix(FoldText(s[0]), FoldText(s[1]))), nil
}

func fnEndsWith(c call) (Value, error) {
	s, err := c.texts(2)
	if err != nil {
		return Value{}, err
	}
	return BoolValue(strings.HasSuffix(FoldText(s[0]), FoldText(s[1]))), nil
}

func fnIndexOf(c call) (Value, error)     { return c.position(strings.Index) }
func fnLastIndexOf(c call) (Value, error) { return c.position(strings.LastIndex) }

// position finds without case and counts in UTF-16 units. Letters are lowered
// one by one so that positions stay those of the text as it is.
func (c call) position(find func(s, part string) int) (Value, error) {
	s, err := c.texts(2)
	if err != nil {
		return Value{}, err
	}
	text := strings.ToLower(s[0])
	i := find(text, strings.ToLower(s[1]))
	if i < 0 {
		return IntValue(-1), nil
	}
	return IntValue(int64(len(units(text[:i])))), nil
}

func fnPadLeft(c call) (Value, error) {
	if !c.args[0].isScalar() {
		return Value{}, c.wrong(0, "a string or a number")
	}
	total, err := c.small(1)
	if err != nil {
		return Value{}, err
	}
	pad := " "
	if len(c.args) == 3 {
		if pad, err = c.text(2); err != nil {
			return Value{}, err
		}
	}
	if len(units(pad)) != 1 {
		return Value{}, fmt.Errorf("pads with one character, not %q", clip(pad))
	}
	text := c.args[0].Text()
	missing := total - len(units(text))
	if missing > maxResultText {
		return Value{}, fmt.Errorf("the text is longer than %d characters", maxResultText)
	}
	return StringValue(strings.Repeat(pad, max(0, missing)) + text), nil
}
