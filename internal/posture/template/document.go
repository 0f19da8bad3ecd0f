package template

import (
	"strings"

	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// source names the documents' source.
const source = "template"

// resource is a deployed resource before it becomes a document.
type resource struct {
	id, typ, apiVersion string
	name                string // with the parents' names
	body                policy.Value
}

// document declares every unresolved value of the body by its path. Paths have
// no array positions, so one unresolved member makes the same property of all
// members unavailable.
func (r resource) document() wire.Document {
	doc := wire.Document{ID: r.id, Type: r.typ, APIVersion: r.apiVersion, Source: source, Body: r.body.AppendJSON(nil)}
	seen := map[string]bool{}
	unresolved(r.body, nil, func(path policy.Path, reason string) {
		text := declared(path)
		if text != "" && !seen[text] {
			seen[text] = true
			doc.Unavailable = append(doc.Unavailable, text+" "+reason)
		}
	})
	return doc
}

// declare adds what else is unavailable. Beyond the number of paths that a
// document may declare, everything below properties is.
func declare(doc *wire.Document, more []string) {
	doc.Unavailable = append(doc.Unavailable, more...)
	if len(doc.Unavailable) <= wire.MaxUnavailable {
		return
	}
	kept := []string{"properties too much is not known"}
	for _, text := range doc.Unavailable {
		if !strings.HasPrefix(text, "properties") && len(kept) < wire.MaxUnavailable {
			kept = append(kept, text)
		}
	}
	doc.Unavailable = kept
}

// declared is the path as a declaration; a key that a declaration cannot spell
// makes its parent unavailable instead.
func declared(path policy.Path) string {
	for i, seg := range path {
		if strings.ContainsAny(seg.Name, " /") {
			path = path[:i]
			break
		}
	}
	return path.String()
}

func unresolved(v policy.Value, path policy.Path, found func(policy.Path, string)) {
	path = path[:len(path):len(path)]
	switch v.Kind {
	case policy.Unavailable:
		found(path, v.Str)
	case policy.Array:
		for _, item := range v.Items {
			unresolved(item, append(path, policy.Segment{Wildcard: true}), found)
		}
	case policy.Object:
		for _, m := range v.Fields {
			unresolved(m.Value, append(path, policy.Segment{Name: m.Key}), found)
		}
	}
}

// armID joins a scope, a type and the names of its segments; ok is false if
// their numbers differ.
func armID(scope, typ, name string) (id string, ok bool) {
	types, names := strings.Split(typ, "/"), strings.Split(name, "/")
	if len(types) != len(names)+1 || len(types) < 2 {
		return "", false
	}
	var b strings.Builder
	b.WriteString(strings.TrimSuffix(scope, "/") + "/providers/" + types[0])
	for i, n := range names {
		b.WriteString("/" + types[i+1] + "/" + n)
	}
	return b.String(), true
}

// object builds an object from pairs, leaving out what is missing.
func object(members ...policy.Member) policy.Value {
	out := policy.ObjectValue()
	for _, m := range members {
		if m.Value.Kind != policy.Missing {
			out.Fields = append(out.Fields, m)
		}
	}
	return out
}
