package compliance

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

func TestEvidence(t *testing.T) {
	pdf, text := []byte("%PDF-1.7\nwhatever"), []byte("checked by hand\n")
	tests := map[string]struct {
		name   string
		data   []byte
		want   string // name kept, "" for refused
		status int
	}{
		"a document":               {"Report March.pdf", pdf, "Report March.pdf", 0},
		"text":                     {"notes.TXT", text, "notes.TXT", 0},
		"a path of the sender":     {`C:\Users\ana\..\secret\report.pdf`, pdf, "report.pdf", 0},
		"a path out of here":       {"../../etc/passwd.txt", text, "passwd.txt", 0},
		"breaks a header":          {"a\"b\r\nSet-Cookie: x=1.pdf", pdf, "abSet-Cookie x=1.pdf", 0},
		"letters right to left":    {"annual\u202efdp.txt", text, "annualfdp.txt", 0},
		"long":                     {strings.Repeat("ä", 400) + ".pdf", pdf, strings.Repeat("ä", 120) + ".pdf", 0},
		"a page":                   {"evil.html", []byte("<script>alert(1)</script>"), "", 400},
		"a drawing that runs":      {"evil.svg", []byte("<svg onload='x'/>"), "", 400},
		"a program":                {"run.exe", []byte("MZ..."), "", 400},
		"two extensions":           {"report.pdf.html", pdf, "", 400},
		"a program as a document":  {"report.pdf", []byte("MZ\x90\x00"), "", 400},
		"a page as an image":       {"x.png", []byte("<html></html>"), "", 400},
		"bytes as text":            {"x.txt", []byte{'a', 0, 0xff}, "", 400},
		"no name":                  {".pdf", pdf, "", 400},
		"empty":                    {"x.pdf", nil, "", 400},
		"one byte more than taken": {"x.txt", bytes.Repeat([]byte("a"), MaxEvidence+1), "", 413},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			e, err := NewEvidence(tt.name, tt.data)
			var client *arm.Error
			switch {
			case tt.want == "" && (!errors.As(err, &client) || client.Status != tt.status):
				t.Errorf("error %v, want status %d", err, tt.status)
			case tt.want != "" && (err != nil || e.Name != tt.want || e.Size != len(tt.data) || !e.Matches(tt.data) || e.Matches(nil)):
				t.Errorf("got %+v, %v, want name %q", e, err, tt.want)
			}
		})
	}
}
