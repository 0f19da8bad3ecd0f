package auditd

import (
	"net/netip"
	"strconv"

	"github.com/rampart-sec/rampart/internal/threat/event"
)

// The log sources of audit events.
var (
	kindPlain   = event.NewKind("linux", nil, []string{"auditd"})
	kindProcess = event.NewKind("linux", []string{"process_creation"}, []string{"auditd"})
	kindFile    = event.NewKind("linux", []string{"file_event"}, []string{"auditd"})
	kindNetwork = event.NewKind("linux", []string{"network_connection"}, []string{"auditd"})
)

// Names of the public taxonomy.
var (
	imageName       = []byte("Image")
	commandName     = []byte("CommandLine")
	directoryName   = []byte("CurrentDirectory")
	processName     = []byte("ProcessId")
	parentName      = []byte("ParentProcessId")
	parentImageName = []byte("ParentImage")
	parentLineName  = []byte("ParentCommandLine")
	userName        = []byte("User")
	targetName      = []byte("TargetFilename")
	addressName     = []byte("DestinationIp")
	portName        = []byte("DestinationPort")
	initiatedName   = []byte("Initiated")
	trueText        = []byte("true")
	rootText        = []byte("root")
)

// finish gives the record its kind and the fields of its category.
func (v *view) finish() {
	v.endLong()
	s := &v.seen
	v.rec.Kind = kindPlain
	if s.name == nil {
		if s.name = callNamed(s.arch, s.syscall); s.name != nil {
			v.rec.Add(callName, s.name)
		}
	}
	if string(s.success) == "no" {
		return
	}
	switch name := string(s.name); {
	case v.execve:
		v.process()
	case name == "connect" && s.address != nil:
		v.connection()
	case s.file != nil && fileCalls[name]:
		v.rec.Kind = kindFile
		v.rec.Add(targetName, v.absolute(s.file))
		v.actor()
	}
}

// fileCalls are the calls that make, rename or open files.
var fileCalls = map[string]bool{
	"creat": true, "open": true, "openat": true, "openat2": true, "rename": true, "renameat": true, "renameat2": true,
	"link": true, "linkat": true, "symlink": true, "symlinkat": true, "mknod": true, "mknodat": true, "mkdir": true, "mkdirat": true, "truncate": true,
}

// callNamed is the name of a call by its number.
func callNamed(arch, number []byte) []byte {
	if len(number) == 0 {
		return nil
	}
	n := atoi(number)
	if n < 0 {
		return number // some formats have the name there
	}
	switch string(arch) {
	case "c000003e", "x86_64":
		return callNames[0][n]
	case "c00000b7", "aarch64":
		return callNames[1][n]
	}
	return nil
}

var callNames = [2]map[int][]byte{bytesOf(syscallsX86), bytesOf(syscallsARM)}

func bytesOf(names map[int]string) map[int][]byte {
	out := make(map[int][]byte, len(names))
	for n, name := range names {
		out[n] = []byte(name)
	}
	return out
}

// actor adds who did it.
func (v *view) actor() {
	s := &v.seen
	v.add(imageName, s.exe)
	v.add(processName, s.pid)
	switch {
	case s.user != nil:
		v.add(userName, s.user)
	case string(s.uid) == "0":
		v.add(userName, rootText)
	default:
		v.add(userName, s.uid)
	}
}

func (v *view) add(name, value []byte) {
	if len(value) > 0 {
		v.rec.Add(name, value)
	}
}

// process adds the fields of a started process.
func (v *view) process() {
	s := &v.seen
	v.rec.Kind = kindProcess
	if s.command == nil {
		s.command = s.title
	}
	v.actor()
	v.add(commandName, s.command)
	v.add(directoryName, s.cwd)
	v.add(parentName, s.ppid)
	if parent := v.procs.find(s.ppid); parent != nil && s.parentImage == nil {
		s.parentImage, s.parentCommand = v.rec.Keep(parent.image), v.rec.Keep(parent.command)
	}
	v.add(parentImageName, s.parentImage)
	v.add(parentLineName, s.parentCommand)
	v.procs.set(s.pid, s.exe, s.command)
}

// absolute is a path from the root.
func (v *view) absolute(name []byte) []byte {
	if name[0] == '/' || len(v.seen.cwd) == 0 {
		return name
	}
	v.scratch = append(v.scratch[:0], v.seen.cwd...)
	if v.scratch[len(v.scratch)-1] != '/' {
		v.scratch = append(v.scratch, '/')
	}
	for len(name) > 2 && name[0] == '.' && name[1] == '/' {
		name = name[2:]
	}
	v.scratch = append(v.scratch, name...)
	return v.rec.Keep(v.scratch)
}

// connection adds where a connection goes: the address is a struct sockaddr.
func (v *view) connection() {
	b, ok := appendUnhex(v.scratch[:0], v.seen.address)
	v.scratch = b
	if !ok || len(b) < 8 {
		return
	}
	var ip netip.Addr
	switch family := int(b[0]) | int(b[1])<<8; {
	case family == 2:
		ip = netip.AddrFrom4([4]byte(b[4:8]))
	case family == 10 && len(b) >= 24:
		ip = netip.AddrFrom16([16]byte(b[8:24])).Unmap()
	default:
		return
	}
	v.rec.Kind = kindNetwork
	port := int64(b[2])<<8 | int64(b[3])
	v.rec.Add(addressName, v.rec.Keep(ip.AppendTo(nil)))
	v.rec.Add(portName, v.rec.Keep(strconv.AppendInt(nil, port, 10)))
	v.rec.Add(initiatedName, trueText)
	v.actor()
}
