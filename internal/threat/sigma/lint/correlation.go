package lint

import (
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

var (
	correlationTypes = []string{"event_count", "value_count", "temporal", "temporal_ordered", "value_sum", "value_avg", "value_percentile", "value_median"}
	operators        = []string{"gt", "gte", "lt", "lte", "eq", "neq"}
	timespan         = regexp.MustCompile(`^[1-9]\d*[smhd]$`)
)

func (l *linter) correlation(doc, v *yaml.Node) {
	kind := get(v, "type")
	switch {
	case v.Kind != yaml.MappingNode:
		l.at(v, "correlation-type", nil, "correlation is no map")
		return
	case kind == nil:
		l.at(v, "correlation-type", nil, "there is no type")
		return
	case !slices.Contains(correlationTypes, kind.Value):
		l.at(kind, "correlation-type", nil, "%q is none of %s", kind.Value, strings.Join(correlationTypes, ", "))
	}
	l.references(v, get(v, "rules"), "correlation-rules")
	l.timespan(v)
	if !strings.HasPrefix(kind.Value, "temporal") {
		l.threshold(v, kind.Value)
	}
}

func (l *linter) timespan(v *yaml.Node) {
	span := get(v, "timespan")
	if span == nil {
		l.at(v, "correlation-timespan", nil, "there is no timespan")
		return
	}
	if timespan.MatchString(span.Value) {
		return
	}
	var mend *Mend
	if lower := strings.ToLower(span.Value); timespan.MatchString(lower) && !strings.HasSuffix(span.Value, "M") {
		mend = &Mend{span.Value, lower}
	}
	l.at(span, "correlation-timespan", mend, "%q is no timespan", span.Value)
}

func (l *linter) threshold(v *yaml.Node, kind string) {
	c := get(v, "condition")
	if c == nil || c.Kind != yaml.MappingNode || len(c.Content) == 0 {
		l.at(v, "correlation-condition", nil, "there is no condition map")
		return
	}
	compares := false
	for i := 0; i+1 < len(c.Content); i += 2 {
		key := c.Content[i]
		switch {
		case slices.Contains(operators, key.Value):
			compares = true
		case key.Value != "field" && key.Value != "percentile":
			l.at(key, "correlation-condition", nil, "%q is no comparison", key.Value)
		}
	}
	if !compares {
		l.at(c, "correlation-condition", nil, "it compares with nothing")
	}
	if strings.HasPrefix(kind, "value_") && get(c, "field") == nil && get(v, "field") == nil {
		l.at(c, "correlation-field", nil, "%s reads no field", kind)
	}
}

// references checks a list of rules that are named.
func (l *linter) references(at, rules *yaml.Node, demand string) {
	if rules == nil || rules.Kind == yaml.SequenceNode && len(rules.Content) == 0 || rules.Value == "" && rules.Kind == yaml.ScalarNode {
		l.at(at, demand, nil, "it names no rules")
		return
	}
	list := rules.Content
	if rules.Kind == yaml.ScalarNode {
		list = []*yaml.Node{rules}
	}
	for _, r := range list {
		if strings.EqualFold(r.Value, "any") && demand == "filter-rules" {
			continue
		}
		l.refs = append(l.refs, reference{place{l.file, r.Line}, r.Column, r.Value})
	}
}

func (l *linter) filter(doc, v *yaml.Node) {
	l.logSource(doc)
	if v.Kind != yaml.MappingNode {
		l.at(v, "filter-condition", nil, "filter is no map")
		return
	}
	l.references(v, get(v, "rules"), "filter-rules")
	l.selections(v, "filter-condition")
}
