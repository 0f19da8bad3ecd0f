package pipeline

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"go.yaml.in/yaml/v3"
)

// Pipeline is one or more pipeline files, in the order of their priorities. It is
// immutable and safe for concurrent use.
type Pipeline struct {
	items   []*transformation
	vars    map[string][]string
	Ignored []string // what the files have that shapes queries only
}

// document is a pipeline file.
type document struct {
	Name            string
	Priority        int
	Vars            map[string]yaml.Node
	Transformations []yaml.Node
	Postprocessing  yaml.Node
	Finalizers      yaml.Node
	AllowedBackends yaml.Node `yaml:"allowed_backends"`
	file            string
}

// maxFile bounds a pipeline file.
const maxFile = 16 << 20

// Load reads pipeline files; lower priorities come first, equal ones in the order
// given.
func Load(files ...string) (*Pipeline, error) {
	var docs []document
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			return nil, err
		}
		if info.Size() > maxFile {
			return nil, fmt.Errorf("%s: it is larger than %d MiB", file, maxFile>>20)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		more, err := parse(file, text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		docs = append(docs, more...)
	}
	return build(docs)
}

// Parse reads the text of one pipeline file.
func Parse(text []byte) (*Pipeline, error) {
	docs, err := parse("", text)
	if err != nil {
		return nil, err
	}
	return build(docs)
}

func parse(file string, text []byte) (docs []document, err error) {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	for {
		d := document{file: file}
		err := dec.Decode(&d)
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
		if err != nil {
			return nil, err
		}
		docs = append(docs, d)
	}
}

func build(docs []document) (*Pipeline, error) {
	slices.SortStableFunc(docs, func(a, b document) int { return a.Priority - b.Priority })
	p := &Pipeline{vars: map[string][]string{}}
	for i := range docs {
		d := &docs[i]
		for name, n := range d.Vars {
			values, err := scalars(&n)
			if err != nil {
				return nil, place(d.file, fmt.Errorf("line %d: variable %s: %w", n.Line, name, err))
			}
			p.vars[name] = values
		}
		for i := range d.Transformations {
			t, err := parseTransformation(&d.Transformations[i])
			if err != nil {
				return nil, place(d.file, err)
			}
			p.items = append(p.items, t)
		}
		for part, n := range map[string]*yaml.Node{"postprocessing": &d.Postprocessing, "finalizers": &d.Finalizers} {
			if len(n.Content) > 0 {
				p.Ignored = append(p.Ignored, fmt.Sprintf("%s line %d: %s shape queries, which are not made here", d.file, n.Line, part))
			}
		}
	}
	slices.Sort(p.Ignored)
	return p, nil
}

func place(file string, err error) error {
	if file == "" {
		return err
	}
	return fmt.Errorf("%s: %w", file, err)
}

// scalars reads a text or a list of texts.
func scalars(n *yaml.Node) ([]string, error) {
	if n.Kind == yaml.ScalarNode {
		return []string{n.Value}, nil
	}
	if n.Kind != yaml.SequenceNode {
		return nil, errors.New("it is neither text nor a list")
	}
	var out []string
	for _, c := range n.Content {
		if c.Kind != yaml.ScalarNode {
			return nil, errors.New("its list has more than texts")
		}
		out = append(out, c.Value)
	}
	return out, nil
}

// Apply changes a rule, correlation or filter document in place. An error says
// why the pipeline refuses the rule.
func (p *Pipeline) Apply(doc *yaml.Node) error {
	*doc = *clone(doc) // documents of a file may share parts
	r := &rule{doc: doc, vars: p.vars, applied: map[string]bool{}, touched: map[*yaml.Node]map[string]bool{}, state: map[string]string{}}
	if d := get(doc, "detection"); d != nil {
		r.detection = d
	} else if f := get(doc, "filter"); f != nil {
		r.detection = f
	}
	for _, t := range p.items {
		if !t.when.holds(r) {
			continue
		}
		if err := t.run(r); err != nil {
			return fmt.Errorf("pipeline: %w", err)
		}
		if t.id != "" {
			r.applied[t.id] = true
		}
	}
	return nil
}
