package policy

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
)

// maxRange is the documented length of a range.
const maxRange = 10000

func fnEmpty(c call) (Value, error) {
	a := c.args[0]
	switch a.Kind {
	case Unavailable:
		return a, nil
	case Missing, Null:
		return BoolValue(true), nil
	case String:
		return BoolValue(a.Str == ""), nil
	case Array:
		return BoolValue(len(a.Items) == 0), nil
	case Object:
		return BoolValue(len(a.Fields) == 0), nil
	}
	return Value{}, c.wrong(0, "a string, array or object")
}

func fnLength(c call) (Value, error) {
	a := c.args[0]
	switch a.Kind {
	case Unavailable:
		return a, nil
	case String:
		return IntValue(int64(len(units(a.Str)))), nil
	case Array:
		return IntValue(int64(len(a.Items))), nil
	case Object:
		return IntValue(int64(len(a.Fields))), nil
	}
	return Value{}, c.wrong(0, "a string, array or object")
}

// units are the UTF-16 units by which texts are measured and cut.
func units(s string) []uint16 { return utf16.Encode([]rune(s)) }

func textOf(u []uint16) Value { return StringValue(string(utf16.Decode(u))) }

func fnFirst(c call) (Value, error) {
	return c.slice(func(n int) (int, int) { return 0, min(1, n) }, true)
}
func fnLast(c call) (Value, error) {
	return c.slice(func(n int) (int, int) { return max(0, n-1), n }, true)
}

func fnSkip(c call) (Value, error) {
	k, err := c.small(1)
	if err != nil {
		return Value{}, err
	}
	return c.slice(func(n int) (int, int) { return min(max(k, 0), n), n }, false)
}

func fnTake(c call) (Value, error) {
	k, err := c.small(1)
	if err != nil {
		return Value{}, err
	}
	return c.slice(func(n int) (int, int) { return 0, min(max(k, 0), n) }, false)
}

// slice cuts a text or an array; single gives the one member instead of an
// array of it, null if there is none.
func (c call) slice(cut func(n int) (from, to int), single bool) (Value, error) {
	a := c.args[0]
	switch a.Kind {
	case String:
		u := units(a.Str)
		from, to := cut(len(u))
		return textOf(u[from:to]), nil
	case Array:
		from, to := cut(len(a.Items))
		if !single {
			return ArrayValue(a.Items[from:to]...), nil
		}
		if from == to {
			return NullValue(), nil
		}
		return a.Items[from], nil
	}
	return Value{}, c.wrong(0, "a string or array")
}

func fnArray(c call) (Value, error) {
	if c.args[0].Kind == Array {
		return c.args[0], nil
	}
	return ArrayValue(c.args[0]), nil
}

func fnCreateArray(c call) (Value, error) { return ArrayValue(c.args...), nil }

func fnCreateObject(c call) (Value, error) {
	if len(c.args)%2 != 0 {
		return Value{}, fmt.Errorf("takes pairs of key and value")
	}
	out := ObjectValue()
	for i := 0; i < len(c.args); i += 2 {
		key, err := c.text(i)
		if err != nil {
			return Value{}, err
		}
		out = with(out, key, c.args[i+1])
	}
	return out, nil
}

// with returns a copy of an object in which a key has a value.
func with(o Value, key string, v Value) Value {
	members := slices.Clone(o.Fields)
	for i, m := range members {
		if equalFold(m.Key, key) {
			members[i].Value = v
			return ObjectValue(members...)
		}
	}
	return ObjectValue(append(members, Member{key, v})...)
}

func fnUnion(c call) (Value, error) {
	if c.args[0].Kind == Array {
		return c.unionArrays()
	}
	out := ObjectValue()
	for i, a := range c.args {
		if a.Kind != Object {
			return Value{}, c.wrong(i, "an object like the others, or all arrays")
		}
		out = merge(out, a)
	}
	return out, nil
}

func (c call) unionArrays() (Value, error) {
	var items []Value
	for i, a := range c.args {
		if a.Kind != Array {
			return Value{}, c.wrong(i, "an array like the others")
		}
		for _, item := range a.Items {
			if !holds(items, item) {
				items = append(items, item)
			}
		}
	}
	return ArrayValue(items...), nil
}

// merge overlays b on a: nested objects merge, everything else of b wins.
func merge(a, b Value) Value {
	for _, m := range b.Fields {
		if old := a.Get(m.Key); old.Kind == Object && m.Value.Kind == Object {
			a = with(a, m.Key, merge(old, m.Value))
			continue
		}
		a = with(a, m.Key, m.Value)
	}
	return a
}

// holds reports whether items has the very value: kind and text the same.
func holds(items []Value, v Value) bool {
	for _, item := range items {
		if sameValue(item, v) {
			return true
		}
	}
	return false
}

func fnIntersection(c call) (Value, error) {
	first := c.args[0]
	for i, a := range c.args {
		if a.Kind != first.Kind || a.Kind != Array && a.Kind != Object {
			return Value{}, c.wrong(i, "an array or an object, like the others")
		}
	}
	if first.Kind == Object {
		return c.intersectObjects(first), nil
	}
	items := []Value{}
	for _, item := range first.Items {
		everywhere := !holds(items, item)
		for _, a := range c.args[1:] {
			everywhere = everywhere && holds(a.Items, item)
		}
		if everywhere {
			items = append(items, item)
		}
	}
	return ArrayValue(items...), nil
}

func (c call) intersectObjects(first Value) Value {
	out := ObjectValue()
	for _, m := range first.Fields {
		everywhere := true
		for _, a := range c.args[1:] {
			other := a.Get(m.Key)
			everywhere = everywhere && other.Kind != Missing && sameValue(other, m.Value)
		}
		if everywhere {
			out = with(out, m.Key, m.Value)
		}
	}
	return out
}

func fnRange(c call) (Value, error) {
	start, err := c.integer(0)
	if err != nil {
		return Value{}, err
	}
	n, err := c.integer(1)
	if err != nil {
		return Value{}, err
	}
	if n < 0 || n > maxRange || start+n < start {
		return Value{}, fmt.Errorf("a range has 0 to %d members", maxRange)
	}
	items := make([]Value, n)
	for i := range items {
		items[i] = IntValue(start + int64(i))
	}
	return ArrayValue(items...), nil
}

func fnMin(c call) (Value, error) { return c.extreme(-1) }
func fnMax(c call) (Value, error) { return c.extreme(1) }

// extreme is the number that compares as sign to all others, of the arguments
// or of one array.
func (c call) extreme(sign int) (Value, error) {
	list := c.args
	if len(list) == 1 && list[0].Kind == Array {
		list = list[0].Items
	}
	best := Value{}
	for _, v := range list {
		if !v.IsNumber() {
			return Value{}, fmt.Errorf("needs numbers, not %s", v.Kind)
		}
		if best.Kind == Missing || compareNumbers(v, best) == sign {
			best = v
		}
	}
	if best.Kind == Missing {
		return Value{}, fmt.Errorf("of no numbers")
	}
	return best, nil
}

func fnItems(c call) (Value, error) {
	if c.args[0].Kind != Object {
		return Value{}, c.wrong(0, "an object")
	}
	var items []Value
	for _, m := range sortedMembers(c.args[0]) {
		items = append(items, ObjectValue(Member{"key", StringValue(m.Key)}, Member{"value", m.Value}))
	}
	return ArrayValue(items...), nil
}

func fnObjectKeys(c call) (Value, error) {
	if c.args[0].Kind != Object {
		return Value{}, c.wrong(0, "an object")
	}
	var items []Value
	for _, m := range sortedMembers(c.args[0]) {
		items = append(items, StringValue(m.Key))
	}
	return ArrayValue(items...), nil
}

func sortedMembers(o Value) []Member {
	members := slices.Clone(o.Fields)
	slices.SortFunc(members, func(a, b Member) int { return strings.Compare(a.Key, b.Key) })
	return members
}

func fnTryGet(c call) (Value, error) {
	v := c.args[0]
	for _, key := range c.args[1:] {
		next, err := indexed(v, key)
		if err != nil || next.Kind == Missing {
			return NullValue(), nil //nolint:nilerr // that is what tryGet is for
		}
		v = next
	}
	return v, nil
}

func fnFlatten(c call) (Value, error) {
	if c.args[0].Kind != Array {
		return Value{}, c.wrong(0, "an array of arrays")
	}
	var items []Value
	for _, a := range c.args[0].Items {
		if a.Kind != Array {
			return Value{}, fmt.Errorf("needs arrays in the array, not %s", a.Kind)
		}
		items = append(items, a.Items...)
	}
	return ArrayValue(items...), nil
}

func fnShallowMerge(c call) (Value, error) {
	if c.args[0].Kind != Array {
		return Value{}, c.wrong(0, "an array of objects")
	}
	out := ObjectValue()
	for _, o := range c.args[0].Items {
		if o.Kind != Object {
			return Value{}, fmt.Errorf("needs objects in the array, not %s", o.Kind)
		}
		for _, m := range o.Fields {
			out = with(out, m.Key, m.Value)
		}
	}
	return out, nil
}

// fnIndexFromEnd counts from the end; the last member is 1.
func fnIndexFromEnd(c call) (Value, error) {
	n, err := c.integer(1)
	if err != nil {
		return Value{}, err
	}
	if c.args[0].Kind != Array {
		return Value{}, c.wrong(0, "an array")
	}
	items := c.args[0].Items
	if n < 1 || n > int64(len(items)) {
		return Value{}, fmt.Errorf("%d is outside the array of %d", n, len(items))
	}
	return items[int64(len(items))-n], nil
}

func fnTryIndexFromEnd(c call) (Value, error) {
	v, err := fnIndexFromEnd(c)
	if err != nil {
		return NullValue(), nil //nolint:nilerr // that is what the try is for
	}
	return v, nil
}
