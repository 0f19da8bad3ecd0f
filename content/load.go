package content

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/rampart-sec/rampart/internal/base/strictyaml"
)

// embedded is the library of the binary. It cannot change while the program
// runs, so it is read once however many ask.
var embedded = sync.OnceValues(func() (*Library, error) { return LoadFS(FS) })

// Load returns the embedded content, read and cross-checked. Everybody gets the
// same library: it must not be changed.
func Load() (*Library, error) { return embedded() }

// LoadFS reads and cross-checks the content below the root of a file system:
// policies/<family>/<name>.yaml, controls/*.yaml, standards/*.yaml and
// producers.tsv. The error joins everything wrong, each with file and line
// where there is one; the library is nil then.
func LoadFS(fsys fs.FS) (*Library, error) {
	l := &Library{}
	errs := make([]error, 5)
	l.Recommendations, errs[0] = readEach(fsys, "policies", ReadRecommendation)
	l.Controls, errs[1] = readEach(fsys, "controls", decodeNew[Control])
	l.Standards, errs[2] = readEach(fsys, "standards", decodeNew[Standard])
	errs[3] = l.loadProducers(fsys)
	l.index()
	errs[4] = l.check()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return l, nil
}

func decodeNew[T any](file string, data []byte) (*T, error) {
	v := new(T)
	return v, strictyaml.Decode(file, data, v)
}

// ReadRecommendation reads one file and checks what can be checked without the
// rest of the library. The recommendation is never nil: with an error it holds
// what could be read.
func ReadRecommendation(file string, data []byte) (*Recommendation, error) {
	r := &Recommendation{Mode: "All"}
	err := strictyaml.Decode(file, data, r)
	r.File = file
	if err == nil {
		err = r.check()
	}
	return r, err
}

// readEach reads every YAML file below a folder, in parallel: parsing is most of
// what a start of the program costs. Results are in the order of the files.
func readEach[T any](fsys fs.FS, dir string, read func(file string, data []byte) (*T, error)) ([]*T, error) {
	files, err := yamlFiles(fsys, dir)
	if err != nil {
		return nil, err
	}
	list, errs := make([]*T, len(files)), make([]error, len(files))
	workers := min(len(files), runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for first := range workers {
		wg.Go(func() {
			for i := first; i < len(files); i += workers {
				var data []byte
				if data, errs[i] = fs.ReadFile(fsys, files[i]); errs[i] == nil {
					list[i], errs[i] = read(files[i], data)
				}
			}
		})
	}
	wg.Wait()
	unread := func(v *T) bool { return v == nil }
	return slices.DeleteFunc(list, unread), errors.Join(errs...)
}

// yamlFiles lists the YAML files below a folder; a missing folder has none.
func yamlFiles(fsys fs.FS, dir string) ([]string, error) {
	var files []string
	err := fs.WalkDir(fsys, dir, func(file string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && file == dir {
			return fs.SkipAll
		}
		if err == nil && !entry.IsDir() && path.Ext(file) == ".yaml" {
			files = append(files, file)
		}
		return err
	})
	return files, err
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
