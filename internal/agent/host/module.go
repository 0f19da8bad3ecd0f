package host

import "strings"

// ModuleLoaded reports whether a kernel module is loaded or built in and in use.
func (h *Host) ModuleLoaded(name string) (bool, error) {
	data, err := h.Read("/proc/modules")
	if err != nil && !Absent(err) {
		return false, err
	}
	for _, line := range Lines(data) {
		module, _, _ := strings.Cut(line, " ")
		if sameModule(module, name) {
			return true, nil
		}
	}
	return false, nil
}

// ModuleAvailable reports whether this kernel could load a module: it is among
// the files of the running kernel, or built in. A kernel without module files
// can load none. known is false if the running kernel is not known.
func (h *Host) ModuleAvailable(name string) (available, known bool) {
	release, err := h.Read("/proc/sys/kernel/osrelease")
	if err != nil {
		return false, false
	}
	dir := "/lib/modules/" + strings.TrimSpace(string(release))
	if !h.Exists(dir) {
		return false, true
	}
	for _, list := range []string{"/modules.dep", "/modules.builtin"} {
		data, err := h.Read(dir + list)
		if err != nil {
			continue
		}
		known = true
		for _, line := range Lines(data) {
			file, _, _ := strings.Cut(line, ":")
			base := file[strings.LastIndexByte(file, '/')+1:]
			base, _, _ = strings.Cut(base, ".")
			if sameModule(base, name) {
				return true, true
			}
		}
	}
	return false, known
}

// ModuleBlocked finds the line of modprobe.d that keeps a module from loading:
// "install NAME /bin/false" or, weaker, "blacklist NAME".
func (h *Host) ModuleBlocked(name string) (s Setting, err error) {
	for _, dir := range []string{"/usr/lib/modprobe.d", "/lib/modprobe.d", "/run/modprobe.d", "/etc/modprobe.d"} {
		names, err := h.Glob(dir + "/*.conf")
		if err != nil {
			return s, err
		}
		for _, file := range names {
			data, err := h.Read(file)
			if err != nil && !Absent(err) {
				return s, err
			}
			if found, ok := ParseModprobe(file, data, name); ok {
				return found, nil
			}
		}
	}
	return s, nil
}

// ParseModprobe finds the line that makes a module unloadable in modprobe.d text.
func ParseModprobe(file string, data []byte, module string) (Setting, bool) {
	for n, line := range Settings(data, "#") {
		f := strings.Fields(line)
		if len(f) >= 3 && f[0] == "install" && sameModule(f[1], module) {
			switch f[2] {
			case "/bin/false", "/bin/true", "/usr/bin/false", "/usr/bin/true", "/sbin/nologin":
				return Setting{Value: line, Path: file, Line: n}, true
			}
		}
	}
	return Setting{}, false
}

// sameModule compares as the kernel does: - and _ are the same.
func sameModule(a, b string) bool {
	return strings.ReplaceAll(a, "-", "_") == strings.ReplaceAll(b, "-", "_")
}
