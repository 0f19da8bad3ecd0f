package host

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Machine is what identifies and sizes the host.
type Machine struct {
	Hostname string
	FQDN     string
	// ID is a GUID derived from the machine id, which itself stays here; "" if
	// the host has none.
	ID       string
	Kernel   string
	Arch     string
	CPUs     int
	CPUModel string
	MemoryMB int
	// Boot is when the host started, to the minute; zero if it is not known.
	Boot      time.Time
	Vendor    string // of the firmware: the hypervisor or maker
	Model     string
	Container string // kind of container, "" for none
	Systemd   bool
}

// Machine reads the host's identity and size; what it cannot read stays zero.
func (h *Host) Machine() Machine {
	m := Machine{
		Hostname: h.line("/proc/sys/kernel/hostname", "/etc/hostname"),
		Kernel:   h.line("/proc/sys/kernel/osrelease"),
		Arch:     h.line("/proc/sys/kernel/arch"),
		Vendor:   h.line("/sys/class/dmi/id/sys_vendor"),
		Model:    h.line("/sys/class/dmi/id/product_name"),
		ID:       h.machineGUID(),
		Boot:     h.bootTime(), Container: h.Container(), Systemd: h.SystemdRuns(),
	}
	m.FQDN = h.fqdn(m.Hostname)
	if data, err := h.Read("/proc/meminfo"); err == nil {
		m.MemoryMB = ParseMemTotal(data)
	}
	if data, err := h.Read("/proc/cpuinfo"); err == nil {
		m.CPUs, m.CPUModel = ParseCPUInfo(data)
	}
	return m
}

// line is the first line of the first file that can be read.
func (h *Host) line(names ...string) string {
	for _, name := range names {
		data, err := h.Read(name)
		if err != nil {
			continue
		}
		for _, line := range Settings(data, "#") {
			return line
		}
	}
	return ""
}

// machineGUID derives a GUID from the machine id with a key of our own, as
// machine-id(5) asks for: the id itself is confidential.
func (h *Host) machineGUID() string {
	id := h.line("/etc/machine-id", "/var/lib/dbus/machine-id")
	if id == "" {
		return ""
	}
	mac := hmac.New(sha256.New, []byte("rampart machine identity"))
	mac.Write([]byte(id))
	sum := mac.Sum(nil)
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80 // version 8: free form
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// fqdn finds the host's full name in /etc/hosts; no name server is asked.
func (h *Host) fqdn(hostname string) string {
	data, err := h.Read("/etc/hosts")
	if err != nil {
		return hostname
	}
	for _, line := range Settings(data, "#") {
		for _, name := range strings.Fields(line) {
			if strings.HasPrefix(name, hostname+".") {
				return name
			}
		}
	}
	return hostname
}

// bootTime is kept for as long as the boot id stays: the kernel computes it
// from the wall clock, so it would wander with every correction.
func (h *Host) bootTime() time.Time {
	t, err := memoCached(h, "boot", h.line("/proc/sys/kernel/random/boot_id"), func() (time.Time, error) {
		data, err := h.Read("/proc/stat")
		if err != nil {
			return time.Time{}, err
		}
		return ParseBootTime(data).Truncate(time.Minute), nil
	})
	if err != nil {
		return time.Time{}
	}
	return t
}

// ParseBootTime reads btime of /proc/stat; zero if there is none.
func ParseBootTime(data []byte) time.Time {
	for _, line := range Lines(data) {
		if s, ok := strings.CutPrefix(line, "btime "); ok {
			if n, err := strconv.ParseInt(s, 10, 64); err == nil {
				return time.Unix(n, 0).UTC()
			}
		}
	}
	return time.Time{}
}

// ParseMemTotal reads the total memory of /proc/meminfo in MiB.
func ParseMemTotal(data []byte) int {
	for _, line := range Lines(data) {
		if rest, ok := strings.CutPrefix(line, "MemTotal:"); ok {
			n, _ := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(rest, "kB")))
			return n / 1024
		}
	}
	return 0
}

// ParseCPUInfo counts the processors of /proc/cpuinfo and names their model.
func ParseCPUInfo(data []byte) (count int, model string) {
	for _, line := range Lines(data) {
		key, value, _ := strings.Cut(line, ":")
		switch strings.TrimSpace(key) {
		case "processor":
			count++
		case "model name", "Model":
			if model == "" {
				model = strings.TrimSpace(value)
			}
		}
	}
	return count, model
}
