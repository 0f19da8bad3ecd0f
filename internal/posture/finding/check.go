package finding

import (
	"fmt"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/rawjson"
)

// check reads one check. Texts are those of our own content where it knows the
// check: what a host says of it counts less.
func (r *Report) check(it *Result, id, value []byte) error {
	if value[0] != '{' || len(id) == 0 || len(id) > maxReportText {
		return fmt.Errorf("check %q is not an object with a state", cut(id))
	}
	var title, severity []byte
	rawjson.Members(value, func(key, v []byte) bool {
		switch string(key) {
		case "state":
			it.stateText = v
		case "title":
			title = v
		case "severity":
			severity = v
		}
		return true
	})
	if it.stateText == nil || it.stateText[0] != '"' {
		return fmt.Errorf("check %q has no state", cut(id))
	}
	it.raw, it.Outcome = value, outcomeOf(it.stateText)
	if r.failing && it.Outcome != Fail {
		return nil
	}
	if it.Category = "check"; strings.EqualFold(r.typ, BaselineType) {
		it.Category = "baseline"
	}
	if known := r.checks[string(id)]; known != nil {
		it.ID, it.Title, it.Severity = known.ID, known.Title, known.Severity
		return nil
	}
	it.ID, it.Title = rawjson.Name(id), cut([]byte(rawjson.Text(title)))
	if it.Title == "" {
		it.Title = it.ID
	}
	var ok bool
	if it.Severity, ok = Severity(rawjson.Text(severity)); !ok && len(severity) > 0 {
		return fmt.Errorf("check %q: severity %q is not known", it.ID, cut(severity))
	}
	return nil
}

// hostCheck is what an agent says of one check.
type hostCheck struct {
	Evidence struct {
		Path   string `json:"path"`
		Line   int    `json:"line"`
		Found  string `json:"found"`
		Wanted string `json:"wanted"`
		Note   string `json:"note"`
	} `json:"evidence"`
}

// evidence words what a check found.
func (r hostCheck) evidence() string {
	var parts []string
	if r.Evidence.Found != "" {
		parts = append(parts, "found "+r.Evidence.Found)
	}
	if r.Evidence.Wanted != "" {
		parts = append(parts, "wanted "+r.Evidence.Wanted)
	}
	if r.Evidence.Path != "" {
		where := r.Evidence.Path
		if r.Evidence.Line > 0 {
			where += fmt.Sprintf(" line %d", r.Evidence.Line)
		}
		parts = append(parts, where)
	}
	if r.Evidence.Note != "" {
		parts = append(parts, r.Evidence.Note)
	}
	return strings.Join(parts, ", ")
}
