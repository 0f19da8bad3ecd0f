package policy

import (
	"strings"
)

// Segment is one step of a Path: a key, or every member of an array.
type Segment struct {
	Name     string
	Wildcard bool
}

// Path selects values in a resource's body.
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
			return nil, faultAt("", "path %q: %v", clip(text), err)
		}
		path = append(path, seg)
		if len(path) > maxPathSegments {
			return nil, faultAt("", "path %q has more than %d segments", clip(text), maxPathSegments)
		}
		rest = next
		if rest != "" && rest[0] == '.' {
			if rest = rest[1:]; rest == "" {
				return nil, faultAt("", "path %q ends in a dot", clip(text))
			}
		}
	}
	if len(path) == 0 || path[0].Wildcard {
		return nil, faultAt("", "path %q does not start with a name", clip(text))
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
		return seg, "", faultAt("", "%q is not a key in brackets", clip(s))
	}
	end := strings.IndexAny(s, ".[")
	if end < 0 {
		end = len(s)
	}
	if end == 0 {
		return seg, "", faultAt("", "a name is empty")
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
	return seg, "", faultAt("", "%q does not end in ']", clip(s))
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
		if s.Wildcard != p[i].Wildcard || !equalFold(s.Name, p[i].Name) {
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
