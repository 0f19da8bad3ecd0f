package sigma

import (
	"strings"
	"testing"

	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/event/jsonlog"
)

// TestKeywordsWhateverTheRecordIsMadeOf looks for a keyword in records whose
// bytes spell it otherwise: binary ones, escaped ones, one inside another.
func TestKeywordsWhateverTheRecordIsMadeOf(t *testing.T) {
	set := Read("x.yml", []byte("title: x\nlogsource: {product: test}\ndetection: {words: [sekurlsa], condition: words}\n"))
	engine := Compile(set.Rules)
	kind := event.NewKind("test", nil, nil)
	matches := func(rec *event.Record) bool { return len(engine.Matcher().Match(rec)) == 1 }

	var rec event.Record
	rec.Reset(engine.Schema())
	rec.Kind, rec.Raw = kind, []byte("s\x00e\x00k\x00u\x00r\x00l\x00s\x00a\x00")
	rec.AddString("x", "SEKURLSA::")
	if !matches(&rec) {
		t.Error("not found in a binary record")
	}
	rec.Reset(engine.Schema())
	rec.Kind = kind
	rec.SetText([]byte("run Sekurlsa now"))
	if !matches(&rec) {
		t.Error("not found in a line")
	}
	for text, want := range map[string]bool{
		`{"a":["Sekurlsa::x"]}`:                true,
		`{"a":"\u0073ekurlsa"}`:                true,
		`{"a":"se\u212Aurlsa"}`:                true,
		"{\"a\":\"se\u212aurlsa\"}":            true,
		`{"a":"sekur","b":"lsa"}`:              false,
		`{"log":"{\"a\":\"\\u0073ekurlsa\"}"}`: true,
	} {
		dec := jsonlog.New(strings.NewReader(text), jsonlog.Layout{Embedded: []string{"log"}}, engine.Schema(), func(r *event.Record) error {
			r.Kind = kind
			return nil
		})
		if err := dec.Next(&rec); err != nil {
			t.Fatal(err)
		}
		if matches(&rec) != want || set.Rules[0].Evaluate(&rec) != want {
			t.Errorf("%s: engine %v, interpreter %v", text, matches(&rec), set.Rules[0].Evaluate(&rec))
		}
	}
}
