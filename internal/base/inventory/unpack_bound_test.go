package inventory

import (
	"io"
	"strings"
	"testing"
)

func TestUnpackedIsBounded(t *testing.T) {
	b := &bounded{r: strings.NewReader(strings.Repeat("x", 100)), left: 99}
	if n, err := io.Copy(io.Discard, b); err == nil {
		t.Errorf("%d bytes were read of a stream that may have 99", n)
	}
}
