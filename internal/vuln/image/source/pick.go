package source

import (
	"fmt"
	"slices"
	"strings"
)

// Pick chooses one of several images.
type Pick struct {
	Name     string // a tag or a digest; "" is any
	Platform string // "" is Default if that is there, or the only one
	Default  string
}

// From gives the image that is meant. The error lists what there is.
func (p Pick) From(images []*Image) (*Image, error) {
	left := slices.DeleteFunc(slices.Clone(images), func(m *Image) bool {
		return p.Name != "" && m.Digest != p.Name && !slices.Contains(m.Names, p.Name) || p.Platform != "" && !matches(m.Platform, p.Platform)
	})
	if len(left) == 0 {
		return nil, fmt.Errorf("no such image; there are: %s", list(images))
	}
	if len(left) > 1 && p.Platform == "" {
		if own := slices.DeleteFunc(slices.Clone(left), func(m *Image) bool { return !matches(m.Platform, p.Default) }); len(own) > 0 {
			left = own
		}
	}
	if len(left) > 1 {
		return nil, fmt.Errorf("several images: name one with --image or --platform: %s", list(left))
	}
	return left[0], nil
}

// matches compares platforms; a wanted one without a variant takes any.
func matches(have, want string) bool { return have == want || strings.HasPrefix(have, want+"/") }

func list(images []*Image) string {
	var all []string
	for _, m := range images[:min(len(images), 20)] {
		name := m.Digest
		if len(m.Names) > 0 && m.Names[0] != "" {
			name = m.Names[0]
		}
		all = append(all, strings.TrimSpace(name+" "+m.Platform))
	}
	return strings.Join(all, ", ")
}
