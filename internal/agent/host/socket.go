package host

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Socket is a listening socket.
type Socket struct {
	Protocol string     `json:"protocol"` // tcp or udp
	Address  netip.Addr `json:"address"`
	Port     int        `json:"port"`
	User     string     `json:"user,omitempty"`
	Process  string     `json:"process,omitempty"` // "" if it may not be read

	uid   int
	inode string
}

// Loopback reports whether only this host can reach the socket.
func (s Socket) Loopback() bool { return s.Address.Unmap().IsLoopback() }

// States of /proc/net/tcp and udp: listening, and not connected.
const (
	tcpListen       = "0A"
	udpNotConnected = "07"
)

// ParseSockets reads /proc/net/{tcp,tcp6,udp,udp6} and returns the sockets that
// wait for somebody. Addresses are in the byte order of the host, which is
// little-endian on every platform that this is built for.
func ParseSockets(protocol string, data []byte) []Socket {
	wanted := tcpListen
	if protocol == "udp" {
		wanted = udpNotConnected
	}
	var sockets []Socket
	for n, line := range Lines(data) {
		f := strings.Fields(line)
		if n == 1 || len(f) < 10 || f[3] != wanted {
			continue
		}
		address, port, ok := parseEndpoint(f[1])
		uid, err := strconv.Atoi(f[7])
		if !ok || err != nil {
			continue
		}
		sockets = append(sockets, Socket{Protocol: protocol, Address: address, Port: port, uid: uid, inode: f[9]})
	}
	return sockets
}

func parseEndpoint(s string) (netip.Addr, int, bool) {
	host, p, _ := strings.Cut(s, ":")
	port, err := strconv.ParseUint(p, 16, 16)
	raw, errHex := hex.DecodeString(host)
	if err != nil || errHex != nil || len(raw)%4 != 0 {
		return netip.Addr{}, 0, false
	}
	for i := 0; i < len(raw); i += 4 {
		binary.BigEndian.PutUint32(raw[i:], binary.LittleEndian.Uint32(raw[i:]))
	}
	address, ok := netip.AddrFromSlice(raw)
	return address, int(port), ok
}

// Listeners are the listening sockets, sorted. UDP ports that the kernel hands
// out to clients are left out: they come and go with every lookup.
func (h *Host) Listeners() ([]Socket, error) {
	return memo(h, "listeners", func() ([]Socket, error) {
		var all []Socket
		found := false
		ephemeral := h.firstEphemeralPort()
		for _, name := range []string{"tcp", "tcp6", "udp", "udp6"} {
			data, err := h.Read("/proc/net/" + name)
			if Absent(err) {
				continue
			}
			if err != nil {
				return nil, err
			}
			found = true
			protocol := strings.TrimSuffix(name, "6")
			for _, s := range ParseSockets(protocol, data) {
				if protocol == "tcp" || s.Port < ephemeral {
					all = append(all, s)
				}
			}
		}
		if !found {
			return nil, &Unreadable{"/proc/net/tcp", "the proc file system is not mounted here"}
		}
		h.nameSockets(all)
		slices.SortFunc(all, compareSockets)
		return slices.CompactFunc(all, func(a, b Socket) bool { return compareSockets(a, b) == 0 }), nil
	})
}

func (h *Host) firstEphemeralPort() int {
	s, err := h.Sysctl("net.ipv4.ip_local_port_range")
	if err == nil {
		first, _, _ := strings.Cut(s.Value, " ")
		if n, err := strconv.Atoi(first); err == nil {
			return n
		}
	}
	return 32768 // the kernel's default
}

func compareSockets(a, b Socket) int {
	if c := strings.Compare(a.Protocol, b.Protocol); c != 0 {
		return c
	}
	if a.Port != b.Port {
		return a.Port - b.Port
	}
	if c := a.Address.Compare(b.Address); c != 0 {
		return c
	}
	return strings.Compare(a.Process, b.Process)
}

// nameSockets fills in user and, where it may be read, process.
func (h *Host) nameSockets(sockets []Socket) {
	owners := map[string]string{}
	for _, s := range sockets {
		owners["socket:["+s.inode+"]"] = ""
	}
	for _, p := range h.Processes() {
		dir := "/proc/" + p.PID + "/fd"
		fds, err := h.List(dir)
		if err != nil {
			continue // another user's process: named by its socket's user only
		}
		for _, fd := range fds {
			link := h.Readlink(dir + "/" + fd)
			if owner, wanted := owners[link]; wanted && owner == "" {
				owners[link] = p.Name
			}
		}
	}
	for i := range sockets {
		sockets[i].User = h.UserName(sockets[i].uid)
		sockets[i].Process = owners["socket:["+sockets[i].inode+"]"]
	}
}
