package host

import "strings"

// OSRelease is what /etc/os-release says.
type OSRelease struct {
	ID, Name, PrettyName, Version, Codename string
	Like                                    []string
}

// ParseOSRelease reads os-release text: KEY=value, shell quoting.
func ParseOSRelease(data []byte) OSRelease {
	var r OSRelease
	for _, line := range Settings(data, "#") {
		key, value, _ := strings.Cut(line, "=")
		value = unquote(strings.TrimSpace(value))
		switch strings.TrimSpace(key) {
		case "ID":
			r.ID = strings.ToLower(value)
		case "ID_LIKE":
			r.Like = strings.Fields(strings.ToLower(value))
		case "NAME":
			r.Name = value
		case "PRETTY_NAME":
			r.PrettyName = value
		case "VERSION_ID":
			r.Version = value
		case "VERSION_CODENAME":
			r.Codename = value
		}
	}
	return r
}

// Family is the family of distributions: debian, rhel, suse, alpine, arch or
// the ID itself.
func (r OSRelease) Family() string {
	families := map[string]string{
		"debian": "debian", "ubuntu": "debian", "rhel": "rhel", "fedora": "rhel", "centos": "rhel", "amzn": "rhel",
		"azurelinux": "rhel", "mariner": "rhel", "suse": "suse", "opensuse": "suse", "sles": "suse", "alpine": "alpine", "arch": "arch",
	}
	for _, id := range append([]string{r.ID}, r.Like...) {
		if f, ok := families[id]; ok {
			return f
		}
	}
	return r.ID
}

// OSRelease reads the host's os-release.
func (h *Host) OSRelease() (OSRelease, error) {
	return memo(h, "os-release", func() (OSRelease, error) {
		data, err := h.Read("/etc/os-release")
		if Absent(err) {
			data, err = h.Read("/usr/lib/os-release")
		}
		if err != nil {
			return OSRelease{}, err
		}
		return ParseOSRelease(data), nil
	})
}

// unquote removes one pair of quotes and the backslashes that shells remove.
func unquote(s string) string {
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		quote := s[0]
		s = s[1 : len(s)-1]
		if quote == '"' {
			s = strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\$`, `$`, "\\`", "`").Replace(s)
		}
	}
	return s
}
