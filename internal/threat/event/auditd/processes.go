package auditd

// Bounds of what is known of started processes.
const (
	knownProcesses = 4096 // a power of two
	longestCommand = 4096
)

// process is what the last start under a number was.
type process struct {
	pid            int
	image, command []byte
}

// processes remembers started processes, so that children can name them. Numbers
// that meet in one place push each other out.
type processes []process

func newProcesses() processes { return make(processes, knownProcesses) }

// find gives the process with a number, nil if none is known.
func (p processes) find(pid []byte) *process {
	n := atoi(pid)
	if n <= 0 {
		return nil
	}
	if e := &p[n%knownProcesses]; e.pid == n {
		return e
	}
	return nil
}

func (p processes) set(pid, image, command []byte) {
	n := atoi(pid)
	if n <= 0 {
		return
	}
	e := &p[n%knownProcesses]
	e.pid = n
	e.image = append(e.image[:0], image...)
	e.command = append(e.command[:0], command[:min(len(command), longestCommand)]...)
}
