package inventory

import (
	"bytes"
	"errors"
)

// format is how a stream goes on: what to skip before its first document and
// how to cut from there.
type format struct {
	skip     int
	wrapped  bool
	template *template
	cut      func(*splitter) func() (piece, error)
}

func cutLines(s *splitter) func() (piece, error)    { return s.lines }
func cutObjects(s *splitter) func() (piece, error)  { return s.objects }
func cutElements(s *splitter) func() (piece, error) { return s.elements }

// detect decides by the head of a stream, white space removed. ok is false if
// more must be seen; whole says that there is no more to see.
func detect(head []byte, whole bool) (f format, ok bool) {
	switch {
	case len(head) == 0:
		return format{cut: cutLines}, true
	case head[0] == '[':
		return format{skip: 1, cut: cutElements}, true
	case head[0] != '{':
		return format{cut: cutLines}, true
	}
	f, ok = detectWrapper(head)
	if ok || !whole {
		return f, ok
	}
	return unwrapped(head), true
}

// errFound ends a scan that has seen enough.
var errFound = errors.New("seen enough")

// detectWrapper walks the members of the first object until one of them tells
// a wrapper from a resource.
func detectWrapper(head []byte) (f format, ok bool) {
	t := &template{}
	isTemplate := false
	s := scanner{b: head}
	s.before = func(key []byte) error {
		switch string(key) {
		case "value", "data", "resources":
			if s.peek() != '[' {
				return nil
			}
			f = format{skip: s.pos + 1, wrapped: true, cut: cutElements}
			if isTemplate || string(key) == "resources" {
				f.template = t
			}
			return errFound
		case "id", "type", "body", "properties":
			f = unwrapped(head)
			return errFound
		case "$schema":
			isTemplate = true
		}
		return nil
	}
	err := s.object(1, t.take)
	switch {
	case errors.Is(err, errFound):
		return f, true
	case errors.Is(err, errEnd):
		return f, false
	}
	return unwrapped(head), true // broken, or an object that is neither
}

// unwrapped tells documents on one line each from documents over several: in
// the latter the first line ends within the object without an error, and the
// next does not begin another.
func unwrapped(head []byte) format {
	line, rest, _ := bytes.Cut(head, []byte{'\n'})
	s := scanner{b: line}
	if err := s.object(1, nil); errors.Is(err, errEnd) && !errors.Is(err, errEndText) && !bytes.HasPrefix(rest, []byte{'{'}) {
		return format{cut: cutObjects}
	}
	return format{cut: cutLines}
}
