package content

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// Load reads and cross-checks the embedded content. It does the whole work each
// time: call it once, at start.
func Load() (*Library, error) { return LoadFS(FS) }

// LoadFS reads and cross-checks the content below the root of a file system:
// policies/<family>/<name>.yaml, controls/*.yaml, standards/*.yaml and
// producers.tsv. The error joins everything wrong, each with file and line
// where there is one; the library is nil then.
func LoadFS(fsys fs.FS) (*Library, error) {
	l := &Library{}
	errs := []error{
		eachFile(fsys, "policies", func(file string, data []byte) error {
			r, err := ReadRecommendation(file, data)
			l.Recommendations = append(l.Recommendations, r)
			return err
		}),
		eachFile(fsys, "controls", func(file string, data []byte) error {
			c := new(Control)
			l.Controls = append(l.Controls, c)
			return decodeFile(file, data, c)
		}),
		eachFile(fsys, "standards", func(file string, data []byte) error {
			s := new(Standard)
			l.Standards = append(l.Standards, s)
			return decodeFile(file, data, s)
		}),
		l.loadProducers(fsys),
	}
	l.index()
	errs = append(errs, l.check())
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return l, nil
}

// ReadRecommendation reads one file and checks what can be checked without the
// rest of the library. The recommendation is never nil: with an error it holds
// what could be read.
func ReadRecommendation(file string, data []byte) (*Recommendation, error) {
	r := &Recommendation{Mode: "All"}
	err := decodeFile(file, data, r)
	r.File = file
	if err == nil {
		err = r.check()
	}
	return r, err
}

// eachFile reads every YAML file below a folder; a missing folder is empty.
func eachFile(fsys fs.FS, dir string, read func(file string, data []byte) error) error {
	var errs []error
	err := fs.WalkDir(fsys, dir, func(file string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && file == dir {
			return fs.SkipAll
		}
		if err != nil || entry.IsDir() || path.Ext(file) != ".yaml" {
			return err
		}
		data, err := fs.ReadFile(fsys, file)
		if err == nil {
			err = read(file, data)
		}
		errs = append(errs, err)
		return nil
	})
	return errors.Join(append(errs, err)...)
}

func (l *Library) loadProducers(fsys fs.FS) error {
	const file = "producers.tsv"
	data, err := fs.ReadFile(fsys, file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", file, err)
	}
	l.Producers, err = readProducers(file, data)
	return err
}

// fileStem is the file's name without folder and extension.
func fileStem(file string) string { return strings.TrimSuffix(path.Base(file), ".yaml") }
