package proof

import (
	"encoding/json"
	"testing"

	"github.com/rampart-sec/rampart/content"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// TestEmptyTextIsAbsent: where a recommendation asks whether a text is there, empty
// text counts as absent and an example says so. exists takes empty text for
// something, so it is for what is no text; comparisons with the empty text treat
// missing, null and empty alike.
func TestEmptyTextIsAbsent(t *testing.T) {
	library, err := content.Load()
	if err != nil {
		t.Fatal(err)
	}
	aliases := policy.NewAliases()
	asked := 0
	for _, r := range library.Recommendations {
		d, err := policy.ParseDefinition(r.Definition())
		if err != nil {
			t.Fatal(err)
		}
		b, err := policy.Bind(d, nil, policy.Options{})
		if err != nil {
			t.Fatal(err)
		}
		conditions := []policy.Condition{b.If}
		if b.Details != nil {
			conditions = append(conditions, b.Details.ExistenceCondition)
		}
		documents := exampleDocuments(t, r)
		for _, c := range conditions {
			policy.Walk(c, func(c policy.Condition) {
				if l, ok := c.(*policy.Leaf); ok && l.Field != nil && l.Field.Kind == policy.FieldAlias {
					asked += checkPresence(t, r.Name, l, valuesOf(aliases, documents, l.Field.Text))
				}
			})
		}
	}
	if asked < 40 {
		t.Errorf("only %d conditions ask whether something is there", asked)
	}
}

// checkPresence checks one condition by the values that its field has in the
// examples; it returns 1 if the condition asks whether something is there.
func checkPresence(t *testing.T, name string, l *policy.Leaf, values []policy.Value) int {
	t.Helper()
	right, _ := policy.Constant(l.Right)
	text, empty, other := false, false, false
	for _, v := range values {
		text = text || v.Kind == policy.String
		empty = empty || v.Kind == policy.String && v.Str == ""
		other = other || !v.IsNothing()
	}
	switch {
	case l.Op == policy.OpExists && text:
		t.Errorf("%s asks whether the text %s exists; compare it with '' instead", name, l.Field.Text)
	case l.Op == policy.OpExists && !other:
		t.Errorf("%s asks whether %s exists, and no example shows what it is", name, l.Field.Text)
	case (l.Op == policy.OpEquals || l.Op == policy.OpNotEquals) && right.Kind == policy.String && right.Str == "" && !empty:
		t.Errorf("%s compares %s with '' and has no example of the empty text", name, l.Field.Text)
	case l.Op != policy.OpExists && (right.Kind != policy.String || right.Str != ""):
		return 0
	}
	return 1
}

// exampleDocuments are the resources and the related ones of all examples.
func exampleDocuments(t *testing.T, r *content.Recommendation) (all []policy.Value) {
	t.Helper()
	for i := range r.Examples {
		body, err := r.Body(i)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range append([]json.RawMessage{body}, r.Examples[i].Related...) {
			v, err := policy.ParseValue(text)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, v)
		}
	}
	return all
}

func valuesOf(a *policy.Aliases, documents []policy.Value, alias string) (all []policy.Value) {
	for _, doc := range documents {
		if path, _ := a.Path(doc.Get("type").Str, alias, ""); path != nil {
			all = append(all, policy.ValuesAt(path, doc)...)
		}
	}
	return all
}
