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
// the files of the running kernel, built in, or a file system that the kernel
// has. known is false if the running kernel or its modules are not known.
func (h *Host) ModuleAvailable(name string) (available, known bool, err error) {
	if data, err := h.Read("/proc/filesystems"); err == nil {
		for _, line := range Lines(data) {
			if f := strings.Fields(line); len(f) > 0 && sameModule(f[len(f)-1], name) {
				return true, true, nil
			}
		}
	}
	release, err := h.Read("/proc/sys/kernel/osrelease")
	if Absent(err) {
		return false, false, nil
	}
	if err != nil {
		return false, false, err
	}
	dir := "/lib/modules/" + strings.TrimSpace(string(release))
	if there, err := h.There(dir); err != nil || !there {
		return false, true, err // a kernel without module files can load none
	}
	for _, list := range []string{"/modules.dep", "/modules.builtin"} {
		data, err := h.Read(dir + list)
		if Absent(err) {
			continue
		}
		if err != nil {
			return false, false, err
		}
		known = true
		for _, line := range Lines(data) {
			file, _, _ := strings.Cut(line, ":")
			base := file[strings.LastIndexByte(file, '/')+1:]
			base, _, _ = strings.Cut(base, ".")
			if sameModule(base, name) {
				return true, true, nil
			}
		}
	}
	return false, known, nil
}

// modprobeDirs hold modprobe's configuration, the most important first.
var modprobeDirs = []string{"/etc/modprobe.d", "/run/modprobe.d", "/usr/local/lib/modprobe.d", "/usr/lib/modprobe.d", "/lib/modprobe.d"}

// ModuleBlocked finds the line of modprobe.d that keeps a module from loading:
// "install NAME /bin/false". The files of all directories are read in the
// order of their names, a name in a more important directory hides the others,
// and the first install line of a module counts (modprobe.d(5)).
func (h *Host) ModuleBlocked(name string) (s Setting, err error) {
	files, err := h.DropIns(modprobeDirs, ".conf")
	if err != nil {
		return s, err
	}
	for _, file := range files {
		data, err := h.Read(file)
		if Absent(err) {
			continue
		}
		if err != nil {
			return s, err
		}
		if found, ok := ParseModprobe(file, data, name); ok {
			if !blocks(found.Value) {
				return Setting{}, nil
			}
			return found, nil
		}
	}
	return s, nil
}

// ParseModprobe finds the first install line of a module in modprobe.d text;
// a line may continue after a backslash.
func ParseModprobe(file string, data []byte, module string) (Setting, bool) {
	joined, start := "", 0
	for n, line := range Lines(data) {
		if joined == "" {
			start = n
		}
		if rest, more := strings.CutSuffix(line, `\`); more && len(joined) < maxLine {
			joined += rest
			continue
		}
		text := strings.TrimSpace(joined + line)
		joined = ""
		f := strings.Fields(text)
		if len(f) >= 3 && f[0] == "install" && sameModule(f[1], module) {
			return Setting{Value: text, Path: file, Line: start}, true
		}
	}
	return Setting{}, false
}

// blocks reports whether an install line runs a program that loads nothing.
func blocks(line string) bool {
	f := strings.Fields(line)
	if strings.ContainsAny(line, ";|&$`") || len(f) < 3 {
		return false
	}
	switch strings.TrimPrefix(f[2], "/usr") {
	case "/bin/false", "/bin/true", "/sbin/nologin", "/bin/nologin", "false", "true", ":":
		return true
	}
	return false
}

// sameModule compares as the kernel does: - and _ are the same.
func sameModule(a, b string) bool {
	return strings.ReplaceAll(a, "-", "_") == strings.ReplaceAll(b, "-", "_")
}
