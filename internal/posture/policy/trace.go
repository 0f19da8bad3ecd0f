package policy

import (
	"fmt"
	"strings"
)

// Trace is how one condition came to its result, with everything below it.
type Trace struct {
	Path     string
	Kind     string // allOf, anyOf, not, field, value, count
	Result   Truth
	Subject  string // the field as written, "value", "count of ..."
	Property string // where the field lies in the document
	Origin   Origin // of an alias's path
	Operator string
	Found    Value // the value, or the members, or the number
	Wanted   Value
	Note     string   // why it is unknown or an error
	Of       []*Trace // children; for a count one per member
}

func (t *Trace) fail(err error) { t.Result, t.Note = Failed, err.Error() }

// combine adds the result for one selected value.
func (t *Trace) combine(truth Truth, err error) {
	t.Result = t.Result.and(truth)
	if err != nil && t.Note == "" {
		t.Note = err.Error()
	}
	if truth == Open && t.Note == "" {
		t.Note = t.Found.FirstUnavailable()
		if t.Note == "" {
			t.Note = t.Wanted.FirstUnavailable()
		}
	}
}

// Deciding returns the leaves that made the result what it is: of a false
// allOf the false ones, of a true anyOf the true ones, of an unknown node the
// unknown ones.
func (t *Trace) Deciding() []*Trace {
	if t.Kind != "allOf" && t.Kind != "anyOf" && t.Kind != "not" {
		return []*Trace{t}
	}
	var out []*Trace
	for _, child := range t.Of {
		if t.Kind == "not" || child.Result == t.Result {
			out = append(out, child.Deciding()...)
		}
	}
	if len(out) == 0 {
		return []*Trace{t}
	}
	return out
}

// Reason is one sentence about what decided. A true rule names what is
// particular to the resource, so its conditions on type are left out when
// there are others.
func (t *Trace) Reason() string {
	deciding := t.Deciding()
	if t.Result == False {
		deciding = deciding[:1]
	}
	var parts []string
	for _, leaf := range deciding {
		if len(deciding) > 1 && leaf.Subject == "type" {
			continue
		}
		parts = append(parts, leaf.sentence())
	}
	if len(parts) == 0 {
		parts = append(parts, deciding[0].sentence())
	}
	const enough = 3
	if len(parts) > enough {
		parts = append(parts[:enough], fmt.Sprintf("and %d more", len(parts)-enough))
	}
	return strings.Join(parts, "; ")
}

// sentence words one leaf.
func (t *Trace) sentence() string {
	switch t.Result {
	case Open:
		return fmt.Sprintf("%s is not known: %s", t.name(), t.openPath())
	case Failed:
		return fmt.Sprintf("%s cannot be evaluated: %s", t.name(), t.Note)
	}
	verb := map[Truth]string{True: "satisfies", False: "does not satisfy"}[t.Result]
	name := t.name()
	if t.Kind == "count" {
		name = "the number of " + strings.TrimPrefix(name, "count of ") + " that match"
	}
	return fmt.Sprintf("%s is %s, which %s %s %s", name, show(t.Found), verb, t.Operator, show(t.Wanted))
}

func (t *Trace) openPath() string {
	if t.Note != "" {
		return t.Note
	}
	for _, child := range t.Of {
		if child.Result == Open {
			for _, leaf := range child.Deciding() {
				return leaf.openPath()
			}
		}
	}
	return "a property was not delivered"
}

func (t *Trace) name() string {
	if t.Property != "" {
		return t.Property
	}
	if t.Subject != "" {
		return t.Subject
	}
	return t.Path
}

func show(v Value) string {
	if v.Kind == Missing {
		return "missing"
	}
	return clip(v.String())
}
