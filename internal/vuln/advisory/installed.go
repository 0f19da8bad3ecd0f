package advisory

import (
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/software"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/ecosystem"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/version"
)

// installed is a package with what matching needs to know of it.
type installed struct {
	software.Package
	ecosystem.Ecosystem
	base    string
	scheme  *version.Scheme
	version string   // the version that advisories count in
	names   []string // under which advisories can name it
}

func prepare(packages []software.Package) []installed {
	list := make([]installed, 0, len(packages))
	for _, p := range packages {
		list = append(list, prepareOne(p))
	}
	return list
}

func prepareOne(p software.Package) installed {
	in := installed{Package: p, Ecosystem: ecosystem.Parse(p.Ecosystem), version: p.Version}
	in.base = in.Ecosystem.Base
	in.scheme, _ = version.For(in.base)
	name := p.Name
	if ecosystem.NamesSource(in.base) {
		name = p.SourceName()
		in.version = p.SourceVersionOrOwn()
		if kernel, signed := signedKernel(in.base, name); signed {
			name, in.version = kernel, p.Version
		}
	}
	in.names = []string{ecosystem.Name(in.base, name)}
	if in.base == "Red Hat" && p.Source != "" && p.Source != name {
		in.names = append(in.names, p.Source) // what has no fix yet is named by its source
	}
	return in
}

// signedKernel gives the source that a signed kernel was built from. Distributions
// sign kernels by a source package of its own ("linux-signed-amd64" of Debian,
// "linux-signed-hwe-6.8" of Ubuntu), which no advisory names; the built packages
// keep the version of the kernel's source.
func signedKernel(base, source string) (string, bool) {
	rest, ok := strings.CutPrefix(source, "linux-signed")
	if !ok || !ecosystem.IsDPKG(base) {
		return "", false
	}
	if base == "Debian" {
		return "linux", true
	}
	return "linux" + rest, true
}

// gap says why a package can't be judged, "" if it can.
func (in *installed) gap(feeds []Feed) string {
	switch {
	case in.Origin != "":
		return "it was built by others than the distribution, whose advisories do not speak of it"
	case !ecosystem.Known(in.base):
		return "no advisories are known for this ecosystem"
	case len(feeds) == 0:
		return "no advisories of this ecosystem are imported"
	case in.version == "":
		return "its version is not known"
	case in.scheme != nil && in.scheme.Check(in.version) != nil:
		return "its version is none that can be compared"
	case !ecosystem.Released(in.base):
		return ""
	case in.Release == "":
		return "the release that it belongs to is not known"
	case !slices.ContainsFunc(feeds, func(f Feed) bool { return containsFold(f.Releases, in.Release) }):
		return "no advisories for this release are imported"
	}
	return ""
}

func containsFold(list []string, want string) bool {
	for _, s := range list {
		if strings.EqualFold(s, want) {
			return true
		}
	}
	return false
}

// kernelReason says why a package built from the kernel's source is not the
// kernel, "" if it is one or has another source. Headers, documentation and
// tools hold none of the code that the kernel's advisories are about.
func (in *installed) kernelReason() string {
	source := in.SourceName()
	kernel := source == "linux" || strings.HasPrefix(source, "linux-") || source == "kernel" || strings.HasPrefix(source, "kernel-")
	if !kernel && !strings.HasPrefix(in.Name, "kernel-") {
		return ""
	}
	for _, part := range []string{"-headers", "-libc-dev", "-libc-devel", "-doc", "-devel", "-source", "-tools", "-kbuild", "-cpupower", "-perf", "-srpm-macros", "-rpm-macros"} {
		if strings.Contains(in.Name, part) {
			return "it is built from the kernel's source but is not the kernel"
		}
	}
	return ""
}
