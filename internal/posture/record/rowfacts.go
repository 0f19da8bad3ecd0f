package record

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

// Row makes the row of a document, without statuses. The document is one that the
// store gave: its id is well formed.
func (n *Names) Row(model *risk.Model, handle uint32, doc *wire.Document) (*Row, error) {
	r, err := n.Place(handle, doc)
	if err != nil {
		return nil, err
	}
	n.Describe(r, model, doc, engine.Outline{})
	return r, nil
}

// Place makes the row of a document's envelope: what it is and where it lies. The
// row keeps the document's id.
func (n *Names) Place(handle uint32, doc *wire.Document) (*Row, error) {
	if doc.ID == "" || doc.ID[0] != '/' {
		return nil, fmt.Errorf("index resource: %q is no id", doc.ID)
	}
	typ, known := n.Types.Find(doc.Type)
	if !known {
		typ = n.Types.Intern(arm.Fold(doc.Type), doc.Type)
	}
	r := &Row{
		Handle: handle, ID: doc.ID, Observed: doc.ObservedAt.Unix(), Type: typ, Source: n.Sources.ID(doc.Source),
	}
	sub, group := ContainersOf(r.ID)
	if sub != "" {
		r.Subscription = n.Subscriptions.Fold(sub)
	}
	r.Group = n.Groups.Fold(cmp.Or(group, sub, "/"))
	return r, nil
}

// Describe fills in what a row has of its document's body. The outline is the
// body's if it is known, else the body is walked over.
func (n *Names) Describe(r *Row, model *risk.Model, doc *wire.Document, outline engine.Outline) {
	if !outline.Known {
		outline = outlineOf(doc.Body)
	}
	r.Location = n.Locations.ID(rawjson.Text(outline.Location))
	r.Tags = n.tagText(outline.Tags)
	r.Factors = model.Read(doc.Type, outline.Properties, r.Tag)
	if r.Type == SubscriptionType {
		r.Container = subscriptionFacts(doc.Body, outline.Properties)
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

func (n *Names) tagText(object []byte) string {
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
		n.Tags.number(text[start:name])
		text = append(text, 0)
		return true
	})
	return string(text)
}

// maxTagText bounds what the index keeps of one resource's tags; the language
// allows 50 tags of 512 + 256 characters.
const maxTagText = 64 << 10

// subscriptionFacts reads the display name and the management groups above, in
// the schemas of Resource Manager and of Resource Graph.
func subscriptionFacts(body, properties []byte) *Container {
	c := &Container{}
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
				c.Above = append(c.Above, arm.Fold(rawjson.Text(name)))
			}
		})
	}
	return c
}
