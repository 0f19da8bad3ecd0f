package finding

import (
	"bytes"
	"encoding/json"
)

// Result is one result as a report has it. It and what it holds are parts of the
// report's body, not copies.
type Result struct {
	Finding
	Outcome   Outcome
	raw       []byte
	stateText []byte // value of a check's state, nil in a list
	exploited bool
}

// Outcome is what a report says of a check or a vulnerability.
type Outcome uint8

// The outcomes. What a report says in other words is Unknown.
const (
	Unknown Outcome = iota
	Pass
	Fail
	NotApplicable
)

// String is the outcome as reports spell it.
func (o Outcome) String() string { return [...]string{"unknown", "pass", "fail", "notApplicable"}[o] }

// outcomeOf reads the state of a result, with its quotes or without.
func outcomeOf(text []byte) Outcome {
	switch string(bytes.Trim(text, `"`)) {
	case "pass":
		return Pass
	case "fail":
		return Fail
	case "notApplicable":
		return NotApplicable
	}
	return Unknown
}

// Words are what is said of a result at length.
type Words struct{ Description, Remediation, Impact, Evidence string }

// Words are the words for a result of this report. Of a check that our own
// content knows they are the content's, but for the evidence.
func (r *Report) Words(it *Result) Words {
	if it.stateText == nil {
		return it.vulnerabilityWords()
	}
	var w Words
	var found hostCheck
	if err := json.Unmarshal(it.raw, &found); err == nil { // else it has no evidence in a shape that is known
		w.Evidence = found.evidence()
	}
	if known := r.checks[it.ID]; known != nil {
		w.Description, w.Remediation = known.Rationale, known.Remediation
	}
	return w
}

func (it *Result) vulnerabilityWords() Words {
	var s scanned
	if err := json.Unmarshal(it.raw, &s); err != nil {
		return Words{} // it was read before
	}
	return Words{Description: s.Description, Remediation: s.Remediation, Impact: s.Impact, Evidence: s.evidence()}
}

// cut bounds a foreign text.
func cut(text []byte) string {
	if len(text) > maxReportText {
		text = text[:maxReportText]
	}
	return string(bytes.ToValidUTF8(text, nil))
}
