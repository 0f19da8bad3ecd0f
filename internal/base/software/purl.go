package software

import (
	"strings"

	"github.com/package-url/packageurl-go"
)

// purlTypes are the purl types of the ecosystems of programming languages.
var purlTypes = map[string]string{
	"npm": packageurl.TypeNPM, "PyPI": packageurl.TypePyPi, "Maven": packageurl.TypeMaven, "Go": packageurl.TypeGolang,
	"RubyGems": packageurl.TypeGem, "crates.io": packageurl.TypeCargo, "NuGet": packageurl.TypeNuget, "Packagist": packageurl.TypeComposer,
}

// language makes a package of a programming language, with its purl.
func language(ecosystem, name, version, path string) Package {
	if ecosystem == "PyPI" {
		name = NormalPython(name) // one name for a project, however a file spells it
	}
	p := Package{Name: name, Version: version, Ecosystem: ecosystem, Path: path}
	namespace, short := "", name
	separator := "/"
	if ecosystem == "Maven" {
		separator = ":"
	}
	if i := strings.LastIndex(name, separator); i > 0 && ecosystem != "PyPI" && ecosystem != "NuGet" {
		namespace, short = name[:i], name[i+1:]
	}
	p.PURL = packageurl.NewPackageURL(purlTypes[ecosystem], namespace, short, version, nil, "").ToString()
	return p
}

// Maven makes a package of a Maven artifact.
func Maven(group, artifact, version, path string) Package {
	return language("Maven", group+":"+artifact, version, path)
}

// GoModule makes a package of a Go module. Versions keep no leading "v": OSV
// names them so.
func GoModule(module, version, path string) Package {
	p := language("Go", module, version, path)
	p.Version = strings.TrimPrefix(version, "v")
	return p
}

// Crate makes a package of a Rust crate.
func Crate(name, version, path string) Package { return language("crates.io", name, version, path) }

// formats are the databases of distributions, by purl type.
const (
	formatDeb = "deb"
	formatApk = "apk"
	formatRPM = "rpm"
)

// Settle gives packages of a distribution's database (a file that Recognise
// calls System) the ecosystem of the release that they are installed on, and
// their purls.
func (r Release) Settle(format string, packages []Package) {
	for i := range packages {
		p := &packages[i]
		namespace := r.ID
		switch format {
		case formatDeb:
			r.ofDebian(p)
			if namespace == "" {
				namespace = "debian"
			}
		case formatApk:
			p.Ecosystem, namespace = r.Ecosystem(), r.apkNamespace()
		case formatRPM:
			r.ofRPM(p)
		}
		p.PURL = r.purl(format, namespace, p)
	}
}

func (r Release) purl(format, namespace string, p *Package) string {
	version := p.Version
	var q packageurl.Qualifiers
	if p.Arch != "" {
		q = append(q, packageurl.Qualifier{Key: "arch", Value: p.Arch})
	}
	if r.ID != "" {
		q = append(q, packageurl.Qualifier{Key: "distro", Value: strings.TrimSuffix(r.ID+"-"+r.Version, "-")})
	}
	if epoch, rest, ok := strings.Cut(version, ":"); ok && format == formatRPM {
		q, version = append(q, packageurl.Qualifier{Key: "epoch", Value: epoch}), rest
	}
	return packageurl.NewPackageURL(format, namespace, p.Name, version, q, "").ToString()
}
