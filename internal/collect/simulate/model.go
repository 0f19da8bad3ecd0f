package simulate

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/arm"
)

// variantsPerType is how many differently configured bodies a type has; the
// estate draws from them.
const variantsPerType = 48

// model is what the generator knows of one resource type.
type model struct {
	typ      string
	weight   float64
	variants []template
	children []childModel
}

// childModel is a child or extension resource that may hang on a model's
// resources, by the part of its id below them.
type childModel struct {
	suffix   string // "/providers/Microsoft.Insights/diagnosticSettings/default"
	typ      string
	variants []template
}

// template is a body with the placeholder placeholderID wherever the
// resource's own id stands.
type template struct {
	body map[string]any
	raw  []byte // properties, sku, kind ... as JSON text of an object without id, name, type, location, tags
}

const placeholderID = "{resource}"

// fault is one way in which an example fails: how its body differs.
type fault struct {
	patch json.RawMessage // RFC 6902 on the healthy example
	body  map[string]any  // the whole failing body where there is no patch
	p     float64
}

// draft collects what examples say of one type before variants are drawn.
type draft struct {
	base     map[string]any
	faults   []fault
	children map[string]*childDraft // by folded suffix
}

type childDraft struct {
	suffix, typ string
	good, bad   []map[string]any
}

// models reads the library's examples into models, sorted by type so that a
// seed means the same estate everywhere.
func models(lib *content.Library, rnd *rand.Rand) []*model {
	drafts := map[string]*draft{}
	names := map[string]string{} // folded type -> spelling
	for _, rec := range lib.Recommendations {
		for i := range rec.Examples {
			readExample(rec, i, drafts, names)
		}
	}
	for _, g := range generic {
		if key := arm.Fold(g.typ); drafts[key] == nil {
			names[key] = g.typ
			drafts[key] = &draft{base: map[string]any{"properties": map[string]any{"provisioningState": "Succeeded"}}, children: map[string]*childDraft{}}
		}
	}
	var all []*model
	for _, key := range slices.Sorted(maps.Keys(drafts)) {
		all = append(all, drafts[key].model(names[key], rnd))
	}
	return all
}

// readExample adds one example to the draft of its resource's type. Broken
// examples are the content tests' business; here they are passed over.
func readExample(rec *content.Recommendation, i int, drafts map[string]*draft, names map[string]string) {
	raw, err := rec.Body(i)
	if err != nil {
		return
	}
	var body map[string]any
	if json.Unmarshal(raw, &body) != nil {
		return
	}
	rawID, _ := body["id"].(string)
	id, err := arm.ParseID(rawID)
	root := id.Root()
	if err != nil || id.Subscription() == "" || root.Type() == arm.TypeSubscription || root.Type() == arm.TypeResourceGroup {
		return
	}
	key := arm.Fold(root.Type())
	names[key] = root.Type()
	d := drafts[key]
	if d == nil {
		d = &draft{base: map[string]any{}, children: map[string]*childDraft{}}
		drafts[key] = d
	}
	if id.IsChild() { // the recommendation judges the child itself
		d.addChild(raw, root, rec.Examples[i].Want)
		return
	}
	d.read(rec, i, neutralise(body, id.String()))
	for _, related := range rec.Examples[i].Related {
		d.addChild(related, id, rec.Examples[i].Want)
	}
}

// read takes in an example's own resource.
func (d *draft) read(rec *content.Recommendation, i int, neutral map[string]any) {
	example := rec.Examples[i]
	switch example.Want {
	case "healthy":
		merge(d.base, neutral)
	case "unhealthy":
		if len(example.Patch) > 0 {
			d.faults = append(d.faults, fault{patch: example.Patch, p: faultRate(rec.Severity)})
		} else if len(example.Related) == 0 && example.From == "" {
			d.faults = append(d.faults, fault{body: neutral, p: faultRate(rec.Severity) / 2})
		}
	}
}

func (d *draft) addChild(raw json.RawMessage, parent arm.ID, want string) {
	var body map[string]any
	if json.Unmarshal(raw, &body) != nil {
		return
	}
	rawID, _ := body["id"].(string)
	id, err := arm.ParseID(rawID)
	if err != nil || id.Equal(parent) || !id.Within(parent) || computed[arm.Fold(id.Type())] {
		return
	}
	suffix := id.String()[len(parent.String()):]
	c := d.children[arm.Fold(suffix)]
	if c == nil {
		c = &childDraft{suffix: suffix, typ: id.Type()}
		d.children[arm.Fold(suffix)] = c
	}
	neutral := neutralise(body, parent.String())
	if want == "unhealthy" {
		c.bad = append(c.bad, neutral)
	} else if want == "healthy" {
		c.good = append(c.good, neutral)
	}
}

// faultRate is the share of resources that fail one check, by severity: the
// worst are the rarest.
func faultRate(s content.Severity) float64 {
	switch s {
	case content.Critical:
		return 0.05
	case content.High:
		return 0.10
	case content.Medium:
		return 0.18
	}
	return 0.25
}

// model draws the variants of a type.
func (d *draft) model(typ string, rnd *rand.Rand) *model {
	m := &model{typ: typ, weight: weightOf(typ)}
	for range variantsPerType {
		body := d.variant(rnd)
		attach(typ, body)
		m.variants = append(m.variants, newTemplate(body))
	}
	for _, key := range slices.Sorted(maps.Keys(d.children)) {
		m.children = append(m.children, d.children[key].model())
	}
	m.children = append(m.children, genericChild)
	return m
}

// variant is the healthy body with a random choice of the faults applied.
func (d *draft) variant(rnd *rand.Rand) map[string]any {
	body := clone(d.base).(map[string]any)
	for _, f := range d.faults {
		if rnd.Float64() >= f.p {
			continue
		}
		if f.patch == nil {
			overlay(body, f.body)
			continue
		}
		raw, err := json.Marshal(body)
		if err != nil {
			continue
		}
		patched, err := content.ApplyPatch(raw, f.patch)
		if err != nil { // the merged body lacks the path that the patch is about
			continue
		}
		var next map[string]any
		if json.Unmarshal(patched, &next) == nil {
			body = next
		}
	}
	return body
}

// model makes a child's variants: all its good bodies merged, and that with
// each failing body laid over it.
func (c *childDraft) model() childModel {
	base := map[string]any{}
	for _, g := range c.good {
		merge(base, g)
	}
	m := childModel{suffix: c.suffix, typ: c.typ}
	for range 4 {
		m.variants = append(m.variants, newTemplate(base))
	}
	for _, b := range c.bad {
		body := clone(base).(map[string]any)
		overlay(body, b)
		m.variants = append(m.variants, newTemplate(body))
	}
	return m
}

func newTemplate(body map[string]any) template {
	body = clone(body).(map[string]any)
	for _, envelope := range []string{"id", "name", "type", "location", "tags"} {
		delete(body, envelope)
	}
	raw, err := json.Marshal(body)
	if err != nil {
		panic(fmt.Sprintf("simulate: a decoded body does not encode: %v", err))
	}
	return template{body: body, raw: raw}
}

// neutralise replaces a resource's own id by the placeholder wherever it occurs.
func neutralise(body map[string]any, id string) map[string]any {
	return mapStrings(body, func(s string) string { return strings.ReplaceAll(s, id, placeholderID) }).(map[string]any)
}

func mapStrings(v any, f func(string) string) any {
	switch v := v.(type) {
	case string:
		return f(v)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = mapStrings(v[i], f)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k := range v {
			out[k] = mapStrings(v[k], f)
		}
		return out
	}
	return v
}

// merge adds to dst what it lacks; what it has stays.
func merge(dst, src map[string]any) {
	for k, v := range src {
		old, there := dst[k]
		oldObject, ok1 := old.(map[string]any)
		newObject, ok2 := v.(map[string]any)
		switch {
		case !there:
			dst[k] = clone(v)
		case ok1 && ok2:
			merge(oldObject, newObject)
		}
	}
}

// overlay lays src over dst: values of src win, objects are joined.
func overlay(dst, src map[string]any) {
	for k, v := range src {
		oldObject, ok1 := dst[k].(map[string]any)
		newObject, ok2 := v.(map[string]any)
		if ok1 && ok2 {
			overlay(oldObject, newObject)
			continue
		}
		dst[k] = clone(v)
	}
}

func clone(v any) any { return mapStrings(v, func(s string) string { return s }) }
