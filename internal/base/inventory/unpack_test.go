package inventory_test

import (
	"bytes"
	"compress/gzip"
	"strings"
	"testing"

	"github.com/rampart-sec/rampart/internal/base/inventory"
)

func zipped(t *testing.T, s string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestImportOfPackedFiles(t *testing.T) {
	lines := account("a") + "\n" + `{"id":7}` + "\n" + account("b") + "\n"
	whole := zipped(t, lines)
	tests := map[string]struct {
		in      []byte
		created int
		err     string
	}{
		"one":       {whole, 2, ""},
		"two files": {append(bytes.Clone(whole), zipped(t, account("c"))...), 3, ""},
		"array":     {zipped(t, "["+account("a")+","+account("b")+"]"), 2, ""},
		"cut off":   {whole[:len(whole)-9], 0, "unpack: unexpected EOF"},
		"no gzip":   {[]byte("\x1f\x8bnonsense"), 0, "unpack: "},
		"too short": {[]byte("\x1f"), 0, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			v, _ := openInventory(t)
			res, err := v.Import(t.Context(), "", bytes.NewReader(tt.in), inventory.ImportOptions{Source: "import"})
			if err == nil && res.Created != tt.created || (err != nil) != (tt.err != "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%+v, %v, want %d created and %q", res, err, tt.created, tt.err)
			}
		})
	}
}
