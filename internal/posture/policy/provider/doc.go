// Package provider is the public knowledge of resource types that ships with
// the product: the aliases by which policies name their properties, and whether
// resources of a type have tags and a location. Tables that are imported are
// laid over it by package policy; gen makes a new one of newer lists.
//
// It must never import another package of this module but the ground, internal/base.
package provider

import "strings"

// Owner is the type that an alias's name starts with: everything before the
// last slash, "" if there is no namespace and type. Slashes in quoted keys do
// not count.
func Owner(name string) string {
	if i := strings.Index(name, "['"); i >= 0 {
		name = name[:i]
	}
	end := strings.LastIndexByte(name, '/')
	if end < 0 || strings.IndexByte(name[:end], '/') <= 0 || end == len(name)-1 {
		return ""
	}
	return name[:end]
}
