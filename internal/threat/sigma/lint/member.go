package lint

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.yaml.in/yaml/v3"
)

// known are the members that the specification names.
var known = []string{
	"title", "id", "name", "taxonomy", "status", "description", "license", "author", "references", "date", "modified", "logsource", "detection",
	"fields", "falsepositives", "level", "tags", "scope", "related", "correlation", "filter", "action", "generate",
}

var (
	statuses  = []string{"stable", "test", "experimental", "deprecated", "unsupported"}
	levels    = []string{"informational", "low", "medium", "high", "critical"}
	relations = []string{"derived", "obsolete", "merged", "renamed", "similar"}
)

const maxText = 256

// members checks what every kind of document has.
func (l *linter) members(n *yaml.Node) {
	l.title(n)
	l.id(n)
	l.word(n, "status", statuses)
	l.word(n, "level", levels)
	l.dates(n)
	l.related(n)
	l.tags(n)
	for _, key := range []string{"references", "falsepositives", "fields", "scope"} {
		l.list(n, key)
	}
	for _, key := range []string{"name", "taxonomy", "description", "license", "author"} {
		if v := get(n, key); v != nil && (v.Kind != yaml.ScalarNode || v.Tag == "!!null") {
			l.at(v, "text", nil, "%s is no text", key)
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if key := n.Content[i]; !slices.Contains(known, key.Value) {
			if near := nearest(key.Value); near != "" {
				l.at(key, "member-unknown", nil, "%q is unknown; is %q meant?", key.Value, near)
			}
		}
	}
}

func (l *linter) title(n *yaml.Node) {
	switch v := get(n, "title"); {
	case v == nil:
		l.at(n, "title", nil, "there is no title")
	case v.Kind != yaml.ScalarNode || strings.TrimSpace(v.Value) == "":
		l.at(v, "title", nil, "the title is no text")
	case len([]rune(v.Value)) > maxText:
		l.at(v, "title-length", nil, "the title has %d characters", len([]rune(v.Value)))
	}
}

func (l *linter) id(n *yaml.Node) {
	v := get(n, "id")
	if v == nil {
		l.at(n, "id-missing", nil, "there is no id")
	} else if _, err := uuid.Parse(v.Value); err != nil || len(v.Value) != 36 {
		l.at(v, "id", nil, "%q is no UUID", v.Value)
	}
	for _, key := range []string{"id", "name"} {
		v := get(n, key)
		if v == nil || v.Value == "" {
			continue
		}
		if first, twice := l.ids[v.Value]; twice {
			l.at(v, "id-unique", nil, "%s %q stands in %s, line %d, too", key, v.Value, first.file, first.line)
			continue
		}
		l.ids[v.Value] = place{l.file, v.Line}
	}
}

// word checks a member that is one of some words.
func (l *linter) word(n *yaml.Node, key string, words []string) {
	v := get(n, key)
	if v == nil || slices.Contains(words, v.Value) {
		return
	}
	lower := strings.ToLower(strings.TrimSpace(v.Value))
	var mend *Mend
	if slices.Contains(words, lower) {
		mend = &Mend{v.Value, lower}
	}
	l.at(v, key, mend, "%q is none of %s", v.Value, strings.Join(words, ", "))
}

var slashDate = regexp.MustCompile(`^(\d{4})/(\d{2})/(\d{2})$`)

func (l *linter) dates(n *yaml.Node) {
	var days []time.Time
	for _, key := range []string{"date", "modified"} {
		v := get(n, key)
		if v == nil {
			continue
		}
		day, err := time.Parse(time.DateOnly, v.Value)
		if err == nil {
			days = append(days, day)
			continue
		}
		var mend *Mend
		if m := slashDate.FindStringSubmatch(v.Value); m != nil {
			if _, err := time.Parse(time.DateOnly, strings.Join(m[1:], "-")); err == nil {
				mend = &Mend{v.Value, strings.Join(m[1:], "-")}
			}
		}
		l.at(v, "date", mend, "%s %q is no day as YYYY-MM-DD", key, v.Value)
	}
	if len(days) == 2 && days[1].Before(days[0]) {
		l.at(get(n, "modified"), "date-order", nil, "modified is before date")
	}
}

// formerRelations are names that earlier versions used.
var formerRelations = map[string]string{"obsoletes": "obsolete"}

func (l *linter) related(n *yaml.Node) {
	v := get(n, "related")
	if v == nil {
		return
	}
	if v.Kind != yaml.SequenceNode {
		l.at(v, "related", nil, "related is no list")
		return
	}
	for _, r := range v.Content {
		id, kind := get(r, "id"), get(r, "type")
		if id == nil || kind == nil {
			l.at(r, "related", nil, "a relation has id and type")
			continue
		}
		if _, err := uuid.Parse(id.Value); err != nil {
			l.at(id, "related", nil, "%q is no UUID", id.Value)
		}
		if !slices.Contains(relations, kind.Value) {
			var mend *Mend
			if now := formerRelations[kind.Value]; now != "" {
				mend = &Mend{kind.Value, now}
			}
			l.at(kind, "related", mend, "%q is none of %s", kind.Value, strings.Join(relations, ", "))
		}
	}
}

var (
	tagForm    = regexp.MustCompile(`^[a-z0-9_-]+\.[a-z0-9._-]+$`)
	attackForm = regexp.MustCompile(`^attack\.(t\d{4}(\.\d{3})?|[gsc]\d{4}|ds\d{4}|ta\d{4})$`)
)

// tactics are the tactics of ATT&CK Enterprise, Mobile and ICS as tags write them.
var tactics = []string{
	"reconnaissance", "resource-development", "initial-access", "execution", "persistence", "privilege-escalation", "defense-evasion", "stealth", "defense-impairment", "credential-access",
	"discovery", "lateral-movement", "collection", "command-and-control", "exfiltration", "impact", "network-effects", "remote-service-effects",
	"inhibit-response-function", "impair-process-control", "evasion",
}

func (l *linter) tags(n *yaml.Node) {
	l.list(n, "tags")
	v := get(n, "tags")
	if v == nil || v.Kind != yaml.SequenceNode {
		return
	}
	for _, t := range v.Content {
		if !tagForm.MatchString(t.Value) {
			var mend *Mend
			if lower := strings.ToLower(t.Value); tagForm.MatchString(lower) {
				mend = &Mend{t.Value, lower}
			}
			l.at(t, "tags", mend, "%q is no tag", t.Value)
			continue
		}
		name, attack := strings.CutPrefix(t.Value, "attack.")
		if !attack || attackForm.MatchString(t.Value) || slices.Contains(tactics, name) {
			continue
		}
		var mend *Mend
		if dashed := strings.ReplaceAll(name, "_", "-"); slices.Contains(tactics, dashed) {
			mend = &Mend{t.Value, "attack." + dashed}
		}
		l.at(t, "tags-attack", mend, "%q names nothing of ATT&CK", t.Value)
	}
}

// list checks a member that is a list of different texts.
func (l *linter) list(n *yaml.Node, key string) {
	v := get(n, key)
	if v == nil {
		return
	}
	if v.Kind != yaml.SequenceNode {
		l.at(v, "list", nil, "%s is no list", key)
		return
	}
	seen := map[string]bool{}
	for _, x := range v.Content {
		switch {
		case x.Kind != yaml.ScalarNode || x.Value == "":
			l.at(x, "list", nil, "%s has an element that is no text", key)
		case seen[x.Value]:
			l.at(x, "list", nil, "%s has %q twice", key, x.Value)
		}
		seen[x.Value] = true
	}
}

// nearest is the known member that a name is one slip away from, "" if none is.
func nearest(name string) string {
	for _, k := range known {
		if len(name) > 3 && (strings.EqualFold(name, k) || oneSlip(strings.ToLower(name), k)) {
			return k
		}
	}
	return ""
}

// oneSlip reports whether one letter more, less or other makes a from b.
func oneSlip(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) == len(b) {
		return i < len(a) && a[i+1:] == b[i+1:]
	}
	return a[i:] == b[i+1:]
}
