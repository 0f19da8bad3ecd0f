package software

import (
	"path"
	"regexp"
	"strings"
)

// gemField finds `s.name = "rack".freeze` and its likes.
var gemField = regexp.MustCompile(`(?m)^\s*\w+\.(name|version)\s*=\s*(?:Gem::Version\.new\(?\s*)?["']([^"']+)["']`)

// Gemspec reads the specification of an installed gem, a Ruby program that
// RubyGems writes. Where a hand-written one computes its version, the file's
// name, which is name-version.gemspec in a specifications folder, says it.
func Gemspec(file string, data []byte) ([]Package, error) {
	var name, version string
	for _, m := range gemField.FindAllSubmatch(data, -1) {
		switch field := string(m[1]); {
		case field == "name" && name == "":
			name = clean(m[2])
		case field == "version" && version == "":
			version = clean(m[2])
		}
	}
	if name == "" || version == "" {
		base := strings.TrimSuffix(path.Base(file), ".gemspec")
		if i := strings.LastIndexByte(base, '-'); i > 0 && i+1 < len(base) && isDigit(base[i+1]) {
			name, version = base[:i], base[i+1:]
		}
	}
	if name == "" || version == "" {
		return nil, errNoPackage
	}
	return []Package{language("RubyGems", name, version, file)}, nil
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// gemLocked is a line of the specs of a Gemfile.lock: four spaces, a name, a
// version, perhaps with a platform.
var gemLocked = regexp.MustCompile(`^ {4}([A-Za-z0-9._-]+) \(([^-)]+)(?:-[^)]*)?\)$`)

// GemfileLock reads the gems of a Gemfile.lock that come from a gem server.
func GemfileLock(path string, data []byte) ([]Package, error) {
	l := list{path: path, ecosystem: "RubyGems"}
	inside := false
	for line := range lines(data) {
		if line != "" && line[0] != ' ' {
			inside = line == "GEM"
			continue
		}
		if m := gemLocked.FindStringSubmatch(line); inside && m != nil {
			l.add(m[1], m[2])
		}
	}
	return l.sorted(), nil
}
