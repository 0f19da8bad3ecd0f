package lint

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/rampart-sec/rampart/internal/threat/sigma"
)

// Finding is one place where a file breaks a demand.
type Finding struct {
	File    string
	Line    int // 1-based, 0 if it is the file as a whole
	Column  int
	Demand  *Demand
	Message string
	Mend    *Mend // nil where only the author knows
}

// Mend is a change that heals a finding and changes nothing else: the text Old at
// the finding's line and column becomes New.
type Mend struct{ Old, New string }

// Report is what was found in files.
type Report struct {
	Files     int
	Documents int
	Findings  []Finding // by file, line, column
}

// Worst is the gravest severity found, "" if nothing was.
func (r *Report) Worst() Severity {
	for _, s := range []Severity{Error, Warning, Note} {
		if slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Demand.Severity == s }) {
			return s
		}
	}
	return ""
}

// Bounds of what is read, as in sigma.Load.
const (
	maxFile  = 4 << 20
	maxFiles = 100_000
)

// Check reads every .yml and .yaml file below the paths.
func Check(paths ...string) (*Report, error) {
	l := newLinter()
	for _, path := range paths {
		err := filepath.WalkDir(path, func(name string, e fs.DirEntry, err error) error {
			ext := strings.ToLower(filepath.Ext(name))
			if err != nil || e.IsDir() || ext != ".yml" && ext != ".yaml" {
				return err
			}
			if l.report.Files >= maxFiles {
				return fmt.Errorf("more than %d files", maxFiles)
			}
			if info, err := e.Info(); err == nil && info.Size() > maxFile {
				l.report.Files++
				l.file = name
				l.at(nil, "yaml", nil, "it is larger than %d MiB", maxFile>>20)
				return nil
			}
			text, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			l.text(name, text)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return l.finish(), nil
}

// CheckText checks the text of one file.
func CheckText(name string, text []byte) *Report {
	l := newLinter()
	l.text(name, text)
	return l.finish()
}

type linter struct {
	report Report
	file   string
	ids    map[string]place // of rules, by id and name
	refs   []reference
}

// place is where something stands.
type place struct {
	file string
	line int
}

// reference is a rule that another document names.
type reference struct {
	place
	column int
	name   string
}

func newLinter() *linter { return &linter{ids: map[string]place{}} }

// at adds a finding at a node, nil for the file.
func (l *linter) at(n *yaml.Node, demand string, mend *Mend, format string, args ...any) {
	f := Finding{File: l.file, Demand: demands[demand], Message: strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", "; "), Mend: mend}
	if n != nil {
		f.Line, f.Column = n.Line, n.Column
	}
	l.report.Findings = append(l.report.Findings, f)
}

// finish looks at what only all files together show.
func (l *linter) finish() *Report {
	if len(l.ids) > 1 { // a single file may name rules that are elsewhere
		for _, r := range l.refs {
			if _, ok := l.ids[r.name]; !ok {
				l.file = r.file
				l.at(&yaml.Node{Line: r.line, Column: r.column}, "correlation-reference", nil, "no rule here has the id or name %q", r.name)
			}
		}
	}
	slices.SortStableFunc(l.report.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return &l.report
}

var fileName = regexp.MustCompile(`^[a-z0-9_]{10,90}\.yml$`)

func (l *linter) text(name string, text []byte) {
	l.file = name
	l.report.Files++
	if !fileName.MatchString(filepath.Base(name)) {
		l.at(nil, "filename", nil, "%q is no name of this form", filepath.Base(name))
	}
	if !utf8.Valid(text) {
		l.at(nil, "yaml", nil, "it is not UTF-8")
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			l.at(yamlLine(err), "yaml", nil, "%s", strings.TrimPrefix(err.Error(), "yaml: "))
			return
		}
		l.report.Documents++
		if len(doc.Content) == 1 {
			l.document(doc.Content[0])
		}
	}
	l.evaluable(name, text)
}

// evaluable asks the reader of rules itself. What a finding says already is not
// said twice.
func (l *linter) evaluable(name string, text []byte) {
	for _, e := range sigma.Read(name, text).Failed {
		said := slices.ContainsFunc(l.report.Findings, func(f Finding) bool {
			return f.File == name && f.Demand.Severity == Error && (f.Line == e.Line || f.Demand.ID == "logsource" || f.Demand.ID == "detection" || f.Demand.ID == "title")
		})
		demand := "evaluable"
		if strings.Contains(e.Reason, "placeholder") {
			demand = "placeholder"
		}
		if !said {
			l.at(&yaml.Node{Line: e.Line, Column: 1}, demand, nil, "%s", e.Reason)
		}
	}
}

var lineNumber = regexp.MustCompile(`line (\d+)`)

func yamlLine(err error) *yaml.Node {
	if m := lineNumber.FindStringSubmatch(err.Error()); m != nil {
		if n, convErr := strconv.Atoi(m[1]); convErr == nil {
			return &yaml.Node{Line: n, Column: 1}
		}
	}
	return nil
}

// document checks one document by what it is.
func (l *linter) document(n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		l.at(n, "yaml", nil, "a document is a map")
		return
	}
	l.duplicates(n, 0)
	if a := get(n, "action"); a != nil && a.Value != "repeat" {
		return // the base of other documents of the file
	}
	l.members(n)
	switch {
	case get(n, "correlation") != nil:
		l.correlation(n, get(n, "correlation"))
	case get(n, "filter") != nil:
		l.filter(n, get(n, "filter"))
	default:
		l.logSource(n)
		l.detection(n)
	}
}

// duplicates finds keys that stand twice; YAML readers take one or the other.
func (l *linter) duplicates(n *yaml.Node, depth int) {
	if depth > 50 {
		return
	}
	seen := map[string]bool{}
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			if seen[c.Value] {
				l.at(c, "duplicate-key", nil, "%q stands twice", c.Value)
			}
			seen[c.Value] = true
			continue
		}
		l.duplicates(c, depth+1)
	}
}

// get is the value of a key of a map, nil if there is none.
func get(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}
