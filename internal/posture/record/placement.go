package record

import (
	"slices"
	"strings"
)

// Placement is what scopes find a resource by: the folded id of its container,
// followed in the case of a subscription by the management groups above it,
// each after a NUL; and its tags as a row has them.
type Placement struct{ Container, Tags string }

// Placement is where a row is.
func (n *Names) Placement(r *Row) Placement {
	h := Placement{n.Groups.Name(r.Group), r.Tags}
	if r.Container != nil && len(r.Container.Above) > 0 {
		h.Container += "\x00" + strings.Join(r.Container.Above, "\x00")
	}
	return h
}

// SamePlacement reports whether two rows of one handle are found alike.
func SamePlacement(a, b *Row) bool {
	if a.Group != b.Group || a.Tags != b.Tags {
		return false
	}
	if a.Container == nil || b.Container == nil {
		return a.Container == b.Container
	}
	return slices.Equal(a.Container.Above, b.Container.Above)
}
