package sigma

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/threat/event"
)

// Explanation says why a rule matches a record, or why not.
type Explanation struct {
	Rule       *Rule
	Meant      bool // the rule is meant for the record's log source
	Matches    bool // it is, and the condition holds
	Condition  string
	Selections []Part // those that the condition uses, in the order of the file
}

// Part is a selection, or a part of one: alternatives, or what must hold
// together, or one comparison.
type Part struct {
	Name  string `json:"name,omitempty"` // of a selection
	Holds bool   `json:"holds"`
	// Of comparisons: the field with its modifiers as written (empty: keywords),
	// the line, what the record has, what the rule wants.
	Key    string   `json:"key,omitempty"`
	Line   int      `json:"line,omitempty"`
	Found  []string `json:"found,omitempty"`
	Wanted []string `json:"wanted,omitempty"`
	Absent bool     `json:"absent,omitempty"` // the record has no such field
	Hit    string   `json:"hit,omitempty"`    // the wanted value that was found, the first
	// Of others: how the parts are joined ("all" or "any"), and the parts.
	Join  string `json:"join,omitempty"`
	Parts []Part `json:"parts,omitempty"`
}

// Explain evaluates a rule slowly and keeps what each comparison found and
// wanted. The record must have been filled for a schema with the rule's fields.
func (r *Rule) Explain(rec *event.Record) *Explanation {
	x := &Explanation{Rule: r, Meant: r.Meant(rec.Kind), Condition: exprText(r.condition)}
	x.Matches = x.Meant && r.Evaluate(rec)
	used := map[string]bool{}
	usedBy(r.condition, used)
	for _, name := range r.selectionNames() {
		if used[name] {
			p := explainNode(rec, r.selections[name])
			p.Name = name
			x.Selections = append(x.Selections, p)
		}
	}
	return x
}

// selectionNames are the names in the order of the file, then those of filters.
func (r *Rule) selectionNames() []string {
	names := append([]string(nil), r.names...)
	known := map[string]bool{}
	for _, n := range names {
		known[n] = true
	}
	var more []string
	for n := range r.selections {
		if !known[n] {
			more = append(more, n)
		}
	}
	slices.Sort(more)
	return append(names, more...)
}

func explainNode(rec *event.Record, n node) Part {
	switch n := n.(type) {
	case allOf:
		return explainParts(rec, "all", n, nodeHolds(rec, n))
	case anyOf:
		return explainParts(rec, "any", n, nodeHolds(rec, n))
	case *item:
		return n.explain(rec)
	}
	return Part{}
}

func explainParts(rec *event.Record, join string, ns []node, holds bool) Part {
	p := Part{Join: join, Holds: holds}
	for _, n := range ns {
		p.Parts = append(p.Parts, explainNode(rec, n))
	}
	return p
}

// maxShown bounds the texts of an explanation.
const maxShown = 2000

func (it *item) explain(rec *event.Record) Part {
	p := Part{Holds: nodeHolds(rec, it), Key: it.text, Line: it.line}
	if !it.keyword {
		p.Found = textsOf(rec, it.field)
		p.Absent = len(p.Found) == 0
	}
	for i, s := range p.Found {
		if len(s) > maxShown {
			p.Found[i] = s[:maxShown] + "..."
		}
	}
	for i := range it.values {
		v := &it.values[i]
		text := v.String()
		if p.Hit == "" && it.found(rec, v) {
			p.Hit = text
		}
		if len(p.Wanted) < maxShown {
			p.Wanted = append(p.Wanted, text)
		}
	}
	return p
}

// String writes what a value is compared with.
func (v *value) String() string {
	switch v.kind {
	case matchRegexp:
		return "/" + v.re.String() + "/"
	case matchNetwork:
		return v.network.String()
	case matchNull:
		return "null"
	case matchExists:
		return map[bool]string{true: "present", false: "absent"}[v.exists]
	case matchNumber:
		return strings.TrimSpace(fmt.Sprintf("%s %s %v", v.part, map[string]string{"lt": "<", "lte": "<=", "gt": ">", "gte": ">=", "": "="}[v.op], v.number))
	case matchField:
		return strings.TrimSpace(v.how + " field " + v.ref)
	}
	if v.cased {
		return v.pattern.String() + " (cased)"
	}
	return v.pattern.String()
}

// exprText writes a condition.
func exprText(e expr) string {
	join := func(es []expr, word string) string {
		texts := make([]string, len(es))
		for i, x := range es {
			texts[i] = exprText(x)
			if _, or := x.(orExpr); or && word == "and" {
				texts[i] = "(" + texts[i] + ")"
			}
		}
		return strings.Join(texts, " "+word+" ")
	}
	switch e := e.(type) {
	case andExpr:
		return join(e, "and")
	case orExpr:
		return join(e, "or")
	case notExpr:
		if _, ref := e.of.(refExpr); ref {
			return "not " + exprText(e.of)
		}
		return "not (" + exprText(e.of) + ")"
	case refExpr:
		return string(e)
	case ofExpr:
		count := "all"
		if e.n >= 0 {
			count = fmt.Sprint(e.n)
		}
		return count + " of (" + strings.Join(e.names, ", ") + ")"
	}
	return ""
}

// usedBy collects the selections that a condition names.
func usedBy(e expr, used map[string]bool) {
	switch e := e.(type) {
	case andExpr:
		for _, x := range e {
			usedBy(x, used)
		}
	case orExpr:
		for _, x := range e {
			usedBy(x, used)
		}
	case notExpr:
		usedBy(e.of, used)
	case refExpr:
		used[string(e)] = true
	case ofExpr:
		for _, n := range e.names {
			used[n] = true
		}
	}
}
