package sca

import (
	"bytes"
	"fmt"
	"io/fs"
	"strings"

	"github.com/rampart-sec/rampart/internal/agent/host"
)

// native answers the commands that most policies are made of without starting
// a program, as the program would print it. ok is false if it cannot.
func (c *commands) native(argv []string) (data []byte, ok bool) {
	switch {
	case argv[0] == "sysctl" && len(argv) == 2 && !strings.ContainsAny(argv[1], "=-*"):
		return c.sysctl(argv[1])
	case argv[0] == "lsmod" && len(argv) == 1:
		return c.lsmod()
	case argv[0] == "stat" && len(argv) == 2 && strings.HasPrefix(argv[1], "/"):
		return c.stat(argv[1])
	case len(argv) == 3 && argv[1] == "-s" && (argv[0] == "dpkg" || argv[0] == "dpkg-query"):
		return c.dpkgStatus(argv[2])
	}
	return nil, false
}

func (c *commands) sysctl(key string) ([]byte, bool) {
	s, err := c.h.Sysctl(key)
	if host.Absent(err) {
		return fmt.Appendf(nil, "sysctl: cannot stat /proc/sys/%s: No such file or directory\n", strings.ReplaceAll(key, ".", "/")), true
	}
	return fmt.Appendf(nil, "%s = %s\n", key, s.Value), err == nil
}

func (c *commands) lsmod() ([]byte, bool) {
	data, err := c.h.Read("/proc/modules")
	if err != nil {
		return nil, false
	}
	var b bytes.Buffer
	b.WriteString("Module                  Size  Used by\n")
	for _, line := range host.Lines(data) {
		if f := strings.Fields(line); len(f) >= 4 {
			fmt.Fprintf(&b, "%-19s %8s  %s %s\n", f[0], f[1], f[2], strings.TrimSuffix(strings.TrimPrefix(f[3], "-"), ","))
		}
	}
	return b.Bytes(), true
}

// stat prints the lines of stat that policies read.
func (c *commands) stat(name string) ([]byte, bool) {
	info, err := c.h.Stat(name)
	if host.Absent(err) {
		return fmt.Appendf(nil, "stat: cannot statx '%s': No such file or directory\n", name), true
	}
	if err != nil || c.h.Readlink(name) != "" { // stat looks at the link itself
		return nil, false
	}
	return fmt.Appendf(nil, "  File: %s\nAccess: (%04o/%s)  Uid: (%5d/%8s)   Gid: (%5d/%8s)\n",
		name, info.Bits(), modeText(info), info.UID, c.h.UserName(info.UID), info.GID, c.h.GroupName(info.GID)), true
}

// modeText writes a mode as ls does.
func modeText(info host.Info) string {
	b := []byte("----------")
	switch {
	case info.Mode.IsDir():
		b[0] = 'd'
	case info.Mode&fs.ModeCharDevice != 0:
		b[0] = 'c'
	case info.Mode&fs.ModeDevice != 0:
		b[0] = 'b'
	case info.Mode&fs.ModeNamedPipe != 0:
		b[0] = 'p'
	case info.Mode&fs.ModeSocket != 0:
		b[0] = 's'
	}
	bits := info.Bits()
	for i := range 9 {
		if bits&(1<<(8-i)) != 0 {
			b[1+i] = "rwx"[i%3]
		}
	}
	for _, s := range []struct {
		bit, at uint32
		set     byte
	}{{0o4000, 3, 's'}, {0o2000, 6, 's'}, {0o1000, 9, 't'}} {
		if bits&s.bit == 0 {
			continue
		}
		if b[s.at] == '-' {
			b[s.at] = s.set - 'a' + 'A'
		} else {
			b[s.at] = s.set
		}
	}
	return string(b)
}

// dpkgStatus prints the status of a package as "dpkg -s" does.
func (c *commands) dpkgStatus(name string) ([]byte, bool) {
	data, err := c.h.Read("/var/lib/dpkg/status")
	if err != nil {
		return nil, false
	}
	plain, _, _ := strings.Cut(name, ":")
	head := []byte("Package: " + plain + "\n")
	at := 0
	if !bytes.HasPrefix(data, head) {
		if at = bytes.Index(data, append([]byte("\n\n"), head...)); at >= 0 {
			at += 2
		}
	}
	if at < 0 {
		return fmt.Appendf(nil, "dpkg-query: package '%s' is not installed and no information is available\nUse dpkg --info (= dpkg-deb --info) to examine archive files.\n", name), true
	}
	stanza, _, _ := bytes.Cut(data[at:], []byte("\n\n"))
	return append(bytes.Clone(stanza), '\n'), true
}
