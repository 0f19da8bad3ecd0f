package auditd

import (
	"bytes"
	"strconv"

	"github.com/rampart-sec/rampart/internal/threat/event"
)

// view turns the lines of an event into fields.
type view struct {
	schema  *event.Schema
	procs   processes
	rec     *event.Record
	scratch []byte
	seen    facts
	kind    []byte // of the line at hand
	path    path   // of the line at hand
	execve  bool   // the event has such a line
	long    []byte // an argument that is written in pieces
	longArg []byte // its name
	each    func(name, value []byte, quoted, enriched bool)
}

// facts are what rules of categories are told. All are slices of the record.
type facts struct {
	arch, syscall, name, success   []byte // of the call
	exe, pid, ppid, uid, user, cwd []byte
	command                        []byte // the arguments, joined by spaces
	title                          []byte // the same by PROCTITLE
	address                        []byte // of SOCKADDR
	file                           []byte // that was made, or opened to be written
	a1, a2                         []byte // arguments of the call
	parentImage, parentCommand     []byte
}

// path is one PATH line.
type path struct{ name, nametype []byte }

func newView(s *event.Schema) *view {
	v := &view{schema: s, procs: newProcesses()}
	v.each = v.field
	return v
}

// fill gives the record the fields of an event.
func (v *view) fill(r *event.Record, g *group) {
	v.start(r)
	r.Raw = bytes.TrimSuffix(g.raw, []byte{'\n'})
	r.SetTime(g.id.time())
	for i := range g.parts {
		if string(named(g.text(g.parts[i].kind))) == "EXECVE" {
			v.execve = true
		}
	}
	for i := range g.parts {
		p := &g.parts[i]
		if i == 0 && p.node.to > 0 {
			r.Add(nodeName, g.text(p.node))
		}
		v.line(named(g.text(p.kind)), g.text(p.body))
	}
	v.finish()
}

func (v *view) start(r *event.Record) {
	r.Reset(v.schema)
	v.rec, v.seen, v.execve, v.long, v.longArg = r, facts{}, false, v.long[:0], nil
}

var (
	nodeName = []byte("node")
	typeName = []byte("type")
	callName = []byte("SYSCALL")
)

// line adds the fields of one line.
func (v *view) line(kind, body []byte) {
	if string(kind) != "EXECVE" {
		v.endLong()
	}
	v.kind, v.path = kind, path{}
	v.rec.Add(typeName, kind)
	eachField(body, v.each)
	if string(kind) == "PATH" {
		v.file()
	}
}

// encoded are the fields whose values the kernel writes in hexadecimal if they
// have spaces, quotes or control characters (auparse's list of escaped fields).
var encoded = map[string]bool{
	"name": true, "cwd": true, "exe": true, "comm": true, "proctitle": true, "key": true, "cmd": true, "data": true, "acct": true,
	"file": true, "path": true, "watch": true, "dir": true, "device": true, "old-disk": true, "new-disk": true, "sw": true, "vm": true, "root_dir": true,
	"old": true, "new": true, "ocomm": true, "grp": true, "invalid_context": true,
}

// field adds one field of a line.
func (v *view) field(name, value []byte, quoted, enriched bool) {
	if string(value) == "(null)" && !quoted {
		return
	}
	if enriched {
		v.enriched(name, value)
		return
	}
	argument := isArgument(name)
	if argument && v.execve && string(v.kind) == "SYSCALL" {
		return // addresses; EXECVE has what they point to
	}
	if string(v.kind) == "EXECVE" && v.argument(name, value, quoted) {
		return
	}
	if !quoted && encoded[string(name)] {
		value = v.unhex(value)
	}
	if string(name) == "key" && bytes.IndexByte(value, 1) >= 0 {
		for _, key := range bytes.Split(value, []byte{1}) {
			v.rec.Add(name, key)
		}
		return
	}
	value = v.note(name, value)
	v.rec.Add(name, value)
}

// enriched adds what auditd resolved: names in upper case.
func (v *view) enriched(name, value []byte) {
	switch string(name) {
	case "SYSCALL":
		v.seen.name = value
	case "UID":
		v.seen.user = value
	case "SADDR":
		return // the raw form has the same
	}
	v.rec.Add(name, value)
}

func isArgument(name []byte) bool {
	return len(name) >= 2 && name[0] == 'a' && name[1] >= '0' && name[1] <= '9'
}

// unhex is a value without its encoding, if it has one.
func (v *view) unhex(value []byte) []byte {
	out, ok := appendUnhex(v.scratch[:0], value)
	v.scratch = out
	if !ok {
		return value
	}
	return v.rec.Keep(out)
}

// note keeps what the views of categories need; it gives the value as rules
// should see it.
func (v *view) note(name, value []byte) []byte {
	s := &v.seen
	switch string(name) {
	case "arch":
		s.arch = value
	case "syscall":
		s.syscall = value
	case "success":
		s.success = value
	case "exe":
		s.exe = value
	case "pid":
		s.pid = value
	case "ppid":
		s.ppid = value
	case "uid":
		s.uid = value
	case "cwd":
		s.cwd = value
	case "a1":
		s.a1 = value
	case "a2":
		s.a2 = value
	case "saddr":
		s.address = value
	case "proctitle":
		value = v.spaced(value)
		s.title = value
	case "name":
		v.path.name = value
	case "nametype":
		v.path.nametype = value
	}
	return value
}

// spaced is a list of arguments that zeros part, with spaces instead.
func (v *view) spaced(b []byte) []byte {
	b = bytes.TrimRight(b, "\x00")
	if bytes.IndexByte(b, 0) < 0 {
		return b
	}
	b = v.rec.Keep(b)
	for i, c := range b {
		if c == 0 {
			b[i] = ' '
		}
	}
	return b
}

// argument takes an argument of EXECVE; false if the field is none. Long ones are
// written in pieces: a1_len=20000 a1[0]=... a1[1]=...
func (v *view) argument(name, value []byte, quoted bool) bool {
	if !isArgument(name) {
		return false
	}
	if bytes.HasSuffix(name, []byte("_len")) {
		return true
	}
	piece := bytes.IndexByte(name, '[')
	if piece < 0 {
		v.endLong()
	}
	if !quoted {
		value = v.unhex(value)
	}
	if piece >= 0 {
		if string(name[:piece]) != string(v.longArg) {
			v.endLong()
			v.longArg = name[:piece]
		}
		v.long = append(v.long, value...)
		return true
	}
	v.addArgument(name, value)
	return true
}

func (v *view) endLong() {
	if v.longArg != nil {
		v.addArgument(v.longArg, v.rec.Keep(v.long))
	}
	v.longArg, v.long = nil, v.long[:0]
}

func (v *view) addArgument(name, value []byte) {
	v.rec.Add(name, value)
	s := &v.seen
	if s.command == nil {
		s.command = value
		return
	}
	v.scratch = append(append(append(v.scratch[:0], s.command...), ' '), value...)
	s.command = v.rec.Keep(v.scratch)
}

// file notes the file of a PATH line that came to be or is written anew.
func (v *view) file() {
	if len(v.path.name) == 0 {
		return
	}
	if t := string(v.path.nametype); t == "CREATE" || t == "NORMAL" && v.seen.file == nil && v.seen.writes() {
		v.seen.file = v.path.name
	}
}

// writes reports whether a call opens a file to make it or to empty it.
func (s *facts) writes() bool {
	name := s.name
	if name == nil {
		name = callNamed(s.arch, s.syscall)
	}
	switch string(name) {
	case "open":
		return opensToWrite(s.a1)
	case "openat":
		return opensToWrite(s.a2)
	}
	return string(name) == "creat"
}

// opensToWrite looks at the flags of open for O_CREAT and O_TRUNC.
func opensToWrite(flags []byte) bool {
	n, err := strconv.ParseUint(string(flags), 16, 64)
	return err == nil && n&(0o100|0o1000) != 0
}
