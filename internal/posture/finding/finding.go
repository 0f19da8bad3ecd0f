package finding

import (
	"strings"

	"github.com/google/uuid"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/base/arm"
)

// Finding is what rules look at: one thing that a report found wrong, the same
// on every resource that has it.
type Finding struct {
	// ID is what the report calls it: "ssh-x11-forwarding", "CVE-2024-3094/xz-utils".
	ID        string
	Title     string
	Report    string // type of the report, folded
	Category  string // "baseline", "vulnerability", or what the report says
	Severity  content.Severity
	CVEs      []string
	CVSS      float64 // base score, 0 to 10; 0: none was given
	Patchable *bool   // whether a version without it exists; nil: not said
	Digest    string  // of the image that it is in, where a report is about several
}

// nameSpace is the namespace of the names of findings.
var nameSpace = uuid.NewSHA1(uuid.NameSpaceURL, []byte("https://rampart.dev/finding"))

// Name is the name of the sub-assessment that shows a finding: the same for an
// id on all resources.
func Name(id string) string { return uuid.NewSHA1(nameSpace, []byte(id)).String() }

// IsCalled reports whether a text names the finding: its id, its name, or a CVE
// id that it is about, in any case.
func (f *Finding) IsCalled(text string) bool {
	if strings.EqualFold(f.ID, text) {
		return true
	}
	for _, cve := range f.CVEs {
		if strings.EqualFold(cve, text) {
			return true
		}
	}
	return isName(text) && strings.EqualFold(Name(f.ID), text)
}

// isName keeps names from being computed for texts that are none.
func isName(text string) bool { return len(text) == 36 && text[8] == '-' && text[13] == '-' }

// Digest is the digest of an image in one spelling: hexadecimal, lower case,
// without its algorithm.
func Digest(text string) string { return strings.TrimPrefix(arm.Fold(text), "sha256:") }
