package policy

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// documents walks folders, files and archives for JSON documents. What cannot
// be read fails alone.
type documents struct {
	visit func(file string, data []byte)
	fail  func(file string, err error)
}

func (d *documents) tree(dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			if path == dir {
				return err
			}
			d.fail(path, err)
			return nil
		}
		if !entry.Type().IsRegular() {
			return nil
		}
		if err := d.open(path); err != nil {
			d.fail(path, err)
		}
		return nil
	})
}

// open visits one file by what its name says; other files are not ours.
func (d *documents) open(path string) error {
	name := folded(path)
	archive := strings.HasSuffix(name, ".tar.gz") || strings.HasSuffix(name, ".tgz")
	if !archive && !strings.HasSuffix(name, ".json") {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	if archive {
		return d.archive(path, f)
	}
	data, err := readLimited(f)
	if err != nil {
		return err
	}
	d.visit(path, data)
	return nil
}

// readLimited reads at most MaxDocument bytes, so that a huge file costs
// nothing.
func readLimited(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxDocument+1))
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	if len(data) > MaxDocument {
		return nil, fmt.Errorf("the file is larger than %d bytes", MaxDocument)
	}
	return data, nil
}

// maxArchive bounds what an archive unpacks to.
const maxArchive = 4 << 30

func (d *documents) archive(path string, r io.Reader) error {
	z, err := gzip.NewReader(r)
	if err != nil {
		return fmt.Errorf("unpack: %w", err)
	}
	t := tar.NewReader(io.LimitReader(z, maxArchive))
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("unpack: %w", err)
		}
		if h.Typeflag != tar.TypeReg || !strings.HasSuffix(folded(h.Name), ".json") {
			continue
		}
		inner := path + "!" + h.Name
		data, err := readLimited(t)
		if err != nil {
			d.fail(inner, err)
			continue
		}
		d.visit(inner, data)
	}
}

// policyDocuments walks directories for definitions and initiatives: other JSON
// is skipped. Lists of documents, as clients print them, are taken apart.
type policyDocuments struct {
	definition, initiative func(file string, v Value)
	// skip is told of other documents, fail of what was meant to be a policy.
	skip func(file, reason string)
	fail func(file string, err error)
}

// trees walks the directories. The error is for one that cannot be read.
func (p *policyDocuments) trees(dirs []string) error {
	var errs []error
	for _, dir := range dirs {
		walk := documents{fail: p.fail, visit: func(file string, data []byte) { p.visit(file, data) }}
		if err := walk.tree(dir); err != nil {
			errs = append(errs, fmt.Errorf("read %s: %w", dir, err))
		}
	}
	return errors.Join(errs...)
}

func (p *policyDocuments) visit(file string, data []byte) {
	v, err := ParseValue(data)
	switch {
	case err == nil:
		p.document(file, v)
	case looksLikePolicy(data):
		p.fail(file, err)
	default:
		p.skip(file, "it cannot be read as JSON: "+err.Error())
	}
}

func (p *policyDocuments) document(file string, v Value) {
	list := v
	if v.Kind == Object {
		list = v.Get("value")
	}
	policies := slices.ContainsFunc(list.Items, func(item Value) bool {
		kind, _ := kindOf(item)
		return kind != otherDocument
	})
	if policies {
		for i, item := range list.Items {
			p.one(indexPath(file, i), item)
		}
		return
	}
	p.one(file, v)
}

func (p *policyDocuments) one(file string, v Value) {
	kind, what := kindOf(v)
	if text := templateText(v); kind != otherDocument && text != "" {
		kind, what = otherDocument, fmt.Sprintf("this is a deployment template's form: %q stands for the expression with one bracket", clip(text))
	}
	switch kind {
	case definitionDocument:
		p.definition(file, v)
	case initiativeDocument:
		p.initiative(file, v)
	default:
		p.skip(file, what)
	}
}

// EachDefinition calls take for every policy definition below the directories
// (as CheckDirs finds them), with its id: its own, else that of a tenant-level
// definition of its name, else of its file's path below the directory. The
// body has that id. What cannot be used is in failed, a second definition of
// one id among it; the error is for a directory that cannot be read at all.
func EachDefinition(dirs []string, take func(id string, body []byte) error) (failed []CheckFailure, err error) {
	fail := func(file string, err error) { failed = append(failed, CheckFailure{File: file, Reason: err.Error()}) }
	seen := map[string]seenDefinition{}
	var errs []error
	for _, dir := range dirs {
		docs := policyDocuments{fail: fail, initiative: func(string, Value) {}, skip: func(string, string) {}, definition: func(file string, v Value) {
			id, body := named(v, below(dir, file))
			text := body.AppendJSON(nil)
			if first, again := seen[folded(id)]; again {
				if first.text != string(text) {
					fail(file, fmt.Errorf("another definition with the id %s is in %s, which is used", id, first.file))
				}
				return
			}
			seen[folded(id)] = seenDefinition{file, string(text)}
			if _, err := DefinitionOf(body); err != nil {
				fail(file, err)
			} else if err := take(id, text); err != nil {
				fail(file, err)
			}
		}}
		if err := docs.trees([]string{dir}); err != nil {
			errs = append(errs, err)
		}
	}
	return failed, errors.Join(errs...)
}

// seenDefinition is a definition that was handed out.
type seenDefinition struct{ file, text string }

// below is a file's path within a directory, its name if it is the directory.
func below(dir, file string) string {
	if rel, err := filepath.Rel(dir, file); err == nil && rel != "." {
		return rel
	}
	return filepath.Base(file)
}
