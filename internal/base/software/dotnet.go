package software

import (
	"encoding/json"
	"strings"
)

// DotnetDeps reads the deps.json beside a .NET program: the libraries of type
// package. The program itself is of type project.
func DotnetDeps(path string, data []byte) ([]Package, error) {
	var deps struct {
		Libraries map[string]struct {
			Type string `json:"type"`
		} `json:"libraries"`
	}
	if err := json.Unmarshal(trimBOM(data), &deps); err != nil {
		return nil, err
	}
	l := list{path: path, ecosystem: "NuGet"}
	for key, library := range deps.Libraries {
		name, version, ok := strings.Cut(key, "/")
		if ok && strings.EqualFold(library.Type, "package") {
			l.add(name, version)
		}
	}
	return l.sorted(), nil
}

// NuGetLock reads packages.lock.json.
func NuGetLock(path string, data []byte) ([]Package, error) {
	var lock struct {
		Dependencies map[string]map[string]struct {
			Resolved string `json:"resolved"`
			Type     string `json:"type"`
		} `json:"dependencies"`
	}
	if err := json.Unmarshal(trimBOM(data), &lock); err != nil {
		return nil, err
	}
	l := list{path: path, ecosystem: "NuGet"}
	for _, framework := range lock.Dependencies {
		for name, p := range framework {
			if !strings.EqualFold(p.Type, "Project") {
				l.add(name, p.Resolved)
			}
		}
	}
	return l.sorted(), nil
}
