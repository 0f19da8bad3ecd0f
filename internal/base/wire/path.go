package wire

import (
	"fmt"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// Segment is one step of a Path: a key, or every member of an array.
type Segment struct {
	Name     string
	Wildcard bool
}

// Path selects values in a document's body.
type Path []Segment

// maxPathSegments bounds a path; the longest of the public alias tables has 23.
const maxPathSegments = 64

// ParsePath parses "properties.rules[*].access" or
// "properties.acls['default-action']".
func ParsePath(text string) (Path, error) {
	var path Path
	rest := text
	for rest != "" {
		seg, next, err := nextSegment(rest)
		if err != nil {
			return nil, fmt.Errorf("path %q: %w", clip(text), err)
		}
		path = append(path, seg)
		if len(path) > maxPathSegments {
			return nil, fmt.Errorf("path %q has more than %d segments", clip(text), maxPathSegments)
		}
		rest = next
		if rest != "" && rest[0] == '.' {
			if rest = rest[1:]; rest == "" {
				return nil, fmt.Errorf("path %q ends in a dot", clip(text))
			}
		}
	}
	if len(path) == 0 || path[0].Wildcard {
		return nil, fmt.Errorf("path %q does not start with a name", clip(text))
	}
	return path, nil
}

func nextSegment(s string) (seg Segment, rest string, err error) {
	switch {
	case strings.HasPrefix(s, "[*]"):
		return Segment{Wildcard: true}, s[3:], nil
	case strings.HasPrefix(s, "['"):
		return quotedSegment(s)
	case s[0] == '[':
		return seg, "", fmt.Errorf("%q is not a key in brackets", clip(s))
	}
	end := strings.IndexAny(s, ".[")
	if end < 0 {
		end = len(s)
	}
	if end == 0 {
		return seg, "", fmt.Errorf("a name is empty")
	}
	return Segment{Name: s[:end]}, s[end:], nil
}

func quotedSegment(s string) (seg Segment, rest string, err error) {
	var name strings.Builder
	for i := 2; i < len(s); i++ {
		if s[i] != '\'' {
			name.WriteByte(s[i])
			continue
		}
		if i+1 < len(s) && s[i+1] == '\'' {
			name.WriteByte('\'')
			i++
			continue
		}
		if i+1 < len(s) && s[i+1] == ']' {
			return Segment{Name: name.String()}, s[i+2:], nil
		}
		break
	}
	return seg, "", fmt.Errorf("%q does not end in ']", clip(s))
}

// String is the path as ParsePath reads it.
func (p Path) String() string {
	var b strings.Builder
	for i, s := range p {
		switch {
		case s.Wildcard:
			b.WriteString("[*]")
		case strings.ContainsAny(s.Name, ".[]'"):
			b.WriteString("['" + strings.ReplaceAll(s.Name, "'", "''") + "']")
		default:
			if i > 0 {
				b.WriteByte('.')
			}
			b.WriteString(s.Name)
		}
	}
	return b.String()
}

// Wildcards is the number of [*] in the path.
func (p Path) Wildcards() int {
	n := 0
	for _, s := range p {
		if s.Wildcard {
			n++
		}
	}
	return n
}

// HasPrefix reports whether p starts with prefix, names compared without case.
func (p Path) HasPrefix(prefix Path) bool {
	if len(prefix) > len(p) {
		return false
	}
	for i, s := range prefix {
		if s.Wildcard != p[i].Wildcard || arm.Fold(s.Name) != arm.Fold(p[i].Name) {
			return false
		}
	}
	return true
}

func clip(s string) string {
	const limit = 120
	if len(s) > limit {
		return s[:limit] + "..."
	}
	return s
}

// CheckUnavailable says what is wrong with an entry of Document.Unavailable: it
// is a path or a related type, with a reason behind the first space.
func CheckUnavailable(text string) error {
	name, _, _ := strings.Cut(text, " ")
	if IsType(name) {
		return nil
	}
	_, err := ParsePath(name)
	return err
}

// IsType reports whether an entry of Document.Unavailable names a related type
// and not a path: it has a slash outside of quoted keys.
func IsType(name string) bool {
	if i := strings.Index(name, "['"); i >= 0 {
		name = name[:i]
	}
	return strings.Contains(name, "/")
}
