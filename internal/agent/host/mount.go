package host

import (
	"path"
	"slices"
	"strconv"
	"strings"
)

// Mount is a mounted file system, or a line of fstab.
type Mount struct {
	Device  string   `json:"device"`
	Path    string   `json:"path"`
	Type    string   `json:"type"`
	Options []string `json:"options"`
	Line    int      `json:"-"`
}

// ParseMounts reads /proc/mounts and fstab text; \040 and the like are decoded.
func ParseMounts(data []byte) []Mount {
	var mounts []Mount
	for n, line := range Settings(data, "#") {
		f := strings.Fields(line)
		if len(f) < 4 {
			continue
		}
		mounts = append(mounts, Mount{
			Device: octal(f[0]), Path: path.Clean(octal(f[1])), Type: f[2], Options: strings.Split(f[3], ","), Line: n,
		})
	}
	return mounts
}

// octal decodes the \nnn escapes of mount tables.
func octal(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// remoteMounts are the mount points of file systems that another machine
// serves, or that mount one when they are looked at. When that machine is gone
// a look at them never returns. A diskless host's own root is not among them.
func (h *Host) remoteMounts() []string {
	mounts, err := h.Mounts()
	if err != nil {
		return nil
	}
	var points []string
	for _, m := range mounts {
		switch strings.TrimPrefix(m.Type, "fuse.") {
		case "nfs", "nfs4", "cifs", "smb3", "afs", "ceph", "glusterfs", "lustre", "9p", "sshfs", "autofs", "davfs":
			if m.Path != "/" {
				points = append(points, m.Path)
			}
		}
	}
	return points
}

// remoteMount is the network file system that a path lies on, "" if none.
func (h *Host) remoteMount(name string) string {
	for _, m := range h.remote {
		if name == m || strings.HasPrefix(name, m+"/") {
			return m
		}
	}
	return ""
}

// Mounts are the mounted file systems that this process sees.
func (h *Host) Mounts() ([]Mount, error) {
	return memo(h, "mounts", func() ([]Mount, error) {
		data, err := h.Read("/proc/self/mounts")
		if Absent(err) {
			err = &Unreadable{"/proc/self/mounts", "the proc file system is not mounted here"}
		}
		return ParseMounts(data), err
	})
}

// MountAt is the file system mounted at a path; the last mount there counts.
func (h *Host) MountAt(p string) (m Mount, ok bool, err error) {
	mounts, err := h.Mounts()
	for _, candidate := range slices.Backward(mounts) {
		if candidate.Path == p {
			return candidate, true, nil
		}
	}
	return Mount{}, false, err
}
