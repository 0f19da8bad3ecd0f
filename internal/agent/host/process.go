package host

import (
	"bytes"
	"strconv"
	"strings"
)

// Process is a running process. Unit is the systemd unit that it belongs to,
// "" if it belongs to none.
type Process struct {
	PID  string
	Name string // at most 15 bytes, as the kernel keeps it
	Unit string
	// Contained processes belong to a container of this host.
	Contained bool
}

// Processes lists the running processes that can be seen.
func (h *Host) Processes() []Process {
	all, _ := memo(h, "processes", func() ([]Process, error) {
		names, err := h.List("/proc")
		if err != nil {
			return nil, err
		}
		var all []Process
		for _, pid := range names {
			if _, err := strconv.Atoi(pid); err != nil {
				continue
			}
			comm, err := h.readUpTo("/proc/"+pid+"/comm", 4096)
			if err != nil {
				continue // it has ended
			}
			cgroup, _ := h.readUpTo("/proc/"+pid+"/cgroup", 64<<10)
			all = append(all, Process{PID: pid, Name: strings.TrimSpace(string(comm)), Unit: UnitOfCgroup(cgroup), Contained: inContainer(cgroup)})
		}
		return all, nil
	})
	return all
}

// UnitOfCgroup finds the system unit in the text of /proc/PID/cgroup.
func UnitOfCgroup(data []byte) string {
	for _, line := range Lines(data) {
		f := strings.SplitN(line, ":", 3)
		if len(f) < 3 || f[1] != "" && f[1] != "name=systemd" {
			continue
		}
		for seg := range strings.SplitSeq(f[2], "/") {
			if strings.HasSuffix(seg, ".service") {
				return seg
			}
		}
	}
	return ""
}

// Running reports whether a process of that name runs.
func (h *Host) Running(name string) bool {
	if len(name) > 15 {
		name = name[:15]
	}
	for _, p := range h.Processes() {
		if p.Name == name {
			return true
		}
	}
	return false
}

// inContainer recognises the control groups of the common container engines.
func inContainer(cgroup []byte) bool {
	for _, mark := range []string{"/docker", "libpod", "kubepods", "/lxc", "containerd", "crio", "machine.slice"} {
		if bytes.Contains(cgroup, []byte(mark)) && !bytes.Contains(cgroup, []byte("system.slice/"+strings.Trim(mark, "/"))) {
			return true
		}
	}
	return false
}
