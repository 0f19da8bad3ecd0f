package host

import (
	"cmp"
	"slices"

	"github.com/rampart-sec/rampart/internal/base/software"
)

// Packages are the installed packages, sorted by name.
type Packages struct {
	Manager string // dpkg, rpm or apk
	All     []software.Package
}

// Find returns a package by its name.
func (p *Packages) Find(name string) (software.Package, bool) {
	i, ok := slices.BinarySearchFunc(p.All, name, func(a software.Package, b string) int { return cmp.Compare(a.Name, b) })
	if !ok {
		return software.Package{}, false
	}
	return p.All[i], true
}

// Packages lists the installed packages from whichever database the host has.
// The error is *Unreadable if there is one that cannot be read, or none.
func (h *Host) Packages() (*Packages, error) {
	return memo(h, "packages", func() (*Packages, error) {
		for _, db := range []struct {
			manager, format, path string
			parse                 software.Parser
		}{
			{"dpkg", "deb", "/var/lib/dpkg/status", software.Dpkg},
			{"apk", "apk", "/lib/apk/db/installed", software.Apk},
		} {
			if h.Exists(db.path) {
				p, err := h.packageFile(db.manager, db.path, db.parse)
				return h.settled(db.format, p, err)
			}
		}
		p, err := h.rpmPackages()
		return h.settled("rpm", p, err)
	})
}

// settled gives the packages the ecosystem of the host's release. The list that
// came from the cache stays as it is. Paths and purls are left out: all of
// them follow from the rest.
func (h *Host) settled(format string, p *Packages, err error) (*Packages, error) {
	if err != nil {
		return nil, err
	}
	release, err := h.release()
	if err != nil {
		return p, nil
	}
	p = &Packages{Manager: p.Manager, All: slices.Clone(p.All)}
	release.Settle(format, p.All)
	for i := range p.All {
		p.All[i].PURL = ""
	}
	return p, nil
}

// release reads what the host says of its distribution.
func (h *Host) release() (software.Release, error) {
	data, err := h.Read("/etc/os-release")
	if Absent(err) {
		data, err = h.Read("/usr/lib/os-release")
	}
	if err != nil {
		return software.Release{}, err
	}
	return software.ParseRelease(data), nil
}

func (h *Host) packageFile(manager, name string, parse software.Parser) (*Packages, error) {
	return memoCached(h, name, h.signature(name), func() (*Packages, error) {
		data, err := h.readUpTo(name, maxDatabase)
		if err != nil {
			return nil, err
		}
		all, err := parse("", data)
		if err != nil {
			return nil, &Unreadable{name, err.Error()}
		}
		slices.SortStableFunc(all, func(a, b software.Package) int { return cmp.Compare(a.Name, b.Name) })
		return &Packages{Manager: manager, All: all}, nil
	})
}
