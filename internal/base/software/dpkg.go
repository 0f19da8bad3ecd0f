package software

import (
	"bytes"
	"errors"
	"regexp"
	"strings"
)

// errNoPackage is the reason why a non-empty database without one readable
// package is an error and not an empty list.
var errNoPackage = errors.New("no package could be read from it")

// Dpkg reads a dpkg status file, or one of the files below status.d that
// distroless images have instead: paragraphs without a Status field are
// installed packages there. Removed packages are left out, half-installed ones
// are not: their files are there.
func Dpkg(path string, data []byte) ([]Package, error) {
	var all []Package
	empty := len(bytes.TrimSpace(data)) == 0
	removed := 0
	for len(data) > 0 {
		p := Package{Path: path}
		installed, status := true, false
		data = fields(data, func(name string, value []byte) {
			switch name {
			case "Package":
				p.Name = clean(value)
			case "Status":
				status = true
				installed = dpkgInstalled(string(value))
			case "Version":
				p.Version = clean(value)
			case "Architecture":
				p.Arch = clean(value)
			case "Source":
				p.Source, p.SourceVersion = dpkgSource(clean(value))
			}
		})
		switch {
		case status && !installed:
			removed++
		case p.Name != "" && p.Version != "":
			all = append(all, p)
		}
	}
	if len(all) == 0 && removed == 0 && !empty {
		return nil, errNoPackage
	}
	return all, nil
}

// dpkgInstalled reads "want flag status" (dpkg-query(1)).
func dpkgInstalled(value string) bool {
	f := strings.Fields(value)
	return len(f) == 3 && f[2] != "not-installed" && f[2] != "config-files"
}

// dpkgSource reads "name" or "name (version)".
func dpkgSource(value string) (name, version string) {
	name, version, _ = strings.Cut(value, " ")
	return name, strings.Trim(version, "()")
}

// debianBuild finds the release in the version of an update: "+deb11u3",
// "~deb12u1".
var debianBuild = regexp.MustCompile(`[+~]deb(\d+)u\d`)

// foreignBuilds are the marks that well-known builders other than the
// distribution leave in their versions.
var foreignBuilds = []struct{ mark, origin string }{
	{".pgdg", "PostgreSQL"}, {"nodesource", "NodeSource"}, {"+sury", "Ondrej Sury"}, {"~ppa", "Launchpad PPA"}, {"+percona", "Percona"},
	{"~bookworm", "a vendor's repository"}, {"~bullseye", "a vendor's repository"}, {"~buster", "a vendor's repository"}, {"~trixie", "a vendor's repository"},
	{"~focal", "a vendor's repository"}, {"~jammy", "a vendor's repository"}, {"~noble", "a vendor's repository"},
	{"~debian.", "Docker"}, {"~ubuntu.", "Docker"},
}

// ofDebian gives a package of dpkg's format the ecosystem that it was built
// for, which need not be the system's: updates name their release, and
// repositories of others leave their mark.
func (r Release) ofDebian(p *Package) {
	for _, f := range foreignBuilds {
		if strings.Contains(p.Version, f.mark) {
			p.Origin = f.origin
			return
		}
	}
	p.Ecosystem = r.Ecosystem()
	if r.ID != "debian" {
		return
	}
	if m := debianBuild.FindStringSubmatch(p.Version); m != nil && len(m[1]) <= 2 && olderDebian(m[1], r.debian(r.Version)) {
		p.Ecosystem = "Debian:" + m[1]
	}
}

// olderDebian says whether an update was built for another release than the
// system's. A newer one is what an upgrade half done leaves.
func olderDebian(build, system string) bool {
	system, _, _ = strings.Cut(system, ".")
	return system != "" && build != system
}
