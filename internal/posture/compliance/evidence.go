package compliance

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// Evidence describes the file that proves an attestation.
type Evidence struct {
	Name   string `json:"name"`
	Type   string `json:"type"` // media type, by the name's extension
	Size   int    `json:"size"`
	SHA256 string `json:"sha256"` // hexadecimal
}

// MaxEvidence bounds an evidence file.
const MaxEvidence = 5 << 20

// mediaTypes are the files that are taken, by extension: those that people
// prove things with and that a reader's program shows without running them.
// The type that a browser names is not believed.
var mediaTypes = map[string]string{
	".pdf": "application/pdf", ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg",
	".txt": "text/plain; charset=utf-8", ".log": "text/plain; charset=utf-8", ".md": "text/plain; charset=utf-8",
	".csv": "text/csv; charset=utf-8", ".json": "application/json",
	".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	".odt":  "application/vnd.oasis.opendocument.text", ".ods": "application/vnd.oasis.opendocument.spreadsheet",
	".zip": "application/zip", ".eml": "message/rfc822",
}

// EvidenceTypes are the extensions that are taken, for a form.
const EvidenceTypes = ".pdf,.png,.jpg,.jpeg,.txt,.log,.md,.csv,.json,.docx,.xlsx,.pptx,.odt,.ods,.zip,.eml"

// NewEvidence describes a file by its own content and a foreign name. What is
// empty, too large, of a kind that is not taken, or not what its name says, is
// an *arm.Error.
func NewEvidence(name string, data []byte) (*Evidence, error) {
	name = fileName(name)
	typ, ok := mediaTypes[strings.ToLower(path.Ext(name))]
	switch {
	case len(data) == 0:
		return nil, arm.Invalid("The evidence file is empty.")
	case len(data) > MaxEvidence:
		return nil, tooLarge()
	case name == "" || !ok:
		return nil, arm.Invalid("Evidence of this kind is not taken; use one of %s.", strings.ReplaceAll(EvidenceTypes, ",", ", "))
	case !looksLike(typ, data):
		return nil, arm.Invalid("The content of %q is not what its name says.", name)
	}
	sum := sha256.Sum256(data)
	return &Evidence{Name: name, Type: typ, Size: len(data), SHA256: hex.EncodeToString(sum[:])}, nil
}

func tooLarge() *arm.Error {
	return &arm.Error{Status: http.StatusRequestEntityTooLarge, Code: "RequestContentTooLarge", Message: "The evidence file is larger than 5 MiB."}
}

// Matches reports whether a file is the one that was described.
func (e *Evidence) Matches(data []byte) bool {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]) == e.SHA256
}

// looksLike compares a media type with the first bytes of the content.
func looksLike(typ string, data []byte) bool {
	found, _, _ := strings.Cut(http.DetectContentType(data), ";")
	typ, _, _ = strings.Cut(typ, ";")
	switch {
	case strings.HasPrefix(typ, "text/"), typ == "application/json", typ == "message/rfc822":
		return utf8.Valid(data) && !bytes.ContainsRune(data, 0)
	case strings.HasPrefix(typ, "application/vnd."):
		return found == "application/zip"
	}
	return found == typ
}

// fileName is the last part of a foreign name without what a file system or a
// header could misread, at most 120 characters, its extension kept.
func fileName(name string) string {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.Is(unicode.C, r) || strings.ContainsRune(`"<>|:*?;%`, r) {
			return -1
		}
		return r
	}, name)
	name = strings.TrimLeft(strings.TrimSpace(name), ".")
	const most = 120
	ext := path.Ext(name)
	if stem := []rune(strings.TrimSuffix(name, ext)); len(stem) > most {
		name = string(stem[:most]) + ext
	}
	if len(ext) > 10 || strings.TrimSuffix(name, ext) == "" {
		return ""
	}
	return name
}
