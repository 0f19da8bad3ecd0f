package host

import (
	"slices"
	"strings"
)

// ParseApk reads Alpine's installed database: one letter, a colon, a value.
func ParseApk(data []byte) []Package {
	var all []Package
	var p Package
	for _, line := range Lines(data) {
		if line == "" {
			if p.Name != "" {
				all = append(all, p)
			}
			p = Package{}
			continue
		}
		key, value, _ := strings.Cut(line, ":")
		switch key {
		case "P":
			p.Name = value
		case "V":
			p.Version = value
		case "A":
			p.Arch = value
		case "o":
			p.Source = value
		}
	}
	if p.Name != "" {
		all = append(all, p)
	}
	slices.SortStableFunc(all, func(a, b Package) int { return strings.Compare(a.Name, b.Name) })
	return all
}
