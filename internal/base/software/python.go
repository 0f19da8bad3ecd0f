package software

import (
	"encoding/json"
	"regexp"
	"strings"
)

// Python reads METADATA of a dist-info folder, or PKG-INFO of an egg.
func Python(path string, data []byte) ([]Package, error) {
	var name, version string
	fields(data, func(field string, value []byte) {
		switch {
		case strings.EqualFold(field, "Name") && name == "":
			name = clean(value)
		case strings.EqualFold(field, "Version") && version == "":
			version = clean(value)
		}
	})
	if name == "" || version == "" {
		return nil, errNoPackage
	}
	return []Package{language("PyPI", name, version, path)}, nil
}

var pythonSeparators = regexp.MustCompile(`[-_.]+`)

// NormalPython is the normal form of a name, under which PyPI compares
// (https://packaging.python.org/en/latest/specifications/name-normalization/).
func NormalPython(name string) string {
	return strings.ToLower(pythonSeparators.ReplaceAllString(name, "-"))
}

// requirement is "name==version" with extras, and what may follow.
var requirement = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?\s*={2,3}\s*([^\s;,#*\\]+)\s*(?:$|[;#\\])`)

// PythonRequirements reads requirements.txt: only what is pinned to one
// version, because nothing else says what is installed.
func PythonRequirements(path string, data []byte) ([]Package, error) {
	l := list{path: path, ecosystem: "PyPI"}
	for line := range lines(data) {
		if m := requirement.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			l.add(m[1], m[2])
		}
	}
	return l.sorted(), nil
}

// PipfileLock reads Pipfile.lock.
func PipfileLock(path string, data []byte) ([]Package, error) {
	type pinned map[string]struct {
		Version string `json:"version"`
	}
	var lock struct {
		Default pinned `json:"default"`
		Develop pinned `json:"develop"`
	}
	if err := json.Unmarshal(trimBOM(data), &lock); err != nil {
		return nil, err
	}
	l := list{path: path, ecosystem: "PyPI"}
	for _, group := range []pinned{lock.Default, lock.Develop} {
		for name, p := range group {
			l.add(name, strings.TrimPrefix(p.Version, "=="))
		}
	}
	return l.sorted(), nil
}

// tomlLock reads poetry.lock, uv.lock and Cargo.lock: tables [[package]] with a
// name and a version. Entries that say that they are the project itself
// (a source of another kind than a registry) are left out for Cargo, which
// gives registry packages a source and its own none.
func tomlLock(ecosystem string, needsSource bool) Parser {
	return func(path string, data []byte) ([]Package, error) {
		l := list{path: path, ecosystem: ecosystem}
		var name, version string
		inside, sourced := false, false
		flush := func() {
			if sourced || !needsSource {
				l.add(name, version)
			}
			name, version, sourced = "", "", false
		}
		for line := range lines(data) {
			if strings.HasPrefix(line, "[") {
				if inside = line == "[[package]]"; inside {
					flush()
				}
				continue
			}
			key, value, ok := strings.Cut(line, " = ")
			if !ok || !inside {
				continue
			}
			switch key {
			case "name":
				name = strings.Trim(value, `"`)
			case "version":
				version = strings.Trim(value, `"`)
			case "source":
				// uv marks the project itself as virtual or editable.
				sourced = true
				if strings.Contains(value, "virtual =") || strings.Contains(value, "editable =") {
					name = ""
				}
			}
		}
		flush()
		return l.sorted(), nil
	}
}
