package host

import (
	"path"
	"strings"
)

// Encrypted says whether the file system at a mount point lies on an encrypted
// block device, and names the device. Encryption below the device (by a
// hypervisor, or a self-encrypting disk) cannot be seen from here. ok is false
// if no block device is behind the path.
func (h *Host) Encrypted(mountPoint string) (s Setting, encrypted, ok bool, err error) {
	m, mounted, err := h.MountAt(mountPoint)
	if err != nil || !mounted {
		return Setting{}, false, false, err
	}
	name, found := h.blockDevice(m.Device)
	if !found {
		return Setting{Value: m.Type, Path: mountPoint}, false, false, nil
	}
	s = Setting{Value: m.Device + " (" + m.Type + ")", Path: "/sys/class/block/" + name}
	return s, h.cryptBelow(name, 0), true, nil
}

// blockDevice gives the kernel's name of a mounted device: /dev/mapper links
// lead to /dev/dm-N.
func (h *Host) blockDevice(device string) (string, bool) {
	if !strings.HasPrefix(device, "/dev/") {
		return "", false
	}
	if target := h.Readlink(device); target != "" {
		device = target
	}
	name := path.Base(device)
	return name, h.Exists("/sys/class/block/" + name)
}

// cryptBelow looks for a LUKS or plain dm-crypt mapping in the device or what
// it is made of (LVM on LUKS, RAID).
func (h *Host) cryptBelow(name string, depth int) bool {
	dir := "/sys/class/block/" + name
	uuid, err := h.Read(dir + "/dm/uuid")
	if err == nil && strings.HasPrefix(string(uuid), "CRYPT-") {
		return true
	}
	slaves, err := h.List(dir + "/slaves")
	if err != nil || depth > 8 {
		return false
	}
	for _, slave := range slaves {
		if h.cryptBelow(slave, depth+1) {
			return true
		}
	}
	return false
}
