package correlate

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"
)

// Type is a kind of correlation, by the names of the specification.
type Type string

// The types of specification 2.1. value_median is value_percentile with 50.
const (
	EventCount      Type = "event_count"
	ValueCount      Type = "value_count"
	Temporal        Type = "temporal"
	TemporalOrdered Type = "temporal_ordered"
	ValueSum        Type = "value_sum"
	ValueAvg        Type = "value_avg"
	ValuePercentile Type = "value_percentile"
	ValueMedian     Type = "value_median"
)

// maxMembers is the most rules that one correlation may name: a window's
// members are a 64-bit set.
const maxMembers = 64

// maxTimespan bounds the state that a rule can ask for.
const maxTimespan = 90 * 24 * time.Hour

// Rule is one correlation document.
type Rule struct {
	ID, Name, Title, Description, Status, Level string
	Tags, FalsePositives                        []string

	Type     Type
	Members  []string // the rules it correlates, by id or name, in order
	GroupBy  []string // field names or aliases
	Aliases  map[string]map[string]string
	Timespan time.Duration
	When     Condition
	Field    string  // what value_ types read
	Percent  float64 // of value_percentile, 0 to 100; -1 if not given
	Generate bool    // member rules raise alerts of their own, too

	Custom map[string]yaml.Node // members of the document that the specification does not name
}

// Key is how other documents name the rule: its id, else its name.
func (r *Rule) Key() string {
	if r.ID != "" {
		return r.ID
	}
	return r.Name
}

// IsCorrelation reports whether a YAML document is a correlation rule.
func IsCorrelation(doc *yaml.Node) bool {
	return lookup(doc, "correlation") != nil
}

// Parse reads one correlation document. Errors name the line and what the
// specification asks for.
func Parse(doc *yaml.Node) (*Rule, error) {
	var head struct {
		ID, Name, Title, Description, Status, Level string
		Tags, FalsePositives                        []string `yaml:",flow"`
		Generate                                    *bool
		Correlation                                 yaml.Node
	}
	if err := doc.Decode(&head); err != nil {
		return nil, fmt.Errorf("read correlation: %w", err)
	}
	r := &Rule{ID: head.ID, Name: head.Name, Title: head.Title, Description: head.Description, Status: head.Status,
		Level: head.Level, Tags: head.Tags, FalsePositives: head.FalsePositives, Percent: -1}
	if head.Title == "" {
		return nil, fmt.Errorf("line %d: a correlation needs a title", doc.Line)
	}
	if r.Key() == "" {
		return nil, fmt.Errorf("line %d: a correlation needs an id or a name", doc.Line)
	}
	r.Custom = customMembers(doc)
	if head.Generate != nil {
		r.Generate = *head.Generate
	}
	if head.Correlation.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("line %d: correlation must be a map", head.Correlation.Line)
	}
	if err := r.readSection(&head.Correlation); err != nil {
		return nil, err
	}
	return r, r.check(head.Correlation.Line)
}

// named are the members of a correlation document that the specification names.
var named = []string{"id", "name", "title", "description", "status", "level", "tags", "falsepositives", "generate", "correlation", "author", "references",
	"date", "modified", "taxonomy", "related", "license"}

func customMembers(doc *yaml.Node) map[string]yaml.Node {
	if doc.Kind == yaml.DocumentNode && len(doc.Content) == 1 {
		doc = doc.Content[0]
	}
	custom := map[string]yaml.Node{}
	for i := 0; i+1 < len(doc.Content); i += 2 {
		if !slices.Contains(named, doc.Content[i].Value) {
			custom[doc.Content[i].Value] = *doc.Content[i+1]
		}
	}
	return custom
}

func (r *Rule) readSection(section *yaml.Node) error {
	for i := 0; i+1 < len(section.Content); i += 2 {
		key, value := section.Content[i], section.Content[i+1]
		var err error
		switch key.Value {
		case "type":
			err = value.Decode(&r.Type)
		case "rules":
			r.Members, err = textOrList(value)
		case "group-by":
			r.GroupBy, err = textOrList(value)
		case "timespan":
			r.Timespan, err = parseTimespan(value.Value)
		case "condition":
			err = r.readCondition(value)
		case "aliases":
			err = value.Decode(&r.Aliases)
		case "generate":
			err = value.Decode(&r.Generate)
		default:
			err = fmt.Errorf("unknown key %q", key.Value)
		}
		if err != nil {
			return fmt.Errorf("line %d: correlation %s: %w", key.Line, key.Value, err)
		}
	}
	return nil
}

func (r *Rule) readCondition(node *yaml.Node) error {
	if node.Kind != yaml.MappingNode {
		return fmt.Errorf("must be a map such as {gte: 10}")
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i].Value, node.Content[i+1]
		switch key {
		case "field":
			if err := value.Decode(&r.Field); err != nil {
				return fmt.Errorf("field must be one field name")
			}
			continue
		case "percentile":
			n, err := strconv.ParseFloat(value.Value, 64)
			if err != nil || !(n >= 0 && n <= 100) {
				return fmt.Errorf("percentile must be a number from 0 to 100, not %q", value.Value)
			}
			r.Percent = n
			continue
		}
		n, err := strconv.ParseFloat(value.Value, 64)
		if err != nil || n != n {
			return fmt.Errorf("%s must be a number, not %q", key, value.Value)
		}
		if err := r.When.add(key, n); err != nil {
			return err
		}
	}
	return nil
}

func (r *Rule) check(line int) error {
	fail := func(format string, args ...any) error {
		return fmt.Errorf("line %d: %s", line, fmt.Sprintf(format, args...))
	}
	needsField, needsCondition := false, true
	switch r.Type {
	case EventCount:
	case ValueCount, ValueSum, ValueAvg, ValuePercentile:
		needsField = true
	case ValueMedian:
		needsField, r.Type, r.Percent = true, ValuePercentile, 50
	case Temporal, TemporalOrdered:
		needsCondition = false
	case "":
		return fail("correlation has no type")
	default:
		return fail("unknown correlation type %q", r.Type)
	}
	switch {
	case len(r.Members) == 0:
		return fail("correlation names no rules")
	case len(r.Members) > maxMembers:
		return fail("correlation names %d rules, at most %d are possible", len(r.Members), maxMembers)
	case r.Timespan == 0:
		return fail("correlation has no timespan")
	case needsField && r.Field == "":
		return fail("%s needs a field in its condition", r.Type)
	case !needsField && r.Field != "":
		return fail("%s takes no field", r.Type)
	case r.Type == ValuePercentile && r.Percent < 0:
		return fail("value_percentile needs a percentile in its condition")
	case needsCondition && r.When.empty():
		return fail("%s needs a condition", r.Type)
	}
	for alias, fields := range r.Aliases {
		if len(fields) == 0 {
			return fail("alias %q names no field", alias)
		}
	}
	return nil
}

// parseTimespan reads a number and a unit: s, m, h or d.
func parseTimespan(s string) (time.Duration, error) {
	units := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour}
	if len(s) < 2 || units[s[len(s)-1]] == 0 {
		return 0, fmt.Errorf("%q is not a number followed by s, m, h or d", s)
	}
	n, err := strconv.ParseUint(s[:len(s)-1], 10, 32)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("%q is not a number followed by s, m, h or d", s)
	}
	unit := units[s[len(s)-1]]
	if n > uint64(maxTimespan/unit) {
		return 0, fmt.Errorf("%q is longer than %d days", s, maxTimespan/(24*time.Hour))
	}
	return time.Duration(n) * unit, nil
}

func textOrList(node *yaml.Node) ([]string, error) {
	if node.Kind == yaml.ScalarNode {
		if node.Tag == "!!null" {
			return nil, nil
		}
		return []string{node.Value}, nil
	}
	var list []string
	if err := node.Decode(&list); err != nil {
		return nil, fmt.Errorf("must be a name or a list of names")
	}
	for _, name := range list {
		if name == "" {
			return nil, fmt.Errorf("has an empty name")
		}
	}
	return list, nil
}

func lookup(node *yaml.Node, key string) *yaml.Node {
	if node.Kind == yaml.DocumentNode && len(node.Content) == 1 {
		node = node.Content[0]
	}
	if node.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			return node.Content[i+1]
		}
	}
	return nil
}
