package host

import (
	"slices"
	"strings"
)

// Package is an installed package.
type Package struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Arch    string `json:"arch,omitempty"`
	Source  string `json:"source,omitempty"`
}

// Packages are the installed packages, sorted by name.
type Packages struct {
	Manager string // dpkg, rpm or apk
	All     []Package
}

// Find returns a package by its name.
func (p *Packages) Find(name string) (Package, bool) {
	i, ok := slices.BinarySearchFunc(p.All, name, func(a Package, b string) int { return strings.Compare(a.Name, b) })
	if !ok {
		return Package{}, false
	}
	return p.All[i], true
}

// ParseDpkg reads a dpkg status file and returns the packages that are
// installed, half-configured ones included, removed ones not.
func ParseDpkg(data []byte) []Package {
	var all []Package
	var p Package
	installed := false
	flush := func() {
		if installed && p.Name != "" {
			all = append(all, p)
		}
		p, installed = Package{}, false
	}
	for _, line := range Lines(data) {
		if line == "" {
			flush()
			continue
		}
		key, value, _ := strings.Cut(line, ": ")
		switch key {
		case "Package":
			p.Name = value
		case "Status":
			installed = installedStatus(value)
		case "Version":
			p.Version = value
		case "Architecture":
			p.Arch = value
		case "Source":
			p.Source, _, _ = strings.Cut(value, " ")
		}
	}
	flush()
	slices.SortStableFunc(all, func(a, b Package) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// installedStatus reads "want flag status": files are there unless only the
// configuration remains.
func installedStatus(value string) bool {
	f := strings.Fields(value)
	return len(f) == 3 && f[2] != "not-installed" && f[2] != "config-files"
}

// Packages lists the installed packages from whichever database the host has.
// The error is *Unreadable if there is one that cannot be read, or none.
func (h *Host) Packages() (*Packages, error) {
	return memo(h, "packages", func() (*Packages, error) {
		for _, db := range []struct {
			manager, path string
			parse         func([]byte) []Package
		}{
			{"dpkg", "/var/lib/dpkg/status", ParseDpkg},
			{"apk", "/lib/apk/db/installed", ParseApk},
		} {
			if h.Exists(db.path) {
				return h.packageFile(db.manager, db.path, db.parse)
			}
		}
		return h.rpmPackages()
	})
}

func (h *Host) packageFile(manager, name string, parse func([]byte) []Package) (*Packages, error) {
	return memoCached(h, name, h.signature(name), func() (*Packages, error) {
		data, err := h.readUpTo(name, maxDatabase)
		if err != nil {
			return nil, err
		}
		return &Packages{Manager: manager, All: parse(data)}, nil
	})
}
