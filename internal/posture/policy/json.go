package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// Limits of JSON that is read. Depth and node count are those that the
// language documents for objects, with room for the document around a rule.
const (
	maxJSONDepth = 128
	maxJSONNodes = 1 << 20
	// MaxDocument is the largest definition, initiative or assignment in
	// bytes; the largest of the public catalogue has 0.6 MB.
	MaxDocument = 8 << 20
)

// DocumentError says what is wrong with a document and where: Path is a JSON
// path from the document's root ("properties.policyRule.if.allOf[2]"), "" for
// the root itself.
type DocumentError struct {
	Path   string
	Reason string
}

func (e *DocumentError) Error() string {
	if e.Path == "" {
		return e.Reason
	}
	return e.Path + ": " + e.Reason
}

func faultAt(path, format string, args ...any) error {
	return &DocumentError{Path: path, Reason: fmt.Sprintf(format, args...)}
}

// ParseValue reads one JSON value of at most MaxDocument bytes. Keys that
// repeat are an error, a byte order mark is skipped. Errors are
// *DocumentError.
func ParseValue(data []byte) (Value, error) {
	if len(data) > MaxDocument {
		return Value{}, faultAt("", "is larger than %d bytes", MaxDocument)
	}
	return parseJSON(data, true)
}

// parseJSON reads one value; strict refuses repeated keys, otherwise the last
// one wins, as it does for the services that resources come from.
func parseJSON(data []byte, strict bool) (Value, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	r := &jsonReader{dec: json.NewDecoder(bytes.NewReader(data)), strict: strict}
	r.dec.UseNumber()
	v, err := r.value("", 0)
	if err != nil {
		return Value{}, err
	}
	if _, err := r.dec.Token(); !errors.Is(err, io.EOF) {
		return Value{}, faultAt("", "something follows the JSON value at byte %d", r.dec.InputOffset())
	}
	return v, nil
}

type jsonReader struct {
	dec    *json.Decoder
	strict bool
	nodes  int
}

func (r *jsonReader) token(path string) (json.Token, error) {
	t, err := r.dec.Token()
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, faultAt(path, "the JSON ends too early")
	}
	if err != nil {
		return nil, faultAt(path, "not JSON at byte %d: %v", r.dec.InputOffset(), err)
	}
	return t, nil
}

func (r *jsonReader) value(path string, depth int) (Value, error) {
	t, err := r.token(path)
	if err != nil {
		return Value{}, err
	}
	return r.finish(t, path, depth)
}

func (r *jsonReader) finish(t json.Token, path string, depth int) (Value, error) {
	if r.nodes++; r.nodes > maxJSONNodes {
		return Value{}, faultAt(path, "has more than %d values", maxJSONNodes)
	}
	if depth > maxJSONDepth {
		return Value{}, faultAt(path, "is nested deeper than %d", maxJSONDepth)
	}
	switch t := t.(type) {
	case nil:
		return NullValue(), nil
	case bool:
		return BoolValue(t), nil
	case string:
		return StringValue(t), nil
	case json.Number:
		return parseNumber(string(t), path)
	case json.Delim:
		if t == '[' {
			return r.array(path, depth)
		}
		return r.object(path, depth)
	}
	return Value{}, faultAt(path, "is not JSON")
}

func (r *jsonReader) array(path string, depth int) (Value, error) {
	items := []Value{}
	for r.dec.More() {
		item, err := r.value(fmt.Sprintf("%s[%d]", path, len(items)), depth+1)
		if err != nil {
			return Value{}, err
		}
		items = append(items, item)
	}
	if _, err := r.token(path); err != nil {
		return Value{}, err
	}
	return ArrayValue(items...), nil
}

func (r *jsonReader) object(path string, depth int) (Value, error) {
	var members []Member
	index := map[string]int{}
	for r.dec.More() {
		t, err := r.token(path)
		if err != nil {
			return Value{}, err
		}
		key, _ := t.(string)
		at := joinPath(path, key)
		v, err := r.value(at, depth+1)
		if err != nil {
			return Value{}, err
		}
		i, dup := index[key]
		if dup && r.strict {
			return Value{}, faultAt(at, "the key is there twice")
		}
		if dup {
			members[i].Value = v
			continue
		}
		index[key] = len(members)
		members = append(members, Member{key, v})
	}
	if _, err := r.token(path); err != nil {
		return Value{}, err
	}
	return ObjectValue(members...), nil
}

func parseNumber(s, path string) (Value, error) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return IntValue(n), nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsInf(f, 0) {
		return Value{}, faultAt(path, "number %.40s is out of range", s)
	}
	return FloatValue(f), nil
}

func joinPath(path, key string) string {
	if key == "" || strings.ContainsAny(key, ".[]' ") {
		return path + "['" + key + "']"
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

func appendFloat(b []byte, f float64) []byte {
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		return strconv.AppendFloat(b, f, 'e', -1, 64)
	}
	return strconv.AppendFloat(b, f, 'f', -1, 64)
}

func appendQuoted(b []byte, s string) []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return append(b, `""`...) // a string always encodes
	}
	return append(b, bytes.TrimSuffix(buf.Bytes(), []byte("\n"))...)
}

func indexPath(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }
