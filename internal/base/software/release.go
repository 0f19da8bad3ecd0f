package software

import (
	"strings"
)

// Release is what os-release says of the operating system.
type Release struct {
	ID       string   `json:"id"`      // "debian", lower case
	Version  string   `json:"version"` // VERSION_ID, "" on rolling releases
	Name     string   `json:"name"`    // PRETTY_NAME, or NAME
	Codename string   `json:"codename,omitempty"`
	Like     []string `json:"like,omitempty"`
	LTS      bool     `json:"-"` // VERSION names a long-term release
}

// ParseRelease reads os-release text: KEY=value with shell quoting
// (os-release(5)).
func ParseRelease(data []byte) Release {
	var r Release
	var name string
	for line := range lines(data) {
		key, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok || strings.HasPrefix(key, "#") {
			continue
		}
		value = unquote(strings.TrimSpace(value))
		switch key {
		case "ID":
			r.ID = strings.ToLower(value)
		case "ID_LIKE":
			r.Like = strings.Fields(strings.ToLower(value))
		case "NAME":
			name = value
		case "PRETTY_NAME":
			r.Name = value
		case "VERSION_ID":
			r.Version = value
		case "VERSION_CODENAME":
			r.Codename = value
		case "VERSION":
			r.LTS = strings.Contains(value, "LTS")
		}
	}
	if r.Name == "" {
		r.Name = name
	}
	return r
}

// unquote removes one pair of quotes and the backslashes that a shell removes
// inside double quotes.
func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' && s[0] != '\'' || s[len(s)-1] != s[0] {
		return s
	}
	quote := s[0]
	if s = s[1 : len(s)-1]; quote == '"' {
		s = strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\$`, `$`, "\\`", "`").Replace(s)
	}
	return s
}

// Ecosystem is the OSV ecosystem of the release's own packages
// (https://ossf.github.io/osv-schema/#defined-ecosystems), "" if the release is
// not known. Distributions without an OSV ecosystem get one of the same shape.
func (r Release) Ecosystem() string {
	major, _, _ := strings.Cut(r.Version, ".")
	switch r.ID {
	case "debian", "raspbian":
		return joined("Debian", r.debian(major))
	case "ubuntu":
		if r.LTS && r.Version != "" {
			return "Ubuntu:" + r.Version + ":LTS"
		}
		return joined("Ubuntu", r.Version)
	case "alpine":
		return joined("Alpine", alpineBranch(r.Version))
	case "wolfi":
		return "Wolfi"
	case "chainguard":
		return "Chainguard"
	case "rhel":
		return joined("Red Hat:enterprise_linux", major)
	case "centos":
		return joined("Red Hat:enterprise_linux", major)
	case "rocky":
		return joined("Rocky Linux", major)
	case "almalinux":
		return joined("AlmaLinux", major)
	case "sles", "sled":
		return joined("SUSE:Linux Enterprise Server", serviceOf(r.Version))
	case "opensuse-leap":
		return joined("openSUSE:Leap", r.Version)
	case "opensuse-tumbleweed":
		return "openSUSE:Tumbleweed"
	case "amzn":
		return joined("Amazon Linux", r.Version)
	case "ol":
		return joined("Oracle Linux", major)
	case "fedora":
		return joined("Fedora", r.Version)
	case "azurelinux":
		return joined("Azure Linux", major)
	case "mariner":
		return joined("CBL-Mariner", r.Version)
	case "photon":
		return joined("Photon OS", r.Version)
	case "openeuler":
		return joined("openEuler", r.Version)
	case "mageia":
		return joined("Mageia", r.Version)
	case "alpaquita":
		return joined("Alpaquita", r.Version)
	case "minimos":
		return "MinimOS"
	case "echo":
		return "Echo"
	}
	return ""
}

// debian is the number of a release; testing and unstable have no number and
// are known by their code name alone.
func (r Release) debian(major string) string {
	if major != "" {
		return major
	}
	return map[string]string{"buster": "10", "bullseye": "11", "bookworm": "12", "trixie": "13", "forky": "14"}[r.Codename]
}

func joined(name, release string) string {
	separator := ":"
	if release == "" {
		return name
	}
	if name == "SUSE:Linux Enterprise Server" || name == "openSUSE:Leap" {
		separator = " "
	}
	return name + separator + release
}

// alpineBranch cuts "3.20.1" down to the branch "v3.20". Snapshots of the
// development branch ("3.21_alpha20240807") belong to edge.
func alpineBranch(version string) string {
	if strings.Contains(version, "_alpha") {
		return "edge"
	}
	major, rest, ok := strings.Cut(version, ".")
	if !ok {
		return version
	}
	minor, _, _ := strings.Cut(rest, ".")
	return "v" + major + "." + minor
}

// serviceOf turns SUSE's "15.5" into "15 SP5".
func serviceOf(version string) string {
	major, pack, ok := strings.Cut(version, ".")
	if !ok {
		return version
	}
	return major + " SP" + pack
}
