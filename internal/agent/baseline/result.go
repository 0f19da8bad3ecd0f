package baseline

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rampart-sec/rampart/content/baselines"
	"github.com/rampart-sec/rampart/internal/agent/host"
)

// State is the outcome of a check.
type State string

// The states. Unknown is never taken for one of the others.
const (
	Pass          State = "pass"
	Fail          State = "fail"
	NotApplicable State = "notApplicable"
	Unknown       State = "unknown"
	Invalid       State = "invalid" // the rule itself cannot be read
)

// Evidence says where a state comes from. Texts are short and have no control
// characters; secrets are never in it.
type Evidence struct {
	Path   string `json:"path,omitempty"`
	Line   int    `json:"line,omitempty"`
	Found  string `json:"found,omitempty"`
	Wanted string `json:"wanted,omitempty"`
	Note   string `json:"note,omitempty"`
}

// Result is the outcome of one check on one host.
type Result struct {
	Check    *baselines.Check
	State    State
	Evidence Evidence
}

// outcome is what a procedure returns.
type outcome struct {
	state    State
	evidence Evidence
}

func pass(e Evidence) outcome { return outcome{Pass, e} }
func fail(e Evidence) outcome { return outcome{Fail, e} }
func when(ok bool, e Evidence) outcome {
	if ok {
		return pass(e)
	}
	return fail(e)
}

// inapplicable names why a procedure does not apply.
func inapplicable(note string) outcome { return outcome{NotApplicable, Evidence{Note: note}} }

// unknown turns a reading error into an outcome: the path and the reason.
func unknown(err error) outcome {
	var u *host.Unreadable
	if errors.As(err, &u) {
		return outcome{Unknown, Evidence{Path: u.Path, Note: u.Reason}}
	}
	return outcome{Unknown, Evidence{Note: err.Error()}}
}

// missing is the outcome a rule declares for a value or file that is not there.
func missing(state string, e Evidence) outcome {
	switch state {
	case "pass":
		return pass(e)
	case "notApplicable":
		return outcome{NotApplicable, e}
	}
	return fail(e)
}

// Bounds of evidence texts, in bytes.
const (
	maxFound = 200
	maxNote  = 400
)

// Clean bounds the texts and takes out characters that could not be shown.
func (e Evidence) Clean() Evidence {
	e.Path, e.Found, e.Wanted, e.Note = clip(e.Path, maxNote), clip(e.Found, maxFound), clip(e.Wanted, maxFound), clip(e.Note, maxNote)
	return e
}

// clip makes a text of the host safe to show: control and invisible characters
// become "?", and it is cut at a whole character.
func clip(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError {
			return '?'
		}
		return r
	}, s)
	if len(s) <= limit {
		return s
	}
	cut := limit - len("...")
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "..."
}
