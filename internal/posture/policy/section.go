package policy

import (
	"strings"
	"time"
)

// section reads the members of one JSON object, keys without case, and keeps
// the first error; readers after an error return zero values.
type section struct {
	value Value
	path  string
	err   *error
}

func newSection(v Value, path string) section {
	s := section{value: v, path: path, err: new(error)}
	if v.Kind != Object {
		s.fail("", "must be an object, not %s", v.Kind)
	}
	return s
}

func (s section) fail(key, format string, args ...any) {
	if *s.err == nil {
		*s.err = faultAt(s.at(key), format, args...)
	}
}

func (s section) at(key string) string {
	if key == "" {
		return s.path
	}
	return joinPath(s.path, key)
}

// get returns a member; null counts as absent.
func (s section) get(key string) Value {
	v := s.value.Get(key)
	if v.Kind == Null {
		return Value{}
	}
	return v
}

// kind returns a member of the wanted kind, Missing if it is absent.
func (s section) kind(key string, want Kind) Value {
	v := s.get(key)
	if v.Kind != Missing && v.Kind != want {
		s.fail(key, "must be %s %s, not %s", article(want), want, v.Kind)
		return Value{}
	}
	return v
}

func article(k Kind) string {
	if k == Array || k == Object || k == Int {
		return "an"
	}
	return "a"
}

func (s section) text(key string) string { return s.kind(key, String).Str }

// required is text that may not be empty.
func (s section) required(key string) string {
	t := s.text(key)
	if t == "" {
		s.fail(key, "is missing or empty")
	}
	return t
}

// limited is text of at most max characters.
func (s section) limited(key string, max int) string {
	t := s.text(key)
	if len([]rune(t)) > max {
		s.fail(key, "is longer than %d characters", max)
	}
	return t
}

// texts is an array of at most max strings.
func (s section) texts(key string, max int) []string {
	v := s.kind(key, Array)
	if len(v.Items) > max {
		s.fail(key, "has more than %d entries", max)
		return nil
	}
	var out []string
	for i, item := range v.Items {
		if item.Kind != String {
			s.fail(indexPath(key, i), "must be a string, not %s", item.Kind)
			return nil
		}
		out = append(out, item.Str)
	}
	return out
}

// time is an RFC 3339 instant, or the zero time.
func (s section) time(key string) time.Time {
	t := s.text(key)
	if t == "" {
		return time.Time{}
	}
	at, err := parseTime(t)
	if err != nil {
		s.fail(key, "is not a date and time: %q", clip(t))
	}
	return at
}

// each calls f for every object of an array member, at most max of them.
func (s section) each(key string, max int, f func(section)) {
	v := s.kind(key, Array)
	if len(v.Items) > max {
		s.fail(key, "has more than %d entries", max)
		return
	}
	for i, item := range v.Items {
		if *s.err != nil {
			return
		}
		sub := section{value: item, path: indexPath(s.at(key), i), err: s.err}
		if item.Kind != Object {
			sub.fail("", "must be an object, not %s", item.Kind)
			return
		}
		f(sub)
	}
}

// oneOf is text that must be one of the choices, without case; the choice is
// returned as it is spelled here, the first one if the member is absent.
func (s section) oneOf(key string, choices ...string) string {
	t := s.text(key)
	if t == "" {
		return choices[0]
	}
	for _, c := range choices {
		if strings.EqualFold(c, t) {
			return c
		}
	}
	s.fail(key, "%q is not one of %s", clip(t), strings.Join(choices, ", "))
	return ""
}

// envelope reads {id, name, properties} or bare properties.
func envelope(data []byte) (props section, id, name string, err error) {
	v, err := ParseValue(data)
	if err != nil {
		return section{}, "", "", err
	}
	return envelopeOf(v)
}

func envelopeOf(v Value) (props section, id, name string, err error) {
	root := newSection(v, "")
	id, name = root.text("id"), root.text("name")
	inner, path := root.get("properties"), "properties"
	if inner.Kind == Missing {
		inner, path = v, ""
	}
	if name == "" && id != "" {
		name = id[strings.LastIndexByte(id, '/')+1:]
	}
	if *root.err != nil {
		return section{}, "", "", *root.err
	}
	props = newSection(inner, path)
	return props, id, name, *props.err
}
