package proof

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rampart-sec/rampart/content"
)

// Read reads the recommendation files (*.yaml) below each directory. rest are
// the directories that hold none, or a policy.json as well. A file that is wrong is an error that names
// it; all are reported.
func Read(dirs []string) (list []*content.Recommendation, rest []string, err error) {
	var errs []error
	for _, dir := range dirs {
		found, folders := false, false
		walk := filepath.WalkDir(dir, func(file string, entry fs.DirEntry, err error) error {
			folders = folders || err == nil && entry.Name() == "policy.json"
			if err != nil || entry.IsDir() || filepath.Ext(file) != ".yaml" {
				return err
			}
			found = true
			r, err := readFile(file)
			list = append(list, r)
			errs = append(errs, err)
			return nil
		})
		errs = append(errs, walk)
		if !found || folders {
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
