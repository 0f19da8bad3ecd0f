package host

import "strings"

// ParseKeyValue finds a key in "key = value" text (separator '=') or "key
// value" text (separator ' '), without case; the last line wins, quotes are
// removed and section headings are ignored.
func ParseKeyValue(name string, data []byte, key string, separator byte) (s Setting, ok bool) {
	for n, line := range Settings(data, "#;[") {
		var k, v string
		if separator == '=' {
			k, v, _ = strings.Cut(strings.TrimPrefix(line, "export "), "=")
		} else {
			k, v, _ = strings.Cut(strings.ReplaceAll(line, "\t", " "), " ")
		}
		if !strings.EqualFold(strings.TrimSpace(k), key) {
			continue
		}
		s, ok = Setting{Value: unquote(strings.TrimSpace(v)), Path: name, Line: n}, true
	}
	return s, ok
}

// KeyValue finds a key in files and globs; later ones win. found is false if
// no file sets it, exist is false if there is no file at all.
func (h *Host) KeyValue(paths []string, key string, separator byte) (s Setting, found, exist bool, err error) {
	for _, pattern := range paths {
		names, err := h.Glob(pattern)
		if err != nil {
			return s, found, exist, err
		}
		for _, name := range names {
			data, err := h.Read(name)
			if Absent(err) {
				continue
			}
			if err != nil {
				return s, found, true, err
			}
			exist = true
			if v, ok := ParseKeyValue(name, data, key, separator); ok {
				s, found = v, true
			}
		}
	}
	return s, found, exist, nil
}

// LoginDefs is a setting of /etc/login.defs.
func (h *Host) LoginDefs(key string) (s Setting, ok bool, err error) {
	s, ok, _, err = h.KeyValue([]string{"/usr/etc/login.defs", "/etc/login.defs"}, key, ' ')
	return s, ok, err
}
