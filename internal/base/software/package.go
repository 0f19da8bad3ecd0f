// Package software says what is installed on a host or in an image: the type
// of an installed package, and the parsers of the files that package managers
// leave behind. Agent and image scanner share it, so that a server and an image
// with the same files have the same packages.
//
// The agent links this package. It must never import a database driver, an
// archive of Java classes or anything else that is heavy: such formats live in
// packages below this one (rpmdb, jar, gobinary), which only their users link.
package software

// Package is one installed package, as the file Path names it.
type Package struct {
	Name    string `json:"name"`
	Version string `json:"version"` // as the package manager writes it, epoch and revision included

	// Ecosystem is the OSV ecosystem, with its release where it has one:
	// "Debian:12", "Alpine:v3.20", "Go", "npm", "PyPI", "Maven", ...
	Ecosystem string `json:"ecosystem"`

	// Source and SourceVersion name the distribution's source package; both are
	// empty if it has the name and the version of the binary package.
	Source        string `json:"source,omitempty"`
	SourceVersion string `json:"sourceVersion,omitempty"`

	Arch string `json:"arch,omitempty"`
	PURL string `json:"purl,omitempty"`

	// Path is the file that says that the package is installed.
	Path string `json:"path,omitempty"`

	// Module is the Red Hat module stream ("nodejs:18"), "" outside of one.
	Module string `json:"module,omitempty"`

	// Origin says who built a package of a distribution's format that the
	// distribution did not build ("PostgreSQL", "NodeSource"). Such a package has
	// no Ecosystem: the distribution's advisories say nothing about it.
	Origin string `json:"origin,omitempty"`
}

// SourceName is the name of the source package, or the package's own name.
func (p Package) SourceName() string {
	if p.Source != "" {
		return p.Source
	}
	return p.Name
}

// SourceVersionOrOwn is the version of the source package, or the package's own.
func (p Package) SourceVersionOrOwn() string {
	if p.SourceVersion != "" {
		return p.SourceVersion
	}
	return p.Version
}
