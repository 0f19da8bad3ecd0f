package policy

import "github.com/rampart-sec/rampart/internal/base/wire"

// Path selects values in a resource's body, Segment is one step of it: a key,
// or every member of an array. Documents name what they lack in the same way.
type (
	Path    = wire.Path
	Segment = wire.Segment
)

// ParsePath parses "properties.rules[*].access" or
// "properties.acls['default-action']". Errors are *DocumentError.
func ParsePath(text string) (Path, error) {
	path, err := wire.ParsePath(text)
	if err != nil {
		return nil, faultAt("", "%v", err)
	}
	return path, nil
}

func clip(s string) string {
	const limit = 120
	if len(s) > limit {
		return s[:limit] + "..."
	}
	return s
}
