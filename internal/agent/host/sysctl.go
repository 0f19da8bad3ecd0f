package host

import (
	"path"
	"slices"
	"strings"
)

// ParseSysctl reads a sysctl.d file: "key = value", the last wins; a leading
// "-" only means that errors are ignored. Keys come back with dots.
func ParseSysctl(name string, data []byte) map[string]Setting {
	set := map[string]Setting{}
	for n, line := range Settings(data, "#;") {
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			continue
		}
		key = strings.TrimPrefix(strings.TrimSpace(key), "-")
		set[sysctlKey(key)] = Setting{Value: strings.Join(strings.Fields(value), " "), Path: name, Line: n}
	}
	return set
}

// sysctlKey writes a key with dots: where the first separator is a slash,
// slashes separate and dots belong to names.
func sysctlKey(key string) string {
	i := strings.IndexAny(key, "./")
	if i >= 0 && key[i] == '/' {
		return strings.NewReplacer("/", ".", ".", "/").Replace(key)
	}
	return key
}

// Sysctl is the running value of a kernel parameter. The error is
// fs.ErrNotExist if this kernel has no such parameter.
func (h *Host) Sysctl(key string) (Setting, error) {
	if !h.Exists("/proc/sys/kernel") {
		return Setting{}, &Unreadable{"/proc/sys", "the proc file system is not mounted here"}
	}
	name := "/proc/sys/" + strings.NewReplacer(".", "/", "/", ".").Replace(key)
	data, err := h.Read(name)
	if err != nil {
		return Setting{}, err
	}
	return Setting{Value: strings.Join(strings.Fields(string(data)), " "), Path: name}, nil
}

// SysctlAtBoot is the value that the configuration files give a parameter at
// the next start; ok is false if none does.
func (h *Host) SysctlAtBoot(key string) (s Setting, ok bool, err error) {
	all, err := h.SysctlConfigured()
	s, ok = all[key]
	return s, ok, err
}

// SysctlConfigured are the kernel parameters that the configuration files set;
// a name may be a pattern.
func (h *Host) SysctlConfigured() (map[string]Setting, error) {
	return memo(h, "sysctl.d", h.sysctlFiles)
}

// sysctlFiles applies the files in systemd-sysctl's order: by base name over
// all directories, a name in an earlier directory hides the later ones, and
// /etc/sysctl.conf comes last (Debian links it as 99-sysctl.conf).
func (h *Host) sysctlFiles() (map[string]Setting, error) {
	byName := map[string]string{}
	for _, dir := range []string{"/usr/lib/sysctl.d", "/lib/sysctl.d", "/usr/local/lib/sysctl.d", "/run/sysctl.d", "/etc/sysctl.d"} {
		names, err := h.List(dir)
		if err != nil && !Absent(err) {
			return nil, err
		}
		for _, name := range names {
			if strings.HasSuffix(name, ".conf") {
				byName[name] = path.Join(dir, name)
			}
		}
	}
	order := make([]string, 0, len(byName)+1)
	for name := range byName {
		order = append(order, name)
	}
	slices.Sort(order)
	all := map[string]Setting{}
	for _, name := range append(order, "") {
		file := byName[name]
		if name == "" {
			file = "/etc/sysctl.conf"
		}
		data, err := h.Read(file)
		if err != nil && !Absent(err) {
			return nil, err
		}
		for key, s := range ParseSysctl(file, data) {
			all[key] = s
		}
	}
	return all, nil
}
