package simulate

import (
	"encoding/json"

	"github.com/rampart-sec/rampart/internal/base/wire"
)

// AppendLine appends a document as one JSON line: the ARM object, with the
// declared paths as its "unavailable" member where there are any.
func AppendLine(b []byte, doc wire.Document) []byte {
	b = append(b, doc.Body...)
	if len(doc.Unavailable) > 0 {
		paths, _ := json.Marshal(doc.Unavailable) // strings always encode
		b = append(b[:len(b)-1], `,"unavailable":`...)
		b = append(append(b, paths...), '}')
	}
	return append(b, '\n')
}
