package inventory_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/inventory"
	"github.com/rampart-sec/rampart/internal/base/wire"
)

func TestDecode(t *testing.T) {
	const id = group + "a"
	tests := map[string]struct {
		in, typ, body string
		unavailable   string
	}{
		"plain":                      {in: `{"id":"` + id + `","name":"a","type":"microsoft.storage/storageaccounts","properties":{}}`, typ: "microsoft.storage/storageaccounts", body: `{"id":"` + id + `","name":"a","type":"microsoft.storage/storageaccounts","properties":{}}`},
		"no type or name":            {in: `{"id":"` + id + `","properties":{}}`, typ: "Microsoft.Storage/storageAccounts", body: `{"name":"a","type":"Microsoft.Storage/storageAccounts","id":"` + id + `","properties":{}}`},
		"listed only":                {in: `{"id":"` + id + `","name":"a","type":"Microsoft.Storage/storageAccounts","properties":null,"tags":null}`, typ: "Microsoft.Storage/storageAccounts", body: `{"id":"` + id + `","name":"a","type":"Microsoft.Storage/storageAccounts","properties":null,"tags":null}`, unavailable: "properties the source listed the resource without them"},
		"white space":                {in: " {\n \"id\" : \"" + id + "\" ,\"name\":\"a b\", \"properties\": { } }\n", typ: "Microsoft.Storage/storageAccounts", body: `{"type":"Microsoft.Storage/storageAccounts","id":"` + id + `","name":"a b","properties":{}}`},
		"escaped id":                 {in: `{"id":"` + strings.ReplaceAll(id, "/", `\/`) + `","name":"a","properties":{}}`, typ: "Microsoft.Storage/storageAccounts", body: `{"type":"Microsoft.Storage/storageAccounts","id":"` + strings.ReplaceAll(id, "/", `\/`) + `","name":"a","properties":{}}`},
		"short group":                {in: `{"id":"/subscriptions/6f9619ff-8b86-d011-b42d-00cf4fc964ff/resourceGroups/g","name":"g","type":"Microsoft.Resources/resourceGroups"}`, typ: arm.TypeResourceGroup, body: `{"id":"/subscriptions/6f9619ff-8b86-d011-b42d-00cf4fc964ff/resourceGroups/g","name":"g","type":"Microsoft.Resources/subscriptions/resourceGroups"}`},
		"short group in an envelope": {in: `{"id":"/subscriptions/6f9619ff-8b86-d011-b42d-00cf4fc964ff/resourceGroups/g","type":"Microsoft.Resources/resourceGroups","body":{"id":"/subscriptions/6f9619ff-8b86-d011-b42d-00cf4fc964ff/resourceGroups/g","name":"g","type": "microsoft.resources/resourcegroups", "tags":{"a":"b"}}}`, typ: arm.TypeResourceGroup, body: `{"id":"/subscriptions/6f9619ff-8b86-d011-b42d-00cf4fc964ff/resourceGroups/g","name":"g","type":"Microsoft.Resources/subscriptions/resourceGroups","tags":{"a":"b"}}`},
		"management group":           {in: `{"id":"/providers/Microsoft.Management/managementGroups/m","name":"m","type":"/providers/Microsoft.Management/managementGroups"}`, typ: arm.TypeManagementGroup, body: `{"id":"/providers/Microsoft.Management/managementGroups/m","name":"m","type":"Microsoft.Management/managementGroups"}`},
		"envelope":                   {in: `{"id":"` + id + `","source":"liar","unavailable":["properties.x"],"body":{"id":"` + id + `","name":"a","type":"Microsoft.Storage/storageAccounts"}}`, typ: "Microsoft.Storage/storageAccounts", body: `{"id":"` + id + `","name":"a","type":"Microsoft.Storage/storageAccounts"}`, unavailable: "properties.x"},
		"deletion":                   {in: `{"id":"` + id + `","deleted":true}`, typ: "Microsoft.Storage/storageAccounts"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			doc, err := inventory.Decode([]byte(tt.in), noon, "import")
			if err != nil {
				t.Fatal(err)
			}
			if doc.Type != tt.typ || string(doc.Body) != tt.body || strings.Join(doc.Unavailable, ",") != tt.unavailable {
				t.Errorf("type %s, unavailable %q, body\n%s, want\n%s", doc.Type, doc.Unavailable, doc.Body, tt.body)
			}
			if doc.Source != "import" || !doc.ObservedAt.Equal(noon) {
				t.Errorf("source %s, observed %v", doc.Source, doc.ObservedAt)
			}
		})
	}
}

func TestDecodeEnvelopeTimes(t *testing.T) {
	for name, tt := range map[string]struct{ at, want time.Time }{
		"past":         {noon.Add(-time.Hour), noon.Add(-time.Hour)},
		"little ahead": {noon.Add(time.Minute), noon.Add(time.Minute)},
		"clock jumped": {noon.AddDate(10, 0, 0), noon},
	} {
		t.Run(name, func(t *testing.T) {
			in, err := json.Marshal(wire.Document{ID: group + "a", Type: "Microsoft.Storage/storageAccounts", ObservedAt: tt.at, SourceVersion: 4, Body: json.RawMessage(`{"properties":{}}`)})
			if err != nil {
				t.Fatal(err)
			}
			doc, err := inventory.Decode(in, noon, "import")
			if err != nil || !doc.ObservedAt.Equal(tt.want) || doc.SourceVersion != 4 {
				t.Errorf("%+v, %v", doc, err)
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	const id = `"id":"` + group + `a"`
	for name, in := range map[string]string{
		"nothing":           ``,
		"not an object":     `[]`,
		"no id":             `{}`,
		"id twice":          `{` + id + `,` + id + `}`,
		"id a number":       `{"id":1}`,
		"root":              `{"id":"/"}`,
		"name null":         `{` + id + `,"name":null}`,
		"name twice":        `{` + id + `,"name":"a","name":"b"}`,
		"type null":         `{` + id + `,"type":null}`,
		"bad escape":        `{` + id + `,"a":"\q"}`,
		"control character": `{` + id + `,"a":"` + "\x01" + `"}`,
		"leading zero":      `{` + id + `,"a":01}`,
		"bare word":         `{` + id + `,"a":truth}`,
		"no comma":          `{` + id + ` "a":1}`,
		"trailing comma":    `{` + id + `,}`,
		"location a number": `{` + id + `,"location":1}`,
		"tags a list":       `{` + id + `,"tags":[]}`,
		"bad time":          `{` + id + `,"body":{},"observedAt":"yesterday"}`,
		"bad version":       `{` + id + `,"body":{},"sourceVersion":1.5}`,
		"negative version":  `{` + id + `,"body":{},"sourceVersion":-1}`,
		"bad unavailable":   `{` + id + `,"body":{},"unavailable":"x"}`,
		"body a text":       `{` + id + `,"body":"x"}`,
		"body of another":   `{` + id + `,"body":{"id":"` + group + `b"}}`,
		"body's other type": `{` + id + `,"body":{"type":"Microsoft.Web/sites"}}`,
		"huge number":       `{` + id + `,"properties":{"a":[1e999]}}`,
		"no path":           `{` + id + `,"body":{},"unavailable":["properties..x"]}`,
		"array at the root": `{` + id + `,"body":{},"unavailable":["[*]"]}`,
		"api version":       `{` + id + `,"apiVersion":"` + strings.Repeat("x", 65) + `"}`,
		"line break in it":  `{` + id + `,"body":{},"unavailable":["a\nb"]}`,
	} {
		t.Run(name, func(t *testing.T) {
			doc, err := inventory.Decode([]byte(in), noon, "import")
			if err == nil {
				t.Fatalf("accepted as %+v", doc)
			}
			if s := err.Error(); strings.Contains(s, "\n") || len(s) > 400 {
				t.Errorf("reason %q is not one short line", s)
			}
		})
	}
}

// FuzzDecode: what is accepted is valid JSON that says the same as the input,
// has id, name and type, and is accepted again unchanged.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		account("a"), `{"id":"/subscriptions/6f9619ff-8b86-d011-b42d-00cf4fc964ff","x":[1,-2.5e+7,true,null,"\u00e9\n"]}`, `{}`, ` { "id" : "` + group + `a" } `,
		`{"id":"` + group + `a","body":{"properties":{}},"unavailable":["a b"],"observedAt":"2026-01-01T00:00:00Z","sourceVersion":3}`,
		`{"id":"` + group + `a","deleted":true}`, `{"id":"` + group + `a","resources":[{}],"name":"n"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		doc, err := inventory.Decode(bytes.Clone(in), noon, "import")
		if err != nil {
			return
		}
		if !json.Valid(in) {
			t.Fatalf("%q is no JSON but accepted", in)
		}
		if doc.Deleted {
			return
		}
		var body struct{ ID, Name, Type *string }
		if err := json.Unmarshal(doc.Body, &body); err != nil || body.ID == nil || body.Name == nil || body.Type == nil {
			t.Fatalf("%q gives body %q: %v", in, doc.Body, err)
		}
		again, err := inventory.Decode(bytes.Clone(doc.Body), noon, "import")
		if err != nil || again.ID != doc.ID || !again.Deleted && !bytes.Equal(again.Body, doc.Body) && !bytes.Contains(doc.Body, []byte(`"body"`)) {
			t.Fatalf("%q gives body %q, which gives %q: %v", in, doc.Body, again.Body, err)
		}
	})
}

// FuzzImport: no input panics, hangs or yields more documents and rejections
// than it has bytes.
func FuzzImport(f *testing.F) {
	a := account("a")
	for _, s := range []string{a, "[" + a + "," + a + "]", `{"value":[` + a + `]}` + a, "{\n" + a[1:], `{"$schema":"x","parameters":{"p":{"defaultValue":"v"}},"resources":[{"type":"A/b","name":"[concat('x',parameters('p'))]"}]}`, "[\n  {\"id\":\n  {", "\xff\xfe[\x00"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		n := 0
		take := func(doc *wire.Document) error {
			if n++; doc.ID == "" || doc.Source == "" {
				t.Fatalf("%q yields %+v", in, doc)
			}
			return nil
		}
		res, err := inventory.Each(t.Context(), bytes.NewReader(in), inventory.EachOptions{Source: "import", Now: noon, Take: take})
		if res.Created+res.RejectedTotal > len(in) {
			t.Fatalf("%q yields more documents than bytes: %+v", in, res)
		}
		for _, r := range res.Rejected {
			if r.Reason == "" || r.Line < 1 {
				t.Fatalf("%q yields %+v", in, r)
			}
		}
		_ = err // a stream that ends early is an error, which is right
	})
}
