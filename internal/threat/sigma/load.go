package sigma

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Bounds of what Load reads.
const (
	maxFile      = 4 << 20
	maxFiles     = 100_000
	maxDocuments = 1000 // of one file
)

// Set is what folders of rules hold.
type Set struct {
	Rules        []*Rule
	Correlations []Correlation
	Failed       []*Error // what was refused
	Files        int

	change func(doc *yaml.Node) error // of LoadWith
}

// Correlation is a document for the package that correlates.
type Correlation struct {
	File string
	Doc  *yaml.Node
}

// filter is a filter document: what it selects is no match of its rules.
type filter struct {
	rules  []string
	any    bool
	source LogSource
	rule   *Rule // selections and condition
	file   string
	line   int
}

// Load reads every .yml and .yaml file below the paths, in the order of their
// names. A document that cannot be used is in Failed and the rest goes on.
func Load(paths ...string) *Set { return LoadWith(nil, paths...) }

// LoadWith is Load with documents changed before they are read, as pipelines do.
// A document whose change gives an error is refused. A nil change changes nothing.
func LoadWith(change func(doc *yaml.Node) error, paths ...string) *Set {
	s := &Set{change: change}
	var filters []*filter
	for _, path := range paths {
		err := filepath.WalkDir(path, func(name string, e fs.DirEntry, err error) error {
			if err != nil {
				if name == path {
					return err
				}
				s.fail(name, 0, err.Error())
				return nil
			}
			if e.IsDir() {
				if name != path && strings.HasPrefix(e.Name(), ".") {
					return fs.SkipDir
				}
				return nil
			}
			if ext := strings.ToLower(filepath.Ext(name)); ext != ".yml" && ext != ".yaml" {
				return nil
			}
			if s.Files++; s.Files > maxFiles {
				return fmt.Errorf("more than %d files", maxFiles)
			}
			filters = append(filters, s.file(name)...)
			return nil
		})
		if err != nil {
			s.fail(path, 0, err.Error())
		}
	}
	s.finish(filters)
	return s
}

// LoadFS is Load for all of a file system, such as the rules that a program embeds.
func LoadFS(files fs.FS) *Set {
	s := &Set{}
	var filters []*filter
	err := fs.WalkDir(files, ".", func(name string, e fs.DirEntry, err error) error {
		ext := strings.ToLower(filepath.Ext(name))
		if err != nil || e.IsDir() || ext != ".yml" && ext != ".yaml" {
			return err
		}
		if s.Files++; s.Files > maxFiles {
			return fmt.Errorf("more than %d files", maxFiles)
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		if len(text) > maxFile {
			s.fail(name, 0, fmt.Sprintf("it is larger than %d MiB", maxFile>>20))
			return nil
		}
		filters = append(filters, s.documents(name, text)...)
		return nil
	})
	if err != nil {
		s.fail(".", 0, err.Error())
	}
	s.finish(filters)
	return s
}

// Join adds another set. A rule whose id one of this set has is refused.
func (s *Set) Join(other *Set) {
	s.Rules = append(s.Rules, other.Rules...)
	s.Correlations = append(s.Correlations, other.Correlations...)
	s.Failed = append(s.Failed, other.Failed...)
	s.Files += other.Files
	s.finish(nil)
}

// Read reads the documents of one file's text.
func Read(name string, text []byte) *Set {
	s := &Set{Files: 1}
	s.finish(s.documents(name, text))
	return s
}

func (s *Set) fail(file string, line int, reason string) {
	s.Failed = append(s.Failed, &Error{File: file, Line: line, Reason: strings.ReplaceAll(reason, "\n", "; ")})
}

func (s *Set) file(name string) []*filter {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		s.fail(name, 0, err.Error())
		return nil
	case !info.Mode().IsRegular():
		s.fail(name, 0, "it is no regular file")
		return nil
	case info.Size() > maxFile:
		s.fail(name, 0, fmt.Sprintf("it is larger than %d MiB", maxFile>>20))
		return nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		s.fail(name, 0, err.Error())
		return nil
	}
	return s.documents(name, text)
}

// documents reads each document of a file. One with action: global is the base of
// those after it, action: repeat of the one before, as collections of Sigma 1
// have it.
func (s *Set) documents(name string, text []byte) (filters []*filter) {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var base, last *yaml.Node
	for n := 0; ; n++ {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return filters
		}
		if err != nil {
			s.fail(name, 0, err.Error())
			return filters
		}
		if n >= maxDocuments {
			s.fail(name, doc.Line, fmt.Sprintf("more than %d documents", maxDocuments))
			return filters
		}
		root := &doc
		if doc.Kind == yaml.DocumentNode && len(doc.Content) == 1 {
			root = doc.Content[0]
		}
		switch action := member(root, "action"); {
		case action != nil && action.Value == "global":
			base = merge(base, root)
			continue
		case action != nil && action.Value == "reset":
			base = nil
			continue
		case action != nil && action.Value == "repeat":
			root = merge(last, root)
		case base != nil:
			root = merge(base, root)
		}
		last = root
		if f := s.document(name, root); f != nil {
			filters = append(filters, f)
		}
	}
}

func (s *Set) document(name string, doc *yaml.Node) *filter {
	if s.change != nil {
		if err := s.change(doc); err != nil {
			s.refuse(name, doc, err)
			return nil
		}
	}
	switch {
	case member(doc, "correlation") != nil:
		s.Correlations = append(s.Correlations, Correlation{name, doc})
		return nil
	case member(doc, "filter") != nil:
		f, err := parseFilter(doc)
		if err != nil {
			s.refuse(name, doc, err)
			return nil
		}
		f.file, f.line = name, doc.Line
		return f
	}
	r, err := Parse(doc)
	if err != nil {
		s.refuse(name, doc, err)
		return nil
	}
	r.File = name
	s.Rules = append(s.Rules, r)
	return nil
}

func (s *Set) refuse(name string, doc *yaml.Node, err error) {
	var e *Error
	if errors.As(err, &e) {
		s.fail(name, e.Line, e.Reason)
		return
	}
	s.fail(name, doc.Line, err.Error())
}

// member finds a member of a map; nil if there is none.
func member(n *yaml.Node, key string) *yaml.Node {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// merge lays one map over another, member by member.
func merge(under, over *yaml.Node) *yaml.Node {
	if under == nil || under.Kind != yaml.MappingNode || over.Kind != yaml.MappingNode {
		return over
	}
	out := &yaml.Node{Kind: yaml.MappingNode, Line: over.Line}
	for i := 0; i+1 < len(under.Content); i += 2 {
		if key := under.Content[i].Value; key != "action" && member(over, key) == nil {
			out.Content = append(out.Content, under.Content[i], under.Content[i+1])
		}
	}
	for i := 0; i+1 < len(over.Content); i += 2 {
		key, value := over.Content[i], over.Content[i+1]
		if key.Value == "action" {
			continue
		}
		if below := member(under, key.Value); below != nil {
			value = merge(below, value)
		}
		out.Content = append(out.Content, key, value)
	}
	return out
}

func parseFilter(doc *yaml.Node) (*filter, error) {
	f := &filter{rule: &Rule{Title: "filter"}}
	if n := member(doc, "logsource"); n != nil {
		if err := n.Decode(&f.source); err != nil {
			return nil, failAt(n, "logsource: %s", err)
		}
	}
	section := member(doc, "filter")
	if section.Kind != yaml.MappingNode {
		return nil, failAt(section, "filter must be a map")
	}
	detection := &yaml.Node{Kind: yaml.MappingNode, Line: section.Line}
	for i := 0; i+1 < len(section.Content); i += 2 {
		key, value := section.Content[i], section.Content[i+1]
		if key.Value != "rules" {
			detection.Content = append(detection.Content, key, value)
			continue
		}
		if err := decodeTexts(value, &f.rules); err != nil {
			return nil, failAt(value, "rules must be a list of ids or names")
		}
	}
	f.any = len(f.rules) == 0 || len(f.rules) == 1 && strings.EqualFold(f.rules[0], "any")
	return f, f.rule.readDetection(detection)
}

// finish applies filters and refuses rules whose id another one has.
func (s *Set) finish(filters []*filter) {
	byKey := map[string]*Rule{}
	s.Rules = slices.DeleteFunc(s.Rules, func(r *Rule) bool {
		other := byKey[r.ID]
		if r.ID == "" || other == nil {
			byKey[r.ID] = r
			return false
		}
		s.fail(r.File, r.Line, fmt.Sprintf("its id %s is that of %s", r.ID, other.File))
		return true
	})
	for _, f := range filters {
		n := 0
		for _, r := range s.Rules {
			if f.selects(r) {
				r.apply(f)
				n++
			}
		}
		if n == 0 {
			s.fail(f.file, f.line, "the filter applies to no rule that was read")
		}
	}
}

func (f *filter) selects(r *Rule) bool {
	covers := func(want, have string) bool { return want == "" || strings.EqualFold(want, have) }
	if !covers(f.source.Product, r.LogSource.Product) || !covers(f.source.Category, r.LogSource.Category) || !covers(f.source.Service, r.LogSource.Service) {
		return false
	}
	return f.any || slices.Contains(f.rules, r.ID) && r.ID != "" || slices.Contains(f.rules, r.Name) && r.Name != ""
}

// apply adds "and not" what the filter selects.
func (r *Rule) apply(f *filter) {
	prefix := fmt.Sprintf("filter:%d:", len(r.selections))
	r.selections = maps.Clone(r.selections)
	for name, n := range f.rule.selections {
		r.selections[prefix+name] = n
	}
	r.condition = andExpr{r.condition, notExpr{renamed(f.rule.condition, prefix)}}
	r.Version += "+" + f.rule.Version
}

func renamed(e expr, prefix string) expr {
	switch e := e.(type) {
	case andExpr:
		out := make(andExpr, len(e))
		for i, x := range e {
			out[i] = renamed(x, prefix)
		}
		return out
	case orExpr:
		out := make(orExpr, len(e))
		for i, x := range e {
			out[i] = renamed(x, prefix)
		}
		return out
	case notExpr:
		return notExpr{renamed(e.of, prefix)}
	case refExpr:
		return refExpr(prefix + string(e))
	case ofExpr:
		names := make([]string, len(e.names))
		for i, n := range e.names {
			names[i] = prefix + n
		}
		return ofExpr{e.n, names}
	}
	return e
}
