package sigma

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Rule is one detection rule. It is immutable once read.
type Rule struct {
	ID, Name, Title, Description, Status, Level, Author, Date string
	Tags, References, FalsePositives, Fields                  []string
	Related                                                   []Related
	LogSource                                                 LogSource
	Custom                                                    map[string]yaml.Node // members that the specification does not name

	File    string
	Line    int    // of the document in the file
	Version string // hash of what it detects

	selections map[string]node
	names      []string // of the selections, in the order of the file
	condition  expr
}

// Related names another rule and how it is related.
type Related struct{ ID, Type string }

// LogSource says which records a rule is meant for.
type LogSource struct {
	Product, Category, Service, Definition string
}

// Key is how other documents name the rule: its id, else its name, else its file.
func (r *Rule) Key() string {
	switch {
	case r.ID != "":
		return r.ID
	case r.Name != "":
		return r.Name
	}
	return r.File
}

// Error says why a document is refused.
type Error struct {
	File   string
	Line   int
	Reason string
}

// Error is one line.
func (e *Error) Error() string {
	if e.File == "" {
		return fmt.Sprintf("line %d: %s", e.Line, e.Reason)
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Reason)
}

func failAt(n *yaml.Node, format string, args ...any) *Error {
	return &Error{Line: n.Line, Reason: fmt.Sprintf(format, args...)}
}

// Parse reads one rule document.
func Parse(doc *yaml.Node) (*Rule, error) {
	if doc.Kind == yaml.DocumentNode && len(doc.Content) == 1 {
		doc = doc.Content[0]
	}
	if doc.Kind != yaml.MappingNode {
		return nil, failAt(doc, "a rule is a map")
	}
	r := &Rule{Line: doc.Line, Custom: map[string]yaml.Node{}}
	var detection *yaml.Node
	seen := map[string]bool{}
	for i := 0; i+1 < len(doc.Content); i += 2 {
		key, value := doc.Content[i], doc.Content[i+1]
		if seen[key.Value] {
			return nil, failAt(key, "%q stands twice", key.Value)
		}
		seen[key.Value] = true
		if key.Value == "detection" {
			detection = value
			continue
		}
		if err := r.member(key.Value, value); err != nil {
			return nil, failAt(key, "%s: %s", key.Value, err)
		}
	}
	if r.Title == "" {
		return nil, failAt(doc, "a rule needs a title")
	}
	if r.LogSource == (LogSource{}) && !seen["logsource"] {
		return nil, failAt(doc, "a rule needs a logsource")
	}
	if detection == nil {
		return nil, failAt(doc, "a rule needs a detection")
	}
	if err := r.readDetection(detection); err != nil {
		return nil, err
	}
	h := sha256.New()
	hashNode(h, detection)
	fmt.Fprintf(h, "%v %s", r.LogSource, r.Level)
	r.Version = hex.EncodeToString(h.Sum(nil)[:6])
	return r, nil
}

// hashNode writes what a part of a document says, without its layout.
func hashNode(w io.Writer, n *yaml.Node) {
	fmt.Fprintf(w, "%d %s %d:%s %d;", n.Kind, n.Tag, len(n.Value), n.Value, len(n.Content))
	for _, c := range n.Content {
		hashNode(w, c)
	}
}

func (r *Rule) member(name string, value *yaml.Node) error {
	texts := map[string]*string{"id": &r.ID, "name": &r.Name, "title": &r.Title, "description": &r.Description, "status": &r.Status,
		"level": &r.Level, "author": &r.Author, "date": &r.Date}
	if p := texts[name]; p != nil {
		if value.Kind != yaml.ScalarNode {
			return fmt.Errorf("it must be text")
		}
		*p = strings.TrimSpace(value.Value)
		return nil
	}
	lists := map[string]*[]string{"tags": &r.Tags, "references": &r.References, "falsepositives": &r.FalsePositives, "fields": &r.Fields}
	if p := lists[name]; p != nil {
		return decodeTexts(value, p)
	}
	switch name {
	case "related":
		return value.Decode(&r.Related)
	case "logsource":
		if value.Kind != yaml.MappingNode {
			return fmt.Errorf("it must be a map")
		}
		return value.Decode(&r.LogSource)
	}
	r.Custom[name] = *value
	return nil
}

// decodeTexts reads a list of texts, or one text.
func decodeTexts(value *yaml.Node, p *[]string) error {
	if value.Kind == yaml.ScalarNode {
		if value.Tag != "!!null" {
			*p = []string{value.Value}
		}
		return nil
	}
	return value.Decode(p)
}

// readDetection reads the selections and the condition.
func (r *Rule) readDetection(n *yaml.Node) error {
	if n.Kind != yaml.MappingNode {
		return failAt(n, "detection must be a map")
	}
	r.selections = map[string]node{}
	var condition *yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch key.Value {
		case "condition":
			condition = value
			continue
		case "timeframe":
			return failAt(key, "timeframe belongs to the aggregations of Sigma 1; write a correlation")
		}
		if r.selections[key.Value] != nil {
			return failAt(key, "selection %q stands twice", key.Value)
		}
		s, err := parseSelection(value)
		if err != nil {
			return err
		}
		r.selections[key.Value] = s
		r.names = append(r.names, key.Value)
	}
	if condition == nil {
		return failAt(n, "detection has no condition")
	}
	var texts []string
	if err := decodeTexts(condition, &texts); err != nil || len(texts) == 0 {
		return failAt(condition, "condition must be text, or a list of texts")
	}
	var any orExpr
	for _, text := range texts {
		e, err := parseCondition(text, r.names)
		if err != nil {
			return failAt(condition, "condition %q: %s", text, err)
		}
		any = append(any, e)
	}
	r.condition = any
	if len(any) == 1 {
		r.condition = any[0]
	}
	return nil
}
