package inventory

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/rampart-sec/rampart/internal/base/wire"
)

// members is what one pass over a document's bytes finds at its top level.
type members struct {
	id, typ, apiVersion     string
	hasName, hasProperties  bool
	spaced                  bool   // white space between tokens
	body, observed, version []byte // raw values of envelope members
	unavailable, deleted    []byte
	name, resources         []byte // of a template's resource
	typeValue               []byte // the type as it is written
}

// scanner walks JSON without building anything. It accepts exactly JSON (RFC
// 8259) of at most wire.MaxDepth levels.
type scanner struct {
	b      []byte
	pos    int
	spaced bool
	before func(key []byte) error // see detectWrapper; nil otherwise
}

var (
	errEnd     = errors.New("it ends in the middle of a value")
	errEndText = fmt.Errorf("%w: a text is not closed", errEnd)
)

// scanObject validates one JSON object and picks its top-level members.
func scanObject(b []byte) (*members, error) {
	if len(b) > wire.MaxBody {
		return nil, fmt.Errorf("it is larger than %d MB", wire.MaxBody>>20)
	}
	if !utf8.Valid(b) {
		return nil, errors.New("it is not valid UTF-8")
	}
	m := &members{}
	s := scanner{b: b}
	s.space()
	if s.peek() != '{' {
		return nil, errors.New("it is not a JSON object")
	}
	if err := s.object(1, m.take); err != nil {
		return nil, err
	}
	s.space()
	if s.pos < len(b) {
		return nil, fmt.Errorf("there is more after the object, at byte %d", s.pos)
	}
	m.spaced = s.spaced
	return m, nil
}

// take notes one top-level member. The three that name the resource may come
// once only: readers would not agree which of two counts.
func (m *members) take(key, value []byte) error {
	switch string(key) {
	case "id":
		return takeText(&m.id, "id", value)
	case "type":
		m.typeValue = value
		return takeText(&m.typ, "type", value)
	case "apiVersion":
		return takeText(&m.apiVersion, "apiVersion", value)
	case "name":
		if value[0] != '"' || m.hasName {
			return errors.New("its name is not one text")
		}
		m.hasName, m.name = true, value
	case "properties":
		if value[0] != '{' && value[0] != 'n' {
			return errors.New("its properties are not an object")
		}
		m.hasProperties = value[0] != 'n'
	case "location":
		if value[0] != '"' && value[0] != 'n' {
			return errors.New("its location is not a text")
		}
	case "tags":
		if value[0] != '{' && value[0] != 'n' {
			return errors.New("its tags are not an object")
		}
	case "body":
		m.body = value
	case "observedAt":
		m.observed = value
	case "sourceVersion":
		m.version = value
	case "unavailable":
		m.unavailable = value
	case "deleted":
		m.deleted = value
	case "resources":
		m.resources = value
	}
	return nil
}

func takeText(to *string, name string, value []byte) error {
	if value[0] == 'n' && name == "apiVersion" {
		return nil // null is absent
	}
	if value[0] != '"' || len(value) == len(`""`) && name != "apiVersion" {
		return fmt.Errorf("its %s is not a text, or an empty one", name)
	}
	if *to != "" {
		return fmt.Errorf("it has %s twice", name)
	}
	*to = text(value)
	return nil
}

// text decodes a scanned string.
func text(quoted []byte) string {
	inner := quoted[1 : len(quoted)-1]
	for _, c := range inner {
		if c == '\\' {
			var s string
			if json.Unmarshal(quoted, &s) == nil { // it was scanned: it is a string
				return s
			}
		}
	}
	return string(inner)
}

func (s *scanner) peek() byte {
	if s.pos < len(s.b) {
		return s.b[s.pos]
	}
	return 0
}

func (s *scanner) space() {
	for s.pos < len(s.b) {
		switch s.b[s.pos] {
		case ' ', '\t', '\r', '\n':
			s.pos++
			s.spaced = true
		default:
			return
		}
	}
}

func (s *scanner) unexpected(want string) error {
	if s.pos >= len(s.b) {
		return errEnd
	}
	return fmt.Errorf("at byte %d there is %q instead of %s", s.pos, s.b[s.pos], want)
}

// value skips one value; depth is the level that an object or array here has.
func (s *scanner) value(depth int) error {
	switch c := s.peek(); {
	case c == '"':
		return s.str()
	case c == '{':
		return s.object(depth, nil)
	case c == '[':
		return s.array(depth)
	case c == '-' || '0' <= c && c <= '9':
		return s.number()
	case c == 't':
		return s.literal("true")
	case c == 'f':
		return s.literal("false")
	case c == 'n':
		return s.literal("null")
	}
	return s.unexpected("a value")
}

// object skips an object and hands its members to each, if that is not nil.
func (s *scanner) object(depth int, each func(key, value []byte) error) error {
	if depth > wire.MaxDepth {
		return fmt.Errorf("it is nested more than %d deep", wire.MaxDepth)
	}
	s.pos++
	s.space()
	if s.peek() == '}' {
		s.pos++
		return nil
	}
	for {
		if err := s.member(depth, each); err != nil {
			return err
		}
		s.space()
		switch s.peek() {
		case ',':
			s.pos++
			s.space()
		case '}':
			s.pos++
			return nil
		default:
			return s.unexpected("a comma or }")
		}
	}
}

func (s *scanner) member(depth int, each func(key, value []byte) error) error {
	if s.peek() != '"' {
		return s.unexpected("a member's name")
	}
	from := s.pos
	if err := s.str(); err != nil {
		return err
	}
	key := s.b[from+1 : s.pos-1]
	s.space()
	if s.peek() != ':' {
		return s.unexpected("a colon")
	}
	s.pos++
	s.space()
	if each != nil && s.before != nil {
		if err := s.before(key); err != nil {
			return err
		}
	}
	from = s.pos
	if err := s.value(depth + 1); err != nil || each == nil {
		return err
	}
	return each(key, s.b[from:s.pos])
}

func (s *scanner) array(depth int) error {
	if depth > wire.MaxDepth {
		return fmt.Errorf("it is nested more than %d deep", wire.MaxDepth)
	}
	s.pos++
	s.space()
	if s.peek() == ']' {
		s.pos++
		return nil
	}
	for {
		if err := s.value(depth + 1); err != nil {
			return err
		}
		s.space()
		switch s.peek() {
		case ',':
			s.pos++
			s.space()
		case ']':
			s.pos++
			return nil
		default:
			return s.unexpected("a comma or ]")
		}
	}
}

func (s *scanner) str() error {
	for i := s.pos + 1; i < len(s.b); i++ {
		switch c := s.b[i]; {
		case c == '"':
			s.pos = i + 1
			return nil
		case c == '\\':
			n := escape(s.b[i+1:])
			if n == 0 {
				s.pos = i
				return s.unexpected("an escape that JSON has")
			}
			i += n
		case c < 0x20:
			s.pos = i
			return s.unexpected("the end of a text")
		}
	}
	s.pos = len(s.b)
	return errEndText
}

// escape is the length of the escape sequence after a backslash, 0 if it is
// none.
func escape(b []byte) int {
	if len(b) == 0 {
		return 0
	}
	switch b[0] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 1
	case 'u':
		if len(b) >= 5 && hex(b[1]) && hex(b[2]) && hex(b[3]) && hex(b[4]) {
			return 5
		}
	}
	return 0
}

func hex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// maxPlainNumber is how long a number may be that surely fits: 308 digits do.
const maxPlainNumber = 300

// number skips a number that readers can hold.
func (s *scanner) number() error {
	from := s.pos
	if err := s.numeral(); err != nil {
		return err
	}
	text := s.b[from:s.pos]
	if len(text) <= maxPlainNumber && bytes.IndexByte(text, 'e') < 0 && bytes.IndexByte(text, 'E') < 0 {
		return nil
	}
	if _, err := strconv.ParseFloat(string(text), 64); err != nil {
		return fmt.Errorf("the number %s at byte %d is out of range", clip(string(text)), from)
	}
	return nil
}

func (s *scanner) numeral() error {
	if s.peek() == '-' {
		s.pos++
	}
	if s.peek() == '0' {
		s.pos++
	} else if !s.digits() {
		return s.unexpected("a digit")
	}
	if s.peek() == '.' {
		s.pos++
		if !s.digits() {
			return s.unexpected("a digit")
		}
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.pos++
		if c := s.peek(); c == '+' || c == '-' {
			s.pos++
		}
		if !s.digits() {
			return s.unexpected("a digit")
		}
	}
	return nil
}

// digits skips at least one digit.
func (s *scanner) digits() bool {
	from := s.pos
	for '0' <= s.peek() && s.peek() <= '9' {
		s.pos++
	}
	return s.pos > from
}

func (s *scanner) literal(want string) error {
	if len(s.b)-s.pos < len(want) {
		s.pos = len(s.b)
		return errEnd
	}
	if string(s.b[s.pos:s.pos+len(want)]) != want {
		return s.unexpected(want)
	}
	s.pos += len(want)
	return nil
}
