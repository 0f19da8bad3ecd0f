package posture

import (
	"bytes"
	"cmp"
	"fmt"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/rawjson"
	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/policy/engine"
	"github.com/rampart-sec/rampart/internal/posture/risk"
)

// row makes the row of a document, without cells. The document is one that the
// store gave: its id is well formed.
func (n *names) row(model *risk.Model, handle uint32, doc *wire.Document) (*row, error) {
	r, err := n.place(handle, doc)
	if err != nil {
		return nil, err
	}
	n.describe(r, model, doc, engine.Outline{})
	return r, nil
}

// place makes the row of a document's envelope: what it is and where it lies. The
// row keeps the document's id.
func (n *names) place(handle uint32, doc *wire.Document) (*row, error) {
	if doc.ID == "" || doc.ID[0] != '/' {
		return nil, fmt.Errorf("index resource: %q is no id", doc.ID)
	}
	typ, known := n.types.find(doc.Type)
	if !known {
		typ = n.types.spell(arm.Fold(doc.Type), doc.Type)
	}
	r := &row{
		handle: handle, id: doc.ID, observed: doc.ObservedAt.Unix(), typ: typ, source: n.sources.id(doc.Source),
	}
	sub, group := containersOf(r.id)
	if sub != "" {
		r.sub = n.subs.fold(sub)
	}
	r.group = n.groups.fold(cmp.Or(group, sub, "/"))
	return r, nil
}

// describe fills in what a row has of its document's body. The outline is the
// body's if it is known, else the body is walked over.
func (n *names) describe(r *row, model *risk.Model, doc *wire.Document, outline engine.Outline) {
	if !outline.Known {
		outline = outlineOf(doc.Body)
	}
	r.location = n.locations.id(rawjson.Text(outline.Location))
	r.tags = n.tagText(outline.Tags)
	r.factors = model.Read(doc.Type, outline.Properties, r.tag)
	if r.typ == subscriptionType {
		r.container = subscriptionFacts(doc.Body, outline.Properties)
	}
}

// outlineOf finds an outline by itself.
func outlineOf(body []byte) engine.Outline {
	o := engine.Outline{Known: true}
	rawjson.Members(body, func(key, value []byte) bool {
		o.Note(key, value)
		return true
	})
	return o
}

func (n *names) tagText(object []byte) string {
	var room [512]byte // most tags fit
	text := room[:0]
	rawjson.Members(object, func(key, value []byte) bool {
		start := len(text)
		text = rawjson.AppendName(text, key)
		name := len(text)
		text = rawjson.AppendText(append(text, 0), value)
		if bytes.IndexByte(text[start:name], 0) >= 0 || bytes.IndexByte(text[name+1:], 0) >= 0 || len(text)-1 > maxTagText {
			text = text[:start] // such a tag cannot be asked for
			return true
		}
		n.tags.number(text[start:name])
		text = append(text, 0)
		return true
	})
	return string(text)
}

// maxTagText bounds what the index keeps of one resource's tags; the language
// allows 50 tags of 512 + 256 characters.
const maxTagText = 64 << 10

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
