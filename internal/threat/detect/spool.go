package detect

import (
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// maxBatch is the most bytes that one batch may have as it is sent.
const maxBatch = 1 << 30

// spooled is a batch in a temporary file.
type spooled struct{ file *os.File }

// spool reads a batch to its end.
func spool(in io.Reader) (*spooled, error) {
	f, err := os.CreateTemp("", "rampart-events-")
	if err != nil {
		return nil, fmt.Errorf("keep events: %w", err)
	}
	s := &spooled{f}
	n, err := io.Copy(f, io.LimitReader(in, maxBatch+1))
	if err == nil && n > maxBatch {
		err = &arm.Error{Status: http.StatusRequestEntityTooLarge, Code: "RequestContentTooLarge",
			Message: fmt.Sprintf("A batch of events has at most %d MiB; send several.", maxBatch>>20)}
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		s.remove()
		return nil, fmt.Errorf("keep events: %w", err)
	}
	return s, nil
}

func (s *spooled) remove() {
	_ = s.file.Close()
	_ = os.Remove(s.file.Name())
}
