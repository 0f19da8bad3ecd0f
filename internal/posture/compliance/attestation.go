package compliance

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// Attestation is a person's word on a control: it passed or failed, who says
// so, why, what proves it, and until when it holds.
type Attestation struct {
	Standard string    `json:"standard"` // id of the standard
	Control  string    `json:"control"`  // number
	State    State     `json:"state"`    // Passed or Failed
	By       string    `json:"by"`
	At       time.Time `json:"at"`
	Expires  time.Time `json:"expires,omitzero"` // zero: never
	Comment  string    `json:"comment"`
	Evidence *Evidence `json:"evidence,omitempty"`

	ETag  string `json:"-"` // of the object that holds it
	scope string // folded, of the object's id
}

// maxComment bounds what a person says, in characters.
const maxComment = 4096

// Attestation kind of store objects, and the id prefix below a scope.
const (
	AttestationKind   = "attestation"
	attestationPrefix = "/providers/Microsoft.Security/rampartAttestations/"
)

// AttestationID is the store id of a scope's attestation of a control.
func AttestationID(scope, standard, control string) string {
	return strings.TrimSuffix(scope, "/") + attestationPrefix + standard + "~" + url.PathEscape(control)
}

// ParseAttestation decodes and checks an attestation's JSON; the error is an
// *arm.Error that a client may be shown.
func ParseAttestation(data []byte, now time.Time) (Attestation, error) {
	var a Attestation
	if err := json.Unmarshal(data, &a); err != nil {
		return a, arm.Invalid("the attestation is not the JSON that is wanted: %v", err)
	}
	return a, a.Check(now)
}

// Check says what is wrong with an attestation.
func (a *Attestation) Check(now time.Time) error {
	switch {
	case a.Standard == "" || a.Control == "":
		return arm.Invalid("an attestation names its standard and control")
	case a.State != Passed && a.State != Failed:
		return arm.Invalid("state %q: an attestation says Passed or Failed", a.State)
	case strings.TrimSpace(a.Comment) == "" || utf8.RuneCountInString(a.Comment) > maxComment:
		return arm.Invalid("an attestation needs a comment of at most %d characters", maxComment)
	case !a.Expires.IsZero() && !a.Expires.After(now):
		return arm.Invalid("the attestation would run out on %s, which has passed", a.Expires.Format(time.DateOnly))
	}
	return nil
}

// latest is the newest attestation of a control that holds at a time.
func latest(all []Attestation, standard, control string, at time.Time) *Attestation {
	var best *Attestation
	for i := range all {
		a := &all[i]
		if a.Standard != standard || a.Control != control || !a.Expires.IsZero() && !a.Expires.After(at) {
			continue
		}
		if best == nil || a.At.After(best.At) {
			best = a
		}
	}
	return best
}

// newest is the newest attestation of a control, run out or not.
func newest(all []Attestation, standard, control string) *Attestation {
	return latest(all, standard, control, time.Time{}) // before every end
}

// String is how an attestation reads in a report.
func (a *Attestation) String() string {
	s := fmt.Sprintf("attested %s by %s on %s", strings.ToLower(string(a.State)), a.By, a.At.Format(time.DateOnly))
	if !a.Expires.IsZero() {
		s += ", until " + a.Expires.Format(time.DateOnly)
	}
	if e := a.Evidence; e != nil {
		s += fmt.Sprintf(", evidence %s (SHA-256 %s)", e.Name, e.SHA256)
	}
	return s
}
