package policy

import "fmt"

// member is x.name. A member that is not there is Missing: the condition that
// asks for it is false, and tryGet() and coalesce() can tell.
func member(x Value, name string) (Value, error) {
	switch x.Kind {
	case Unavailable, Missing:
		return x, nil
	case Null:
		return Value{}, nil
	case Object:
		return x.Get(name), nil
	case String:
		if x.Str == "" { // what field() gives for a missing object
			return Value{}, nil
		}
	}
	return Value{}, fmt.Errorf("%s %s has no member %q", article(x.Kind), x.Kind, clip(name))
}

// Index is v[i] as expressions have it: an array's member by position or an
// object's by key, Missing if it is not there.
func (v Value) Index(i Value) (Value, error) { return indexed(v, i) }

// indexed is x[i]: by position in an array, by key in an object; Missing if it
// is not there.
func indexed(x, i Value) (Value, error) {
	switch {
	case x.Kind == Unavailable || x.Kind == Missing:
		return x, nil
	case i.Kind == Unavailable || i.Kind == Missing:
		return i, nil
	case x.Kind == Null || x.Kind == String && x.Str == "":
		return Value{}, nil
	case x.Kind == Object && i.Kind == String:
		return x.Get(i.Str), nil
	case x.Kind == Array && i.Kind == Int:
		if i.Int < 0 || i.Int >= int64(len(x.Items)) {
			return Value{}, nil
		}
		return x.Items[i.Int], nil
	}
	return Value{}, fmt.Errorf("%s cannot be indexed by %s", x.Kind, i.Kind)
}
