package software

import (
	"bytes"
	"encoding/json"
	"strings"
)

type composerPackage struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// ComposerInstalled reads vendor/composer/installed.json, of Composer 1 (a
// list) and 2 (an object).
func ComposerInstalled(path string, data []byte) ([]Package, error) {
	var file struct {
		Packages []composerPackage `json:"packages"`
	}
	data = bytes.TrimSpace(trimBOM(data))
	into := any(&file)
	if len(data) > 0 && data[0] == '[' {
		into = &file.Packages
	}
	if err := json.Unmarshal(data, into); err != nil {
		return nil, err
	}
	return composer(path, file.Packages), nil
}

// ComposerLock reads composer.lock, packages of development included: the lock
// file alone does not say what was left out.
func ComposerLock(path string, data []byte) ([]Package, error) {
	var file struct {
		Packages    []composerPackage `json:"packages"`
		Development []composerPackage `json:"packages-dev"`
	}
	if err := json.Unmarshal(trimBOM(data), &file); err != nil {
		return nil, err
	}
	return composer(path, append(file.Packages, file.Development...)), nil
}

func composer(path string, packages []composerPackage) []Package {
	l := list{path: path, ecosystem: "Packagist"}
	for _, p := range packages {
		if !strings.HasPrefix(p.Version, "dev-") { // a branch, not a version
			l.add(p.Name, strings.TrimPrefix(p.Version, "v"))
		}
	}
	return l.sorted()
}
