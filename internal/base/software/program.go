package software

import (
	"path"
	"regexp"
	"strings"

	"github.com/package-url/packageurl-go"
)

// Programs that were installed without a package manager name themselves in a
// file that they bring. Such a package says in Origin how it was recognised; only
// Go's has an ecosystem with advisories.

// programFile is a file that names the program that it belongs to.
type programFile struct {
	name    string
	pattern *regexp.Regexp // its groups, joined by dots, are the version
}

var (
	nodeHeader = programFile{"node", regexp.MustCompile(`(?s)#define NODE_MAJOR_VERSION (\d+).*?#define NODE_MINOR_VERSION (\d+).*?#define NODE_PATCH_VERSION (\d+)`)}
	pyHeader   = programFile{"python", regexp.MustCompile(`#define PY_VERSION\s+"([0-9][0-9A-Za-z.+]*)"`)}
	goVersion  = programFile{"go", regexp.MustCompile(`^go(\d[0-9A-Za-z.]*)`)}
	javaFile   = programFile{"java", regexp.MustCompile(`(?m)^JAVA_VERSION="([0-9][0-9A-Za-z._+-]*)"`)}
	phpHeader  = programFile{"php", regexp.MustCompile(`#define PHP_VERSION "([0-9][0-9A-Za-z.]*)"`)}
	rubyHeader = programFile{"ruby", regexp.MustCompile(`#define RUBY_PROGRAM_VERSION "([0-9][0-9A-Za-z.]*)"`)}
)

// recogniseProgram says whether a path outside of what distributions install is
// one of these files.
func recogniseProgram(name, dir, base string) File {
	if !strings.HasPrefix(name, "usr/local/") && !strings.HasPrefix(name, "opt/") {
		return File{}
	}
	var p programFile
	switch {
	case base == "node_version.h" && path.Base(dir) == "node":
		p = nodeHeader
	case base == "patchlevel.h" && strings.HasPrefix(path.Base(dir), "python"):
		p = pyHeader
	case base == "VERSION" && (path.Base(dir) == "go" || strings.HasPrefix(path.Base(dir), "go1.")):
		p = goVersion
	case base == "release" && strings.Contains(dir, "j"): // jdk, jre, java, openjdk
		p = javaFile
	case base == "php_version.h":
		p = phpHeader
	case base == "config.h" && strings.Contains(dir, "include/ruby-"):
		p = rubyHeader
	default:
		return File{}
	}
	return File{Kind: Installed, Parse: p.parse}
}

// parse names the program; a file that says nothing belongs to something else.
func (p programFile) parse(file string, data []byte) ([]Package, error) {
	m := p.pattern.FindSubmatch(data)
	if m == nil {
		return nil, nil
	}
	var parts []string
	for _, group := range m[1:] {
		parts = append(parts, clean(group))
	}
	version := strings.Join(parts, ".")
	if p.name == "go" {
		found := GoModule("toolchain", version, file)
		found.Origin = "recognised by " + file
		return []Package{found}, nil
	}
	return []Package{{Name: p.name, Version: version, Path: file, Origin: "recognised by " + file,
		PURL: packageurl.NewPackageURL(packageurl.TypeGeneric, "", p.name, version, nil, "").ToString()}}, nil
}
