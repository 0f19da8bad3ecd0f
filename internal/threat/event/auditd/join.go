package auditd

// Bounds of joining.
const (
	maxOpen   = 64      // events at a time
	maxEvent  = 2 << 20 // bytes of one event
	maxLines  = 4_096   // of one event
	lateAfter = 2       // seconds after which an event gets no more lines
	keepBytes = 64 << 10
)

// group is the lines of one event.
type group struct {
	id    id
	raw   []byte // the lines, each with its \n
	parts []part
	at    int64  // where its first line starts in the stream
	drop  string // why it cannot be used
}

// part is one line of an event, as places in raw.
type part struct{ kind, node, body span }

type span struct{ from, to int }

func (g *group) reset(i id, at int64) {
	if cap(g.raw) > keepBytes {
		g.raw = nil
	}
	g.id, g.at, g.raw, g.parts, g.drop = i, at, g.raw[:0], g.parts[:0], ""
}

// add copies a line.
func (g *group) add(whole []byte, l *line) {
	switch {
	case g.drop != "":
		return
	case len(g.raw)+len(whole) > maxEvent:
		g.drop = "its event has too many bytes"
		return
	case len(g.parts) >= maxLines:
		g.drop = "its event has too many lines"
		return
	}
	base := len(g.raw)
	g.raw = append(append(g.raw, whole...), '\n')
	place := func(b []byte) span { // all are slices of whole, up to its capacity
		if len(b) == 0 {
			return span{}
		}
		from := base + cap(whole) - cap(b)
		return span{from, from + len(b)}
	}
	g.parts = append(g.parts, part{kind: place(l.kind), node: place(l.node), body: place(l.body)})
}

func (g *group) text(s span) []byte { return g.raw[s.from:s.to] }

// joiner holds the events that may get more lines.
type joiner struct {
	open  []*group // oldest first
	ready []*group // ended, in order
	free  []*group
}

// add takes a line; at is where it starts in the stream.
func (j *joiner) add(whole []byte, l *line, at int64) {
	for len(j.open) > 0 && j.open[0].id.seconds+lateAfter < l.id.seconds {
		j.end(0)
	}
	kind := string(named(l.kind))
	i := j.find(l.id)
	if kind == "EOE" {
		if i >= 0 {
			j.end(i)
		}
		return
	}
	if i < 0 {
		if len(j.open) >= maxOpen {
			j.end(0)
		}
		j.open = append(j.open, j.fresh(l.id, at))
		i = len(j.open) - 1
	}
	j.open[i].add(whole, l)
	if kind == "PROCTITLE" || !kernelTypes[kind] {
		j.end(i)
	}
}

// find looks for an open event, the youngest first.
func (j *joiner) find(i id) int {
	for n := len(j.open) - 1; n >= 0; n-- {
		if j.open[n].id == i {
			return n
		}
	}
	return -1
}

func (j *joiner) fresh(i id, at int64) *group {
	var g *group
	if n := len(j.free); n > 0 {
		g, j.free = j.free[n-1], j.free[:n-1]
	} else {
		g = &group{}
	}
	g.reset(i, at)
	return g
}

func (j *joiner) end(i int) {
	j.ready = append(j.ready, j.open[i])
	j.open = append(j.open[:i], j.open[i+1:]...)
}

// flush ends all events.
func (j *joiner) flush() {
	for len(j.open) > 0 {
		j.end(0)
	}
}

// take gives the next event that has ended, nil if none has.
func (j *joiner) take() *group {
	if len(j.ready) == 0 {
		return nil
	}
	g := j.ready[0]
	j.ready = append(j.ready[:0], j.ready[1:]...)
	return g
}

// release lets the memory of an event be used again.
func (j *joiner) release(g *group) {
	if g != nil {
		j.free = append(j.free, g)
	}
}

// kernelTypes are the types of lines that the kernel writes as parts of an event;
// lines of other types are events of their own.
var kernelTypes = map[string]bool{
	"SYSCALL": true, "EXECVE": true, "CWD": true, "PATH": true, "SOCKADDR": true, "SOCKETCALL": true, "IPC": true, "IPC_SET_PERM": true,
	"MQ_OPEN": true, "MQ_SENDRECV": true, "MQ_NOTIFY": true, "MQ_GETSETATTR": true, "FD_PAIR": true, "OBJ_PID": true, "BPRM_FCAPS": true,
	"CAPSET": true, "MMAP": true, "NETFILTER_CFG": true, "KERN_MODULE": true, "CONFIG_CHANGE": true, "AVC": true, "SELINUX_ERR": true,
	"AVC_PATH": true, "MAC_POLICY_LOAD": true, "MAC_STATUS": true, "INTEGRITY_DATA": true, "INTEGRITY_PCR": true, "FANOTIFY": true,
	"TIME_INJOFFSET": true, "TIME_ADJNTPVAL": true, "BPF": true, "OPENAT2": true, "URINGOP": true, "TTY": true,
	"LOGIN": true, "PROCTITLE": true, "EOE": true,
}
