// Package ecosystem names where packages come from: the OSV ecosystems, their
// releases, and the spelling of package names in each.
//
// Names follow the ecosystem list of the OSV schema
// (https://ossf.github.io/osv-schema/#defined-ecosystems).
//
// It is pure text and must never import another package of this module.
package ecosystem

import (
	"slices"
	"strings"
)

// Ecosystem is an OSV ecosystem taken apart.
type Ecosystem struct {
	Base    string // "Debian", "npm", "Red Hat"; in the schema's spelling where it is known
	Release string // "12", "22.04", "v3.20", "15 SP5"; "" if the ecosystem has none or none was named
	Channel string // a product or support channel of the release: "Pro" (Ubuntu), "rhel_eus" (Red Hat); "" for the usual one
}

// String writes base and release as the schema does; the channel is left out.
func (e Ecosystem) String() string {
	if e.Release == "" {
		return e.Base
	}
	return e.Base + ":" + e.Release
}

// kind says how an ecosystem is read.
type kind struct {
	name    string
	release func(text string) (release, channel string) // nil: the ecosystem has no releases
}

// kinds lists the ecosystems that packages can be matched in, by lower-case name.
var kinds = map[string]kind{
	"debian":         {"Debian", firstNumber},
	"ubuntu":         {"Ubuntu", ubuntuRelease},
	"alpine":         {"Alpine", alpineRelease},
	"wolfi":          {"Wolfi", nil},
	"chainguard":     {"Chainguard", nil},
	"minimos":        {"MinimOS", nil},
	"red hat":        {"Red Hat", redHatRelease},
	"almalinux":      {"AlmaLinux", firstNumber},
	"rocky linux":    {"Rocky Linux", firstNumber},
	"oracle linux":   {"Oracle Linux", firstNumber},
	"amazon linux":   {"Amazon Linux", wholeRelease},
	"azure linux":    {"Azure Linux", firstNumber},
	"suse":           {"SUSE", suseRelease},
	"opensuse":       {"openSUSE", wholeRelease},
	"openeuler":      {"openEuler", wholeRelease},
	"mageia":         {"Mageia", firstNumber},
	"photon os":      {"Photon OS", wholeRelease},
	"alpaquita":      {"Alpaquita", wholeRelease},
	"go":             {"Go", nil},
	"npm":            {"npm", nil},
	"pypi":           {"PyPI", nil},
	"maven":          {"Maven", nil},
	"nuget":          {"NuGet", nil},
	"rubygems":       {"RubyGems", nil},
	"crates.io":      {"crates.io", nil},
	"packagist":      {"Packagist", nil},
	"hex":            {"Hex", nil},
	"pub":            {"Pub", nil},
	"cran":           {"CRAN", nil},
	"bioconductor":   {"Bioconductor", nil},
	"hackage":        {"Hackage", nil},
	"ghc":            {"GHC", nil},
	"conancenter":    {"ConanCenter", nil},
	"bitnami":        {"Bitnami", nil},
	"julia":          {"Julia", nil},
	"opam":           {"opam", nil},
	"swifturl":       {"SwiftURL", nil},
	"github actions": {"GitHub Actions", nil},
	"vscode":         {"VSCode", nil},
	"kubernetes":     {"Kubernetes", nil},
}

// Parse takes an ecosystem of an advisory or of a package apart. An unknown one
// keeps its own spelling and everything after the first colon as its release.
func Parse(text string) Ecosystem {
	base, rest, _ := strings.Cut(text, ":")
	k, known := kinds[strings.ToLower(base)]
	if !known {
		return Ecosystem{Base: base, Release: rest}
	}
	e := Ecosystem{Base: k.name}
	if k.release != nil && rest != "" {
		e.Release, e.Channel = k.release(rest)
	}
	return e
}

// Known reports whether packages of the ecosystem can be matched at all.
func Known(base string) bool {
	_, ok := kinds[strings.ToLower(base)]
	return ok
}

// Released reports whether an ecosystem is a distribution whose advisories hold
// for one release only, so that a package without a release cannot be judged.
func Released(base string) bool { return kinds[strings.ToLower(base)].release != nil }

// rpmBases are the distributions that install RPM packages.
var rpmBases = []string{"Red Hat", "AlmaLinux", "Rocky Linux", "Oracle Linux", "Amazon Linux", "Azure Linux", "SUSE", "openSUSE", "openEuler", "Mageia", "Photon OS"}

// IsRPM reports whether the ecosystem's packages are RPM packages.
func IsRPM(base string) bool { return slices.Contains(rpmBases, base) }

// IsAPK reports whether the ecosystem's packages are apk packages.
func IsAPK(base string) bool {
	return slices.Contains([]string{"Alpine", "Wolfi", "Chainguard", "MinimOS", "Alpaquita"}, base)
}

// IsDPKG reports whether the ecosystem's packages are Debian packages.
func IsDPKG(base string) bool { return base == "Debian" || base == "Ubuntu" }

// NamesSource reports whether the ecosystem's advisories name source packages
// (Debian, Alpine, SUSE); the others name what is installed.
func NamesSource(base string) bool {
	return IsDPKG(base) || IsAPK(base) || slices.Contains([]string{"Rocky Linux", "SUSE", "openSUSE", "openEuler", "Mageia", "Photon OS", "Amazon Linux", "Azure Linux"}, base)
}
