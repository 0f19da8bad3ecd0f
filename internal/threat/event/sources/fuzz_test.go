package sources_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/event/sources"
)

// FuzzSources lets each source read the same bytes: none may fail to end, and
// what is given can be walked and has a log source.
func FuzzSources(f *testing.F) {
	f.Add(`{"Records":[{"eventName":"a","eventSource":"b","eventTime":"2025-01-02T03:04:05Z","userIdentity":{"type":"x"}},{],"n":1}`)
	f.Add(`[{"Event":{"System":{"EventID":{"#text":1,"#attributes":{"Qualifiers":2}},"Channel":"Security"},"EventData":{"Data":[{"@Name":"x","#text":"y"}]}}}`)
	f.Add(`{"value":[{"category":"Administrative","operationName":{"value":"x"},"properties":"{\"a\":1}"}]}{"kind":"EventList","items":[{"auditID":"x"}]}`)
	f.Add(`{"protoPayload":{"methodName":"x"},"timestamp":"2025"}` + "\n}]{")
	schema := event.NewSchema([]string{"eventName", "EventID", "Data", "properties.a", "gcp.audit.method_name", "verb", "User"})
	f.Fuzz(func(t *testing.T, in string) {
		for _, s := range sources.List {
			d := s.New(strings.NewReader(in), schema)
			var r event.Record
			for n := 0; ; n++ {
				if n > len(in)+2 {
					t.Fatalf("%s: more records than bytes", s.Name)
				}
				err := d.Next(&r)
				var bad *event.SkipError
				if errors.As(err, &bad) {
					continue
				}
				if err != nil {
					break
				}
				if r.Kind == nil {
					t.Fatalf("%s: no log source", s.Name)
				}
				for _, v := range r.Values() {
					r.FoldOf(&v)
				}
				r.Time()
			}
		}
	})
}
