package engine

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// developmentCase is what this test needs of a line of the case file.
type developmentCase struct {
	ID         string                     `json:"id"`
	Rule       json.RawMessage            `json:"policyRule"`
	Definition json.RawMessage            `json:"policyDefinition"`
	Resource   json.RawMessage            `json:"resource"`
	Parameters map[string]json.RawMessage `json:"parameters"`
	APIVersion string                     `json:"apiVersion"`
	Aliases    string                     `json:"aliases"`
	Related    []struct {
		Type     string          `json:"type"`
		Resource json.RawMessage `json:"resource"`
	} `json:"related"`
}

// world makes the case an estate of one resource and what is related to it; ok
// is false for cases without a rule or resource that can be used.
func (c *developmentCase) world(t *testing.T, n int) (w *world, ok bool) {
	raw := c.Definition
	if c.Rule != nil {
		raw = mustJSON(obj{"properties": obj{"mode": "All", "policyRule": c.Rule}})
	}
	id := fmt.Sprintf("/providers/Microsoft.Authorization/policyDefinitions/case%d", n)
	d, err := policy.ParseDefinition(raw)
	if err != nil || c.Resource == nil {
		return nil, false
	}
	d.ID, d.Name = id, fmt.Sprintf("case%d", n)
	a := assign(t, testSub, d)[0]
	for name, v := range c.Parameters {
		value, err := policy.ParseValue(v)
		if err != nil {
			return nil, false
		}
		if inner := value.Get("value"); inner.Kind != policy.Missing {
			value = inner
		}
		a.Parameters[name] = value
	}
	w = &world{
		in:  Input{Definitions: []*policy.Definition{d}, Assignments: []*policy.Assignment{a}},
		opt: Options{Now: instant, Language: policy.Options{DirectPaths: true}}, docs: map[uint32]wire.Document{},
	}
	if c.Aliases != "" {
		w.in.Aliases = policy.NewAliases()
	}
	w.docs[0] = caseDocument(c.Resource, "Microsoft.Test/things", 0)
	w.docs[0] = withVersion(w.docs[0], c.APIVersion)
	for i, r := range c.Related {
		if len(r.Resource) > 0 && !bytes.Equal(r.Resource, []byte("null")) {
			w.docs[uint32(i+1)] = caseDocument(r.Resource, r.Type, i+1)
		}
	}
	_, err = policy.Bind(d, a.Parameters, w.opt.Language)
	return w, err == nil
}

func withVersion(d wire.Document, v string) wire.Document {
	d.APIVersion = v
	return d
}

// caseDocument gives a resource of a case an id of its own.
func caseDocument(body json.RawMessage, typ string, n int) wire.Document {
	var head struct{ Type string }
	if json.Unmarshal(body, &head) == nil && head.Type != "" {
		typ = head.Type
	}
	return wire.Document{ID: fmt.Sprintf("%s/providers/Microsoft.Case/things/r%d", testGroup, n), Type: typ, Body: body}
}

// TestDevelopmentCases runs every public case through the engine and the tree
// walker; what the verdict should be is tested with the tree walker.
func TestDevelopmentCases(t *testing.T) {
	f, err := os.Open(filepath.Join(sharedData(t), "cases-dev.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	scan := bufio.NewScanner(f)
	scan.Buffer(nil, 1<<20)
	ran := 0
	for n := 0; scan.Scan(); n++ {
		var c developmentCase
		if err := json.Unmarshal(scan.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		t.Run(c.ID, func(t *testing.T) {
			w, ok := c.world(t, n)
			if !ok {
				t.Skip("the case has no rule that binds, or no resource")
			}
			ran++
			w.check(t)
		})
	}
	if err := scan.Err(); err != nil || ran < 200 {
		t.Errorf("%d cases ran: %v", ran, err)
	}
}

// TestCatalogueCompiles compiles every public definition with its defaults
// and judges synthetic resources by all of them.
func TestCatalogueCompiles(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles some thousand definitions")
	}
	data := sharedData(t)
	defs, _ := catalogue(t, data)
	w := &world{in: Input{Aliases: publicAliases(t, data)}, opt: Options{Now: instant}, docs: map[uint32]wire.Document{}}
	for _, d := range defs {
		if _, err := policy.Bind(d, nil, w.opt.Language); err == nil {
			w.in.Definitions = append(w.in.Definitions, d)
			w.in.Assignments = append(w.in.Assignments, assign(t, "/subscriptions/00000000-1111-2222-3333-444444444444", d)...)
		}
	}
	for i, doc := range estateOf(40, 5) {
		w.docs[uint32(i)] = doc
	}
	e := w.check(t)
	stats := e.Set().Stats()
	t.Logf("%d definitions; %+v", len(w.in.Definitions), stats)
	if stats.Slow*10 > stats.Conditions {
		t.Errorf("%d of %d conditions have no fast form", stats.Slow, stats.Conditions)
	}
}
