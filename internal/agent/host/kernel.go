package host

import (
	"path"
	"strings"
)

// KernelArgument finds an argument of the running kernel's command line; the
// value of a bare word is "".
func (h *Host) KernelArgument(name string) (s Setting, ok bool, err error) {
	const cmdline = "/proc/cmdline"
	data, err := h.Read(cmdline)
	if err != nil {
		if Absent(err) {
			err = &Unreadable{cmdline, "the proc file system is not mounted here"}
		}
		return Setting{}, false, err
	}
	for word := range strings.FieldsSeq(string(data)) {
		if key, value, _ := strings.Cut(word, "="); key == name {
			s, ok = Setting{Value: value, Path: cmdline, Line: 1}, true
		}
	}
	return s, ok, nil
}

// CPUVulnerabilities are the processor flaws that this kernel says it does not
// mitigate, whole or in part, and those of which it does not know. known is
// false where the kernel does not tell.
func (h *Host) CPUVulnerabilities() (open, unclear []Setting, known bool) {
	const dir = "/sys/devices/system/cpu/vulnerabilities"
	names, err := h.List(dir)
	if err != nil {
		return nil, nil, false
	}
	for _, name := range names {
		file := path.Join(dir, name)
		data, err := h.Read(file)
		if err != nil {
			continue
		}
		known = true
		s := Setting{Value: name + ": " + strings.TrimSpace(string(data)), Path: file}
		switch {
		case strings.Contains(string(data), "Vulnerable"):
			open = append(open, s)
		case strings.HasPrefix(string(data), "Unknown"):
			unclear = append(unclear, s)
		}
	}
	return open, unclear, known
}

// SecureBoot reads the firmware's variable: on, off, or not known because the
// host was not started by UEFI or does not show its variables.
func (h *Host) SecureBoot() (on, known bool, path string) {
	const variables = "/sys/firmware/efi/efivars"
	names, err := h.Glob(variables + "/SecureBoot-*")
	if err != nil || len(names) == 0 {
		return false, false, variables
	}
	data, err := h.Read(names[0])
	if err != nil || len(data) < 5 {
		return false, false, names[0]
	}
	return data[4] == 1, true, names[0] // four bytes of attributes come first
}
