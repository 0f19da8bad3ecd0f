package proof

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rampart-sec/rampart/content"
)

// Read reads the recommendation files (*.yaml) below each directory. rest are
// the directories that hold none. A file that is wrong is an error that names
// it; all are reported.
func Read(dirs []string) (list []*content.Recommendation, rest []string, err error) {
	var errs []error
	for _, dir := range dirs {
		found := false
		errs = append(errs, filepath.WalkDir(dir, func(file string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || filepath.Ext(file) != ".yaml" {
				return err
			}
			found = true
			r, err := readFile(file)
			list = append(list, r)
			errs = append(errs, err)
			return nil
		}))
		if !found {
			rest = append(rest, dir)
		}
	}
	return list, rest, errors.Join(errs...)
}

func readFile(file string) (*content.Recommendation, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return content.ReadRecommendation(filepath.ToSlash(file), data)
}
