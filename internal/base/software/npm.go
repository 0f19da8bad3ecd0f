package software

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
)

// NPMInstalled reads the package.json of an installed package. Files of
// packages without a name or a version, which node allows below a package, say
// nothing about what is installed and give none.
func NPMInstalled(path string, data []byte) ([]Package, error) {
	var p struct {
		Name    any `json:"name"`
		Version any `json:"version"`
	}
	if err := json.Unmarshal(trimBOM(data), &p); err != nil {
		return nil, err
	}
	name, _ := p.Name.(string)
	version, _ := p.Version.(string)
	name, version = clean([]byte(name)), strings.TrimLeft(clean([]byte(version)), "=v ")
	if name == "" || version == "" {
		return nil, nil
	}
	return []Package{language("npm", name, version, path)}, nil
}

func trimBOM(data []byte) []byte { return bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) }

// npmLocked is an entry of a package-lock.json of either shape.
type npmLocked struct {
	Name         string               `json:"name"`
	Version      string               `json:"version"`
	Link         bool                 `json:"link"`
	Dependencies map[string]npmLocked `json:"dependencies"`
}

// maxNesting is how deep dependencies of lock files may nest: deeper ones are
// refused before they cost stack.
const maxNesting = 200

// NPMLock reads package-lock.json and npm-shrinkwrap.json, versions 1 to 3.
func NPMLock(path string, data []byte) ([]Package, error) {
	var lock struct {
		Packages     map[string]json.RawMessage `json:"packages"`
		Dependencies map[string]npmLocked       `json:"dependencies"`
	}
	if err := json.Unmarshal(trimBOM(data), &lock); err != nil {
		return nil, err
	}
	l := list{path: path, ecosystem: "npm"}
	for place, raw := range lock.Packages {
		i := strings.LastIndex(place, "node_modules/")
		var p npmLocked
		// The root and the members of a workspace have no node_modules in
		// their place; they are the project itself. Their dependencies member is
		// a map of texts, so it is not decoded.
		if i < 0 || json.Unmarshal(raw, &struct {
			Name    *string `json:"name"`
			Version *string `json:"version"`
			Link    *bool   `json:"link"`
		}{&p.Name, &p.Version, &p.Link}) != nil || p.Link {
			continue
		}
		if p.Name == "" {
			p.Name = place[i+len("node_modules/"):]
		}
		l.add(p.Name, p.Version)
	}
	if len(lock.Packages) == 0 {
		if err := l.npmDependencies(lock.Dependencies, 0); err != nil {
			return nil, err
		}
	}
	return l.sorted(), nil
}

func (l *list) npmDependencies(deps map[string]npmLocked, depth int) error {
	if depth > maxNesting {
		return errors.New("its dependencies nest too deep")
	}
	for name, p := range deps {
		version := p.Version
		if rest, ok := strings.CutPrefix(version, "npm:"); ok { // an alias
			if i := strings.LastIndexByte(rest, '@'); i > 0 {
				name, version = rest[:i], rest[i+1:]
			}
		}
		if !strings.Contains(version, ":") { // git, file and address are no versions
			l.add(name, version)
		}
		if err := l.npmDependencies(p.Dependencies, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// YarnLock reads yarn.lock of both the classic and the later shape: an entry
// begins at the margin with what was asked for, its version follows indented.
func YarnLock(path string, data []byte) ([]Package, error) {
	l := list{path: path, ecosystem: "npm"}
	name := ""
	for line := range lines(data) {
		switch {
		case line == "" || line[0] == '#':
		case line[0] != ' ' && line[0] != '\t':
			name = yarnName(line)
		case name != "":
			field := strings.TrimSpace(line)
			version, ok := strings.CutPrefix(field, "version")
			if !ok || len(line)-len(field) > 2 {
				continue
			}
			version = strings.Trim(strings.TrimLeft(version, ": "), `"`)
			if version != "0.0.0-use.local" {
				l.add(name, version)
			}
			name = ""
		}
	}
	return l.sorted(), nil
}

// yarnName reads `"@scope/name@^1.0.0", "@scope/name@^1.1.0":`. What is not
// from the registry has no name.
func yarnName(line string) string {
	first, _, _ := strings.Cut(strings.TrimSuffix(line, ":"), ", ")
	first = strings.Trim(first, `"`)
	i := strings.IndexByte(strings.TrimPrefix(first, "@"), '@')
	if i < 0 {
		return ""
	}
	if strings.HasPrefix(first, "@") {
		i++
	}
	name, wanted := first[:i], first[i+1:]
	if alias, ok := strings.CutPrefix(wanted, "npm:"); ok {
		if j := strings.LastIndexByte(alias, '@'); j > 0 {
			return alias[:j]
		}
		return name
	}
	if strings.Contains(wanted, ":") {
		return ""
	}
	return name
}

// pnpmOld is a key of lock file version 5: "/@scope/name/1.0.0_peers".
var pnpmOld = regexp.MustCompile(`^/(@[^/]+/[^/@]+|[^/@]+)/(\d[^_/]*)`)

// PnpmLock reads pnpm-lock.yaml: the keys of its packages, in the shapes of
// lock file versions 5 ("/name/1.0.0"), 6 ("/name@1.0.0") and 9 ("name@1.0.0").
func PnpmLock(path string, data []byte) ([]Package, error) {
	l := list{path: path, ecosystem: "npm"}
	inside := false
	for line := range lines(data) {
		if line != "" && line[0] != ' ' {
			inside = line == "packages:"
			continue
		}
		if !inside || len(line) < 4 || line[:2] != "  " || line[2] == ' ' || !strings.HasSuffix(line, ":") {
			continue
		}
		key := strings.Trim(line[2:len(line)-1], `'"`)
		key, _, _ = strings.Cut(key, "(") // what peers it was resolved with
		if m := pnpmOld.FindStringSubmatch(key); m != nil {
			l.add(m[1], m[2])
			continue
		}
		key = strings.TrimPrefix(key, "/")
		if i := strings.LastIndexByte(key, '@'); i > 0 && !strings.ContainsAny(key[i+1:], ":/") {
			l.add(key[:i], key[i+1:])
		}
	}
	return l.sorted(), nil
}
