package policy

import (
	"strconv"
)

// Kind says what a Value is.
type Kind uint8

// The kinds of a Value. Missing is the absence of a value (a path that selects
// nothing); Unavailable is a value that the document's source did not deliver.
const (
	Missing Kind = iota
	Null
	Bool
	Int
	Float
	String
	Array
	Object
	Unavailable
)

// Value is an immutable JSON value, or its absence. The zero Value is Missing.
// Only the field that Kind names is meaningful.
type Value struct {
	Kind   Kind
	Bool   bool
	Int    int64
	Float  float64
	Str    string   // String: the text; Unavailable: the path and the reason
	Items  []Value  // Array
	Fields []Member // Object, in document order
}

// Member is one key of an object.
type Member struct {
	Key   string
	Value Value
}

// NullValue is JSON null.
func NullValue() Value { return Value{Kind: Null} }

// BoolValue makes a boolean.
func BoolValue(b bool) Value { return Value{Kind: Bool, Bool: b} }

// IntValue makes an integral number.
func IntValue(n int64) Value { return Value{Kind: Int, Int: n} }

// FloatValue makes a number; an integral one that fits becomes an Int, so that
// 1.0 and 1 are the same value.
func FloatValue(f float64) Value {
	if f == float64(int64(f)) && f >= -1<<53 && f <= 1<<53 {
		return IntValue(int64(f))
	}
	return Value{Kind: Float, Float: f}
}

// StringValue makes a string.
func StringValue(s string) Value { return Value{Kind: String, Str: s} }

// ArrayValue makes an array; it keeps items.
func ArrayValue(items ...Value) Value { return Value{Kind: Array, Items: items} }

// ObjectValue makes an object; it keeps members.
func ObjectValue(members ...Member) Value { return Value{Kind: Object, Fields: members} }

// UnavailableValue makes a value that is not known; path says which property
// of the document was not delivered.
func UnavailableValue(path string) Value { return Value{Kind: Unavailable, Str: path} }

// Get returns the member of an object whose key equals name without regard to
// ASCII case, an exact match first; Missing if there is none or v is no object.
func (v Value) Get(name string) Value {
	if v.Kind == Unavailable {
		return v
	}
	found := Value{}
	for _, m := range v.Fields {
		if m.Key == name {
			return m.Value
		}
		if found.Kind == Missing && equalFold(m.Key, name) {
			found = m.Value
		}
	}
	return found
}

// IsNumber reports whether v is an Int or a Float.
func (v Value) IsNumber() bool { return v.Kind == Int || v.Kind == Float }

// Number is the numeric value of an Int or a Float, 0 for all else.
func (v Value) Number() float64 {
	switch v.Kind {
	case Int:
		return float64(v.Int)
	case Float:
		return v.Float
	}
	return 0
}

// IsNothing reports whether v is missing or null.
func (v Value) IsNothing() bool { return v.Kind == Missing || v.Kind == Null }

// FirstUnavailable returns the path of the first unavailable value in v, at
// any depth, or "".
func (v Value) FirstUnavailable() string {
	switch v.Kind {
	case Unavailable:
		return v.Str
	case Array:
		for _, item := range v.Items {
			if p := item.FirstUnavailable(); p != "" {
				return p
			}
		}
	case Object:
		for _, m := range v.Fields {
			if p := m.Value.FirstUnavailable(); p != "" {
				return p
			}
		}
	}
	return ""
}

// String is compact JSON, as the template function string() gives it for
// objects and arrays; null for Missing and Unavailable. The bare text of a
// string is Value.Text.
func (v Value) String() string { return string(v.AppendJSON(nil)) }

// Text is how a value looks as part of a text: strings without quotes, True
// and False for booleans, everything else as JSON, "" for null and missing.
func (v Value) Text() string {
	switch v.Kind {
	case String:
		return v.Str
	case Bool:
		if v.Bool {
			return "True"
		}
		return "False"
	case Null, Missing, Unavailable:
		return ""
	}
	return v.String()
}

// AppendJSON appends v as compact JSON. Missing and Unavailable become null.
func (v Value) AppendJSON(b []byte) []byte {
	switch v.Kind {
	case Bool:
		return strconv.AppendBool(b, v.Bool)
	case Int:
		return strconv.AppendInt(b, v.Int, 10)
	case Float:
		return appendFloat(b, v.Float)
	case String:
		return appendQuoted(b, v.Str)
	case Array:
		b = append(b, '[')
		for i, item := range v.Items {
			if i > 0 {
				b = append(b, ',')
			}
			b = item.AppendJSON(b)
		}
		return append(b, ']')
	case Object:
		b = append(b, '{')
		for i, m := range v.Fields {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendQuoted(b, m.Key), ':')
			b = m.Value.AppendJSON(b)
		}
		return append(b, '}')
	}
	return append(b, "null"...)
}

// MarshalJSON gives compact JSON, so that a Value can stand in any document.
func (v Value) MarshalJSON() ([]byte, error) { return v.AppendJSON(nil), nil }

// String is the word for a kind in messages to people.
func (k Kind) String() string {
	return [...]string{"nothing", "null", "boolean", "integer", "number", "string", "array", "object", "unavailable"}[k]
}
