package jsonlog_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/event/jsonlog"
)

var kind = event.NewKind("app", nil, nil)

// read gives the leaves of each record as Walk finds them, and the values of slots.
func read(t testing.TB, in io.Reader, schema *event.Schema) (leaves, slots []string, skipped int) {
	t.Helper()
	d := jsonlog.Plain(in, schema, kind)
	var r event.Record
	for {
		err := d.Next(&r)
		var bad *event.SkipError
		switch {
		case err == io.EOF:
			return leaves, slots, skipped
		case errors.As(err, &bad):
			skipped++
			continue
		case err != nil:
			t.Fatal(err)
		}
		r.Walk(func(name []byte, v event.Value) bool {
			leaves = append(leaves, fmt.Sprintf("%s=%s", name, r.TextOf(&v)))
			return true
		})
		for i, name := range schema.Names() {
			for v := r.First(event.Slot(i)); v != 0; v = r.Next(v) {
				if ty := r.TypeOf(v); ty != event.Nested {
					slots = append(slots, fmt.Sprintf("%s=%s", name, r.Text(v)))
				}
			}
		}
	}
}

// slow walks a document by the tokens of encoding/json: path=text of each leaf.
func slow(dec *json.Decoder, path string, out *[]string) error {
	token, err := dec.Token()
	if err != nil {
		return err
	}
	switch token := token.(type) {
	case json.Delim:
		for dec.More() {
			at := path
			if token == '{' {
				key, err := dec.Token()
				if err != nil {
					return err
				}
				if at = key.(string); path != "" {
					at = path + "." + at
				}
			}
			if err := slow(dec, at, out); err != nil {
				return err
			}
		}
		_, err = dec.Token()
		return err
	case nil:
		*out = append(*out, path+"=null")
	default:
		*out = append(*out, fmt.Sprintf("%s=%v", path, token))
	}
	return nil
}

func slowLeaves(doc string) ([]string, error) {
	dec := json.NewDecoder(strings.NewReader(doc))
	dec.UseNumber()
	var out []string
	err := slow(dec, "", &out)
	return out, err
}

// fields are the names whose slots are compared.
var fields = []string{"a", "b", "a.b", "a.b.c", "c"}

func compare(t *testing.T, doc string) {
	t.Helper()
	want, err := slowLeaves(doc)
	if err != nil {
		t.Fatal(err)
	}
	leaves, slots, skipped := read(t, strings.NewReader(doc), event.NewSchema(fields))
	if skipped != 0 || !slices.Equal(leaves, want) {
		t.Errorf("%s\n got %q, %d skipped\nwant %q", doc, leaves, skipped, want)
	}
	var wanted []string
	for _, name := range fields {
		for _, leaf := range want {
			if strings.HasPrefix(leaf, name+"=") {
				wanted = append(wanted, leaf)
			}
		}
	}
	slices.Sort(slots)
	slices.Sort(wanted)
	if !slices.Equal(slots, wanted) {
		t.Errorf("%s\nslots %q\n want %q", doc, slots, wanted)
	}
}

var documents = []string{
	`{}`,
	`{"a":1,"b":"x","c":null}`,
	`{"a":{"b":{"c":[1,2,{"d":3}]}}}`,
	`{"a.b":{"c":true},"a":{"b.c":false}}`,
	`{"a":[{"b":1},{"b":2}],"b":[]}`,
	`{"a":"\u00e9\ud83d\ude00\n\"","b":1.5e-3,"c":-0}`,
	` {"a" : [ [ 1 ] , [ ] ] } `,
}

func TestAgainstEncodingJSON(t *testing.T) {
	for _, doc := range documents {
		compare(t, doc)
	}
}

func FuzzDecoder(f *testing.F) {
	for _, doc := range documents {
		f.Add(doc)
	}
	f.Add(`[{"a":1},{"b":}`)
	f.Add("{\"a\":1}\n{broken\n{\"b\":2}")
	f.Fuzz(func(t *testing.T, in string) {
		schema := event.NewSchema(fields)
		whole, _, skipped := read(t, strings.NewReader(in), schema)
		parts, _, again := read(t, iotest.OneByteReader(strings.NewReader(in)), schema)
		if skipped != again || !slices.Equal(whole, parts) {
			t.Errorf("%q at once: %q, %d skipped; byte by byte: %q, %d skipped", in, whole, skipped, parts, again)
		}
		if skipped > len(in) {
			t.Errorf("%d skipped of %d bytes", skipped, len(in))
		}
		if doc := strings.TrimSpace(in); json.Valid([]byte(in)) && strings.HasPrefix(doc, "{") && utf8.ValidString(in) && !deep(in) && !strings.Contains(in, `""`) && !strings.ContainsAny(in, "@#$") { // marks of attributes and text
			compare(t, in)
		}
	})
}

// deep reports whether a document may be nested deeper than is read.
func deep(doc string) bool { return strings.Count(doc, "{")+strings.Count(doc, "[") > 30 }
