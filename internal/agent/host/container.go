package host

import "strings"

// Container names the kind of container that the host is, "" if it is none.
func (h *Host) Container() string {
	for _, mark := range []struct{ path, kind string }{
		{"/.dockerenv", "docker"}, {"/run/.containerenv", "podman"},
		{"/var/run/secrets/kubernetes.io", "kubernetes"},
	} {
		if h.Exists(mark.path) {
			return mark.kind
		}
	}
	if data, err := h.Read("/run/systemd/container"); err == nil {
		return strings.TrimSpace(string(data))
	}
	data, err := h.Read("/proc/1/environ")
	if err != nil {
		return ""
	}
	for v := range strings.SplitSeq(string(data), "\x00") {
		if kind, ok := strings.CutPrefix(v, "container="); ok {
			return kind
		}
	}
	return ""
}
