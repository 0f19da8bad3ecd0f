package sources

import (
	"io"

	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/event/cef"
	"github.com/rampart-sec/rampart/internal/threat/event/jsonlog"
	"github.com/rampart-sec/rampart/internal/threat/event/logfmt"
	"github.com/rampart-sec/rampart/internal/threat/event/mapping"
	"github.com/rampart-sec/rampart/internal/threat/event/otlp"
)

// envelopes are formats that any log source may come in.
var envelopes = []struct {
	name, says string
	new        func(io.Reader, *event.Schema, *event.Kind) event.Decoder
}{
	{"json", "JSON Lines of the log source that is named", plain},
	{"cef", "Common Event Format of the log source that is named", cef.New},
	{"logfmt", "key=value lines of the log source that is named", logfmt.New},
	{"otlp", "OpenTelemetry logs (protobuf or JSON) of the log source that is named", otlp.New},
}

// Envelope gives the source of a format that says nothing of its log source,
// which the user names.
func Envelope(name string, kind *event.Kind) (Source, bool) {
	for _, e := range envelopes {
		if e.name == name {
			return Source{e.name, e.says, func(in io.Reader, s *event.Schema) event.Decoder { return e.new(in, s, kind) }}, true
		}
	}
	return Source{}, false
}

func plain(in io.Reader, s *event.Schema, kind *event.Kind) event.Decoder {
	return jsonlog.Plain(in, s, kind)
}

// JSON is the source of plain JSON whose log source the user names. Fields keep
// their names, joined by points.
func JSON(kind *event.Kind) Source {
	s, _ := Envelope("json", kind)
	return s
}

// Mapped is the source of JSON whose log source and names of fields a file gives.
func Mapped(m *mapping.Mapping) Source {
	return Source{"json", "JSON Lines as a mapping file says", m.New}
}
