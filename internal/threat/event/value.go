package event

import "strconv"

// Type is what a source says a value is. Rules compare the text of all of them.
type Type uint8

// The types of values.
const (
	String Type = iota
	Number
	Bool
	Null
	Nested // an object or array as JSON text
)

// Value is one value of a field.
type Value struct {
	Raw     []byte // the text as the source has it
	Type    Type
	Escaped bool // Raw has JSON escapes

	next int32  // the field's next value in Record.values, 0 if this is the last
	text []byte // without escapes, once asked for
	fold []byte // text in lower case, once asked for
}

func appendInt(dst []byte, n int64) []byte { return strconv.AppendInt(dst, n, 10) }
