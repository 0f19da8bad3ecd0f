package policy

import (
	"errors"
	"fmt"
)

// maxResultText is the documented length of a text that a function gives.
const maxResultText = 131072

// call is one invocation of a pure function.
type call struct {
	args []Value
	opt  Options
}

// functions are the pure functions: their result depends on the arguments and
// options alone. The number of arguments is as signatures says.
var functions = map[string]func(c call) (Value, error){
	"true":  func(call) (Value, error) { return BoolValue(true), nil },
	"false": func(call) (Value, error) { return BoolValue(false), nil },
	"null":  func(call) (Value, error) { return NullValue(), nil },
	"and":   fnAnd, "or": fnOr, "not": fnNot, "bool": fnBool, "coalesce": fnCoalesce,
	"equals": fnEquals, "notequals": fnNotEquals, "contains": fnContains,
	"less": fnOrder(OpLess), "lessorequals": fnOrder(OpLessOrEquals),
	"greater": fnOrder(OpGreater), "greaterorequals": fnOrder(OpGreaterOrEquals),

	"empty": fnEmpty, "length": fnLength, "first": fnFirst, "last": fnLast, "array": fnArray,
	"createarray": fnCreateArray, "createobject": fnCreateObject, "union": fnUnion, "intersection": fnIntersection,
	"range": fnRange, "min": fnMin, "max": fnMax, "skip": fnSkip, "take": fnTake, "items": fnItems,
	"objectkeys": fnObjectKeys, "tryget": fnTryGet, "flatten": fnFlatten,
	"indexfromend": fnIndexFromEnd, "tryindexfromend": fnTryIndexFromEnd, "shallowmerge": fnShallowMerge,

	"add": fnAdd, "sub": fnSub, "mul": fnMul, "div": fnDiv, "mod": fnMod, "int": fnInt, "float": fnFloat,

	"concat": fnConcat, "string": fnString, "tolower": fnToLower, "toupper": fnToUpper, "trim": fnTrim,
	"replace": fnReplace, "split": fnSplit, "join": fnJoin, "substring": fnSubstring,
	"startswith": fnStartsWith, "endswith": fnEndsWith, "indexof": fnIndexOf, "lastindexof": fnLastIndexOf,
	"padleft": fnPadLeft, "format": fnFormat,

	"json": fnJSON, "base64": fnBase64, "base64tostring": fnBase64ToString, "base64tojson": fnBase64ToJSON,
	"datauri": fnDataURI, "datauritostring": fnDataURIToString, "uri": fnURI, "uricomponent": fnURIComponent,
	"uricomponenttostring": fnURIComponentToString, "guid": fnGUID, "uniquestring": fnUniqueString,

	"adddays": fnAddDays, "datetimeadd": fnDateTimeAdd, "datetimefromepoch": fnDateTimeFromEpoch,
	"datetimetoepoch": fnDateTimeToEpoch,
	"iprangecontains": fnIPRangeContains, "parsecidr": fnParseCIDR, "cidrsubnet": fnCIDRSubnet, "cidrhost": fnCIDRHost,
}

// acceptsNothing are the functions for which a missing argument is a value
// like any other; every other function gives Missing for it.
var acceptsNothing = map[string]bool{"coalesce": true, "empty": true, "tryget": true}

// acceptsOpen are the functions that may know their result although an
// argument is unavailable; every other function gives the unavailable value.
var acceptsOpen = map[string]bool{
	"and": true, "or": true, "coalesce": true, "length": true, "empty": true, "createarray": true,
}

// IsFunction reports whether Invoke knows a lower-case name, with the number of
// arguments.
func IsFunction(name string, args int) bool {
	sig, known := signatures[name]
	return functions[name] != nil && known && args >= sig.min && (sig.max < 0 || args <= sig.max)
}

// Invoke calls a pure function by its lower-case name. The number of arguments
// must be one that the function takes, as it is for every parsed call. An
// unavailable argument makes the result unavailable unless the result does not
// depend on it.
func Invoke(name string, args []Value, opt Options) (Value, error) {
	fn := functions[name]
	if fn == nil {
		return Value{}, fmt.Errorf("%s", unknownFunction(name))
	}
	for _, a := range args {
		if !acceptsOpen[name] {
			if path := a.FirstUnavailable(); path != "" {
				return UnavailableValue(path), nil
			}
		}
		if a.Kind == Missing && !acceptsNothing[name] {
			return Value{}, nil
		}
	}
	v, err := fn(call{args: args, opt: opt})
	if err == nil && v.Kind == String && len(v.Str) > maxResultText {
		err = fmt.Errorf("the text is longer than %d characters", maxResultText)
	}
	if err != nil {
		return Value{}, fmt.Errorf("%s(): %w", name, err)
	}
	return v, nil
}

// wrong is the error for an argument of the wrong type.
func (c call) wrong(i int, want string) error {
	return fmt.Errorf("argument %d must be %s, not %s", i+1, want, c.args[i].Kind)
}

// text is an argument that must be a string.
func (c call) text(i int) (string, error) {
	if c.args[i].Kind != String {
		return "", c.wrong(i, "a string")
	}
	return c.args[i].Str, nil
}

// texts is text for the first n arguments.
func (c call) texts(n int) ([]string, error) {
	out := make([]string, n)
	var err error
	for i := range out {
		if out[i], err = c.text(i); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// integer is an argument that must be an integral number.
func (c call) integer(i int) (int64, error) {
	if c.args[i].Kind != Int {
		return 0, c.wrong(i, "an integer")
	}
	return c.args[i].Int, nil
}

// small is integer for counts and positions, which must fit a text or array.
func (c call) small(i int) (int, error) {
	n, err := c.integer(i)
	if err != nil {
		return 0, err
	}
	return int(min(max(n, -maxResultText), maxResultText*8)), nil
}

var errOverflow = errors.New("the result does not fit 64 bits")
