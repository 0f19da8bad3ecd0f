package planning

import (
	"fmt"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// hostEvidence replaces what a policy read of a host check, its state, by what
// the check itself found on the machine: the file and line, the setting found
// and the one wanted.
func (x *explainer) hostEvidence(l *EvidenceLine) {
	id, ok := strings.CutPrefix(l.Path, "properties.checks.")
	if id, ok2 := strings.CutSuffix(id, ".state"); ok && ok2 {
		if evidence := x.check(l.ResourceID, id).Get("evidence"); evidence.Kind == policy.Object {
			l.take(evidence)
		}
	}
}

// check is the result of a host check in the document of an id.
func (x *explainer) check(document, id string) policy.Value {
	docID, err := arm.ParseID(document)
	if err != nil {
		return policy.Value{}
	}
	doc := x.docs.Resource(docID)
	if doc == nil {
		return policy.Value{}
	}
	return doc.Body.Get("properties").Get("checks").Get(id)
}

func (l *EvidenceLine) take(evidence policy.Value) {
	l.Path, l.Alias, l.Operator = "", "", ""
	l.File = evidence.Get("path").Text()
	if found := evidence.Get("found").Text(); found != "" {
		l.Found, l.Missing = found, false
	}
	if wanted := evidence.Get("wanted").Text(); wanted != "" {
		l.Wanted = wanted
	}
	l.Note = evidence.Get("note").Text()
	if line := evidence.Get("line"); line.Kind == policy.Int && line.Int > 0 {
		l.File += fmt.Sprintf(" line %d", line.Int)
	}
}
