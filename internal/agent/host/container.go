package host

import "strings"

// initialPIDs is the kernel's fixed number of the first pid namespace; what
// lives in it is no container, whatever marks its file system was built with.
const initialPIDs = "pid:[4026531836]"

// Container names the kind of container that the host is, "" if it is none.
func (h *Host) Container() string {
	if namespace := h.Readlink("/proc/self/ns/pid"); namespace == initialPIDs {
		return ""
	} else if kind := h.containerMark(); kind != "" || namespace == "" {
		return kind
	}
	return "unknown" // not the first pid namespace, and no mark says whose
}

// containerMark is the kind that a mark in the file system or in the
// environment of the first process names.
func (h *Host) containerMark() string {
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
