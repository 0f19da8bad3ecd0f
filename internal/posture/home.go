package posture

import (
	"slices"
	"strings"
)

// home is what scopes find a resource by: the folded id of its container,
// followed in the case of a subscription by the management groups above it,
// each after a NUL; and its tags as a row has them.
type home struct{ container, tags string }

// home is where a row is.
func (n *names) home(r *row) home {
	h := home{n.groups.name(r.group), r.tags}
	if r.container != nil && len(r.container.above) > 0 {
		h.container += "\x00" + strings.Join(r.container.above, "\x00")
	}
	return h
}

// sameHome reports whether two rows of one handle are found alike.
func sameHome(a, b *row) bool {
	if a.group != b.group || a.tags != b.tags {
		return false
	}
	if a.container == nil || b.container == nil {
		return a.container == b.container
	}
	return slices.Equal(a.container.above, b.container.above)
}
