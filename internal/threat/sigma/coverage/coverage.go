// Package coverage says which techniques of ATT&CK rules are about: of all rules
// that are loaded, and of those that can fire with the logs that are delivered.
// It writes layers for the ATT&CK Navigator.
//
// It must never import what correlates, alerts or serves.
package coverage

import (
	"cmp"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/sigma"
)

// Delivered is what logs really hold: by kind, the fields that were seen. The
// zero value is none.
type Delivered map[*event.Kind]map[string]bool

// See adds the fields of a record.
func (d Delivered) See(r *event.Record) {
	fields := d[r.Kind]
	if fields == nil {
		fields = map[string]bool{}
		d[r.Kind] = fields
	}
	schema := r.Schema()
	for slot := range schema.Len() {
		if r.First(event.Slot(slot)) != 0 && !fields[schema.Name(event.Slot(slot))] {
			fields[schema.Name(event.Slot(slot))] = true
		}
	}
}

// Reach says how far a rule can fire.
type Reach int

// The reaches: a rule whose log source was never seen, one that needs a field
// that never appears in it, one that can fire.
const (
	NoSource Reach = iota
	NoField
	CanFire
)

// Reach is that of a rule with these logs, and the fields that it reads and that
// never appear in any log that it is meant for.
func (d Delivered) Reach(rule *sigma.Rule) (Reach, []string) {
	best, absent := NoSource, []string(nil)
	seen := map[string]bool{}
	for kind, fields := range d {
		if !rule.Meant(kind) {
			continue
		}
		for f := range fields {
			seen[f] = true
		}
		reach := NoField
		if rule.Possible(func(f string) bool { return fields[f] }) {
			reach = CanFire
		}
		best = max(best, reach)
	}
	if best == NoSource {
		return best, nil
	}
	for _, f := range rule.ReadFields() {
		if !seen[f] {
			absent = append(absent, f)
		}
	}
	return best, absent
}

// Technique is one technique and the rules about it.
type Technique struct {
	ID      string // T1059 or T1059.001
	Rules   []*sigma.Rule
	CanFire int // of them
}

// Techniques groups rules by technique, sorted by id. Without logs (nil) every
// rule counts as one that can fire.
func Techniques(rules []*sigma.Rule, logs Delivered) []Technique {
	by := map[string]*Technique{}
	for _, r := range rules {
		fires := logs == nil
		if !fires {
			reach, _ := logs.Reach(r)
			fires = reach == CanFire
		}
		for _, id := range techniquesOf(r) {
			t := by[id]
			if t == nil {
				t = &Technique{ID: id}
				by[id] = t
			}
			t.Rules = append(t.Rules, r)
			if fires {
				t.CanFire++
			}
		}
	}
	var out []Technique
	for _, id := range slices.Sorted(maps.Keys(by)) {
		out = append(out, *by[id])
	}
	return out
}

// techniquesOf reads the tags attack.t1059 and attack.t1059.001.
func techniquesOf(r *sigma.Rule) (ids []string) {
	for _, tag := range r.Tags {
		id, ok := strings.CutPrefix(strings.ToLower(tag), "attack.t")
		if !ok || len(id) < 4 || strings.Trim(id[:4], "0123456789") != "" || len(id) > 4 && (len(id) != 8 || id[4] != '.') {
			continue
		}
		if id = "T" + id; !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// layer is a layer of the ATT&CK Navigator, format 4.5.
type layer struct {
	Name        string            `json:"name"`
	Versions    map[string]string `json:"versions"`
	Domain      string            `json:"domain"`
	Description string            `json:"description"`
	Techniques  []layerTechnique  `json:"techniques"`
	Gradient    layerGradient     `json:"gradient"`
	Legend      []any             `json:"legendItems"`
}

type layerTechnique struct {
	ID       string          `json:"techniqueID"`
	Score    int             `json:"score"`
	Comment  string          `json:"comment"`
	Enabled  bool            `json:"enabled"`
	Metadata []layerMetadata `json:"metadata"`
}

type layerMetadata struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type layerGradient struct {
	Colors []string `json:"colors"`
	Min    int      `json:"minValue"`
	Max    int      `json:"maxValue"`
}

// maxTitles is how many rules a comment names.
const maxTitles = 20

// WriteLayer writes a layer for the ATT&CK Navigator: the score is the number of
// rules that can fire.
func WriteLayer(w io.Writer, name string, techniques []Technique) error {
	l := layer{Name: name, Domain: "enterprise-attack", Versions: map[string]string{"layer": "4.5", "navigator": "5.1.0"}, Techniques: []layerTechnique{}, Legend: []any{},
		Description: "The score is the number of rules that can fire.", Gradient: layerGradient{Colors: []string{"#ffffff", "#8ec843"}, Max: 1}}
	for _, t := range techniques {
		var titles []string
		for _, r := range t.Rules[:min(len(t.Rules), maxTitles)] {
			titles = append(titles, r.Title)
		}
		slices.SortFunc(titles, cmp.Compare)
		l.Gradient.Max = max(l.Gradient.Max, t.CanFire)
		l.Techniques = append(l.Techniques, layerTechnique{ID: t.ID, Score: t.CanFire, Enabled: true, Comment: strings.Join(titles, "\n"),
			Metadata: []layerMetadata{{"rules", number(len(t.Rules))}, {"can fire", number(t.CanFire)}}})
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(l)
}

func number(n int) string {
	b, _ := json.Marshal(n) // of an int, cannot fail
	return string(b)
}
