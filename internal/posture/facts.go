package posture

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/rampart-sec/rampart/internal/arm"
	"github.com/rampart-sec/rampart/internal/rawjson"
	"github.com/rampart-sec/rampart/internal/risk"
	"github.com/rampart-sec/rampart/internal/wire"
)

// containerFacts are what only subscriptions and management groups have.
type containerFacts struct {
	display string
	above   []string // folded names of the management groups above
}

// maxTagText bounds what the index keeps of one resource's tags; the language
// allows 50 tags of 512 + 256 characters.
const maxTagText = 64 << 10

// row makes the row of a document, without cells. The document is one that the
// store gave: its id is well formed.
func (n *names) row(model *risk.Model, handle uint32, doc *wire.Document) (*row, error) {
	if doc.ID == "" || doc.ID[0] != '/' {
		return nil, fmt.Errorf("index resource: %q is no id", doc.ID)
	}
	typ, known := n.types.find(doc.Type)
	if !known {
		typ = n.types.spell(arm.Fold(doc.Type), doc.Type)
	}
	r := &row{
		handle: handle, id: strings.Clone(doc.ID), observed: doc.ObservedAt.Unix(), typ: typ, source: n.sources.id(doc.Source),
	}
	sub, group := containersOf(r.id)
	if sub != "" {
		r.sub = n.subs.fold(sub)
	}
	r.group = n.groups.fold(cmp.Or(group, sub, "/"))
	properties := n.envelope(r, doc.Body)
	r.factors = model.Read(arm.Fold(doc.Type), properties, r.tag)
	if r.typ == subscriptionType {
		r.container = subscriptionFacts(doc.Body, properties)
	}
	return r, nil
}

// envelope reads location and tags of a body and returns its properties.
func (n *names) envelope(r *row, body []byte) (properties []byte) {
	location := ""
	rawjson.Members(body, func(key, value []byte) bool {
		switch string(key) {
		case "location":
			location = rawjson.Text(value)
		case "tags":
			r.tags = n.tagText(value)
		case "properties":
			properties = value
		}
		return true
	})
	r.location = n.locations.id(location)
	return properties
}

func (n *names) tagText(object []byte) string {
	var b strings.Builder
	rawjson.Members(object, func(key, value []byte) bool {
		name, text := rawjson.Name(key), rawjson.Text(value)
		if strings.ContainsRune(name+text, 0) || b.Len()+len(name)+len(text) > maxTagText {
			return true // such a tag cannot be asked for
		}
		n.tags.id(name)
		b.WriteString(name)
		b.WriteByte(0)
		b.WriteString(text)
		b.WriteByte(0)
		return true
	})
	return b.String()
}

// subscriptionFacts reads the display name and the management groups above, in
// the shapes of Resource Manager and of Resource Graph.
func subscriptionFacts(body, properties []byte) *containerFacts {
	c := &containerFacts{}
	for _, object := range [][]byte{body, properties} {
		for _, key := range []string{"displayName", "subscriptionName"} {
			if name := rawjson.Lookup(object, key); name != nil && c.display == "" {
				c.display = rawjson.Text(name)
			}
		}
	}
	if chain := rawjson.Lookup(properties, "managementGroupAncestorsChain"); chain != nil {
		rawjson.Elements(chain, func(group []byte) {
			if name := rawjson.Lookup(group, "name"); name != nil {
				c.above = append(c.above, arm.Fold(rawjson.Text(name)))
			}
		})
	}
	return c
}
