package policy

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// Explanation is a verdict in full, as `rampart policy explain` shows it and
// the API returns it.
type Explanation struct {
	Resource   string         `json:"resource"`
	Definition string         `json:"definition"`
	State      string         `json:"state"`
	Effect     string         `json:"effect"`
	Reason     string         `json:"reason"`
	If         *Explained     `json:"if,omitempty"`
	Related    []ExplainedDoc `json:"related,omitempty"`
	// Reads are the properties, by path, whose change re-evaluates the rule.
	Reads []string `json:"reads,omitempty"`
	// LooksAt is the related type whose change does, "" if none.
	LooksAt string `json:"looksAt,omitempty"`
}

// ExplainedDoc is one related resource that was looked at.
type ExplainedDoc struct {
	ID             string     `json:"id"`
	ApplicableWhen *Explained `json:"applicableWhen,omitempty"`
	Existence      *Explained `json:"existenceCondition,omitempty"`
}

// Explained is a node of a trace in its JSON form.
type Explained struct {
	Path     string       `json:"path"`
	Kind     string       `json:"kind"`
	Result   string       `json:"result"`
	Decides  bool         `json:"decides,omitempty"`
	Field    string       `json:"field,omitempty"`
	Property string       `json:"property,omitempty"`
	Guessed  bool         `json:"guessed,omitempty"` // the property is a guess: no table has the alias
	Operator string       `json:"operator,omitempty"`
	Found    *Value       `json:"found,omitempty"` // absent if it is missing
	Wanted   *Value       `json:"wanted,omitempty"`
	Note     string       `json:"note,omitempty"`
	Of       []*Explained `json:"of,omitempty"`
}

// Explain judges a resource and says why.
func (e *Evaluator) Explain(b *Bound, r *Resource, env Environment) *Explanation {
	v := e.Evaluate(b, r, env)
	x := &Explanation{
		Resource: r.idText(), Definition: b.Definition.title(), State: v.State.String(), Effect: v.Effect, Reason: v.Reason,
		If: v.If.explain(), Reads: e.reads(b, r),
	}
	if b.Details != nil {
		x.LooksAt = b.Details.Type
	}
	for _, t := range v.Related {
		x.Related = append(x.Related, ExplainedDoc{ID: t.ID, ApplicableWhen: t.Applicable.explain(), Existence: t.Existence.explain()})
	}
	return x
}

func (d *Definition) title() string {
	for _, s := range [...]string{d.DisplayName, d.Name, d.ID} {
		if s != "" {
			return s
		}
	}
	return "rule"
}

// reads lists the paths that the if reads on the resource's type.
func (e *Evaluator) reads(b *Bound, r *Resource) []string {
	run := e.run(b, r, r, Environment{})
	seen := map[string]bool{}
	var out []string
	Fields(b.If, func(f *Field, _ bool) {
		text := f.Text
		switch f.Kind {
		case FieldDynamic:
			text = f.Text + " (computed)"
		case FieldAlias, FieldPath:
			if path, _ := run.path(f, r); path != nil {
				text = path.String()
			}
		}
		if !seen[text] {
			seen[text] = true
			out = append(out, text)
		}
	})
	return out
}

func (t *Trace) explain() *Explained {
	if t == nil {
		return nil
	}
	deciding := map[*Trace]bool{}
	for _, d := range t.Deciding() {
		deciding[d] = true
	}
	return t.explained(deciding)
}

func (t *Trace) explained(deciding map[*Trace]bool) *Explained {
	x := &Explained{
		Path: t.Path, Kind: t.Kind, Result: t.Result.String(), Decides: deciding[t], Field: t.Subject, Property: t.Property,
		Guessed: t.Origin == OriginMechanical, Operator: t.Operator, Note: t.Note,
	}
	if t.Found.Kind != Missing {
		x.Found = &t.Found
	}
	if t.Wanted.Kind != Missing {
		x.Wanted = &t.Wanted
	}
	for _, child := range t.Of {
		x.Of = append(x.Of, child.explained(deciding))
	}
	return x
}

// WriteJSON writes the explanation as one JSON document.
func (x *Explanation) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(x)
}

// WriteText writes the explanation for people: the verdict, then the tree with
// an arrow at the conditions that decided.
func (x *Explanation) WriteText(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", x.State, x.Definition)
	if x.Resource != "" {
		fmt.Fprintf(&b, "resource  %s\n", x.Resource)
	}
	fmt.Fprintf(&b, "effect    %s\nreason    %s\n", x.Effect, x.Reason)
	if len(x.Reads) > 0 {
		fmt.Fprintf(&b, "reads     %s\n", strings.Join(x.Reads, ", "))
	}
	if x.LooksAt != "" {
		fmt.Fprintf(&b, "looks at  %s\n", x.LooksAt)
	}
	if x.If != nil {
		b.WriteString("if\n")
		x.If.write(&b, 1)
	}
	for _, doc := range x.Related {
		fmt.Fprintf(&b, "related %s\n", doc.ID)
		for _, tree := range [...]*Explained{doc.ApplicableWhen, doc.Existence} {
			if tree != nil {
				tree.write(&b, 1)
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (x *Explained) write(b *strings.Builder, depth int) {
	mark := "  "
	if x.Decides {
		mark = "> "
	}
	fmt.Fprintf(b, "%s%s%-7s %s\n", strings.Repeat("  ", depth), mark, x.Result, x.line())
	for _, child := range x.Of {
		child.write(b, depth+1)
	}
}

// line words one node without its result.
func (x *Explained) line() string {
	if x.Operator == "" {
		return x.Kind
	}
	found, wanted := "missing", "nothing"
	if x.Found != nil {
		found = clip(x.Found.String())
	}
	if x.Wanted != nil {
		wanted = clip(x.Wanted.String())
	}
	s := fmt.Sprintf("%s %s %s, found %s", x.Field, x.Operator, wanted, found)
	if x.Property != "" && x.Property != x.Field {
		s += " at " + x.Property
	}
	if x.Guessed {
		s += " (guessed path)"
	}
	if x.Note != "" {
		s += ": " + x.Note
	}
	return s
}
