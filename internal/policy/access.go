package policy

import "fmt"

// member is x.name. A member that an object does not have is an error, as in
// templates; tryGet() is the call that allows it.
func member(x Value, name string) (Value, error) {
	switch x.Kind {
	case Unavailable:
		return x, nil
	case Object:
		if v := x.Get(name); v.Kind != Missing {
			return v, nil
		}
		return Value{}, fmt.Errorf("the object has no member %q", clip(name))
	}
	return Value{}, fmt.Errorf("%s has no member %q", x.Kind, clip(name))
}

// indexed is x[i]: by position in an array, by key in an object.
func indexed(x, i Value) (Value, error) {
	switch {
	case x.Kind == Unavailable:
		return x, nil
	case i.Kind == Unavailable:
		return i, nil
	case x.Kind == Object && i.Kind == String:
		return member(x, i.Str)
	case x.Kind == Array && i.Kind == Int:
		if i.Int < 0 || i.Int >= int64(len(x.Items)) {
			return Value{}, fmt.Errorf("index %d is outside the array of %d", i.Int, len(x.Items))
		}
		return x.Items[i.Int], nil
	}
	return Value{}, fmt.Errorf("%s cannot be indexed by %s", x.Kind, i.Kind)
}
