package host

import "strings"

// Limit finds the hard limit of an item for everybody ("*") in the limits
// files; the last line wins.
func (h *Host) Limit(item string) (s Setting, ok bool, err error) {
	names, err := h.Glob("/etc/security/limits.d/*.conf")
	if err != nil {
		return s, false, err
	}
	for _, name := range append([]string{"/etc/security/limits.conf"}, names...) {
		data, err := h.Read(name)
		if Absent(err) {
			continue
		}
		if err != nil {
			return s, ok, err
		}
		if found, has := ParseLimits(name, data, item); has {
			s, ok = found, true
		}
	}
	return s, ok, nil
}

// ParseLimits finds a hard limit for "*" in limits.conf text.
func ParseLimits(name string, data []byte, item string) (s Setting, ok bool) {
	for n, line := range Settings(data, "#") {
		f := strings.Fields(line)
		if len(f) >= 4 && f[0] == "*" && (f[1] == "hard" || f[1] == "-") && f[2] == item {
			s, ok = Setting{Value: f[3], Path: name, Line: n}, true
		}
	}
	return s, ok
}
