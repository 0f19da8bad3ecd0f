package host

import "strings"

// AppArmor reports whether AppArmor is on and how many profiles enforce;
// profiles is -1 where the list may not be read.
func (h *Host) AppArmor() (on bool, profiles int) {
	data, err := h.Read("/sys/module/apparmor/parameters/enabled")
	if err != nil || !strings.HasPrefix(string(data), "Y") {
		return false, 0
	}
	data, err = h.Read("/sys/kernel/security/apparmor/profiles")
	if err != nil {
		return true, -1
	}
	return true, strings.Count(string(data), "(enforce)")
}

// SELinux is "enforcing", "permissive" or "disabled" as it runs.
func (h *Host) SELinux() string {
	data, err := h.Read("/sys/fs/selinux/enforce")
	switch {
	case err != nil:
		return "disabled"
	case strings.TrimSpace(string(data)) == "1":
		return "enforcing"
	}
	return "permissive"
}
