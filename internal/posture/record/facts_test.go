package record

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rampart-sec/rampart/internal/base/wire"
	"github.com/rampart-sec/rampart/internal/posture/policy/engine"
)

// FuzzOutline checks that what the engine tells of a body's members, if it
// does, is what the index finds by itself.
func FuzzOutline(f *testing.F) {
	for _, body := range []string{
		`{}`,
		` { "location" : "westeurope" , "tags":{"a":"b"},"properties":{"x":[1,{"y":"}"}]} } `,
		`{"properties":{"tags":{"no":"no"},"location":"inner"},"systemData":{"properties":1}}`,
		`{"location":"a","tags":{"a":"1"},"location":"b","properties":1,"tags":{"b":"2"},"properties":{"z":null}}`,
		`{"Location":"case","TAGS":{},"Properties":{}}`,
		`{"locatio\u006e":"escaped","location":"plain","tag\u0073":{"a":"b"}}`,
		`{"type":"Microsoft.Test/widgets","id":"x","tags":null,"location":7,"properties":[]}`,
		`{"type":"Microsoft.Other/things","location":"refused"}`,
		"\xef\xbb\xbf" + `{"location":"behind a mark"}`,
		`[{"location":"in an array"}]`, `"location"`, `{"location":"a"} {}`, `{"location":"a",`, ``,
	} {
		f.Add([]byte(body))
	}
	set, _, err := engine.Compile(engine.Input{}, engine.Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		doc := &wire.Document{ID: factsSub + "/resourceGroups/g/providers/Microsoft.Test/widgets/w", Type: "Microsoft.Test/widgets", Body: body}
		got, err := engine.NewEstate(set).Load(1, doc)
		if err != nil && got.Known {
			t.Errorf("the outline of a document that was refused (%v) is known", err)
		}
		if !got.Known {
			return
		}
		if diff := cmp.Diff(outlineOf(body), got); diff != "" {
			t.Errorf("outline of %q (-index +engine):\n%s", body, diff)
		}
	})
}

// TestOutlineIsKnown: the usual document is not walked over twice.
func TestOutlineIsKnown(t *testing.T) {
	set, _, err := engine.Compile(engine.Input{}, engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	doc := &wire.Document{ID: factsSub, Type: "Microsoft.Resources/subscriptions", Body: []byte(`{"location":"westeurope"}`)}
	got, err := engine.NewEstate(set).Load(1, doc)
	if err != nil || !got.Known || string(got.Location) != `"westeurope"` {
		t.Errorf("outline %+v, %v", got, err)
	}
}

const factsSub = "/subscriptions/00000000-0000-0000-0000-000000000001"
