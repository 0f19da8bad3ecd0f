package sources

import (
	"io"

	"github.com/rampart-sec/rampart/internal/threat/event"
)

// Source is one kind of log that can be read.
type Source struct {
	Name string // as users write it: "windows"
	Says string // one line
	// New makes a decoder of a stream for rules that read the fields of the schema.
	New func(in io.Reader, s *event.Schema) event.Decoder
}

// List is every source, in the order of the help.
var List = []Source{}

// Find gives the source of a name.
func Find(name string) (Source, bool) {
	for _, s := range List {
		if s.Name == name {
			return s, true
		}
	}
	return Source{}, false
}
