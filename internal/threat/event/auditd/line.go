package auditd

import (
	"bytes"
	"errors"
	"time"
)

// id is what the lines of one event have in common, as it is written in them:
// seconds.milliseconds:serial, and the node if the line names one.
type id struct {
	seconds int64
	millis  int32
	serial  uint64
	node    uint64 // hash of the name
}

func (i id) time() time.Time {
	return time.Unix(i.seconds, int64(i.millis)*1e6).UTC()
}

// line is one line of the log.
type line struct {
	id   id
	kind []byte // SYSCALL, EXECVE, ...; a number in logs that came by syslog
	node []byte
	body []byte // what follows the id
}

var (
	errNoType = errors.New("it is no line of an audit log: type= is missing")
	errNoID   = errors.New("it is no line of an audit log: audit(seconds.milliseconds:serial): is missing or broken")
)

var (
	typeMark  = []byte("type=")
	auditMark = []byte("audit(")
	nodeMark  = []byte("node=")
)

// parseLine takes a line apart. Whatever stands before type= may be a node or a
// syslog header.
func parseLine(b []byte) (line, error) {
	var l line
	at := 0
	if !bytes.HasPrefix(b, typeMark) {
		if at = bytes.Index(b, typeMark); at < 0 {
			return l, errNoType
		}
		if n := bytes.Index(b[:at], nodeMark); n >= 0 {
			l.node = word(b[n+len(nodeMark) : at])
			l.id.node = hash(l.node)
		}
	}
	b = b[at+len(typeMark):]
	l.kind = word(b)
	at = bytes.Index(b, auditMark)
	if at < 0 || len(l.kind) == 0 {
		return l, errNoID
	}
	b = b[at+len(auditMark):]
	end := bytes.IndexByte(b, ')')
	if end < 0 || !l.id.parse(b[:end]) {
		return l, errNoID
	}
	l.body = bytes.TrimPrefix(b[end+1:], []byte(":"))
	return l, nil
}

func word(b []byte) []byte {
	if i := bytes.IndexByte(b, ' '); i >= 0 {
		return b[:i]
	}
	return b
}

// numbers are the types of lines that reach syslog as numbers (linux/audit.h).
var numbers = map[string][]byte{
	"1300": []byte("SYSCALL"), "1302": []byte("PATH"), "1305": []byte("CONFIG_CHANGE"), "1306": []byte("SOCKADDR"), "1307": []byte("CWD"), "1309": []byte("EXECVE"),
	"1320": []byte("EOE"), "1325": []byte("NETFILTER_CFG"), "1326": []byte("SECCOMP"), "1327": []byte("PROCTITLE"), "1330": []byte("KERN_MODULE"), "1400": []byte("AVC"),
	"1006": []byte("LOGIN"), "1130": []byte("SERVICE_START"), "1131": []byte("SERVICE_STOP"), "1100": []byte("USER_AUTH"), "1112": []byte("USER_LOGIN"), "1123": []byte("USER_CMD"), "1334": []byte("BPF"),
}

// named is the name of a type.
func named(kind []byte) []byte {
	if len(kind) == 4 && kind[0] == '1' {
		if name := numbers[string(kind)]; name != nil {
			return name
		}
	}
	return kind
}

// hash is FNV-1a.
func hash(b []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, c := range b {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return h
}

// parse reads seconds.milliseconds:serial.
func (i *id) parse(b []byte) bool {
	dot, colon := bytes.IndexByte(b, '.'), bytes.IndexByte(b, ':')
	if dot < 1 || colon != dot+4 {
		return false
	}
	seconds, ok1 := decimal(b[:dot])
	millis, ok2 := decimal(b[dot+1 : colon])
	serial, ok3 := decimal(b[colon+1:])
	i.seconds, i.millis, i.serial = int64(seconds), int32(millis), serial
	return ok1 && ok2 && ok3 && seconds < 1<<40
}

func decimal(b []byte) (uint64, bool) {
	if len(b) == 0 || len(b) > 19 {
		return 0, false
	}
	var n uint64
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, true
}

// enrichment parts what the kernel wrote from what auditd added.
const enrichment = 0x1d

// eachField calls fn with each name=value of a body; quoted says that the value
// was in quotes, enriched that auditd added it. The part msg='...' of lines of
// user space is looked into.
func eachField(b []byte, fn func(name, value []byte, quoted, enriched bool)) {
	enriched := false
	for len(b) > 0 {
		switch b[0] {
		case enrichment:
			enriched = true
			b = b[1:]
			continue
		case ' ', ',', '\'':
			b = b[1:]
			continue
		}
		eq := bytes.IndexByte(b, '=')
		if eq < 0 {
			return
		}
		name := b[:eq]
		if i := bytes.LastIndexByte(name, ' '); i >= 0 {
			name = name[i+1:]
		}
		b = b[eq+1:]
		if string(name) == "msg" && len(b) > 0 && b[0] == '\'' {
			b = b[1:]
			continue
		}
		value, rest, quoted := takeValue(b)
		fn(name, value, quoted, enriched)
		b = rest
	}
}

// takeValue reads a value up to its end.
func takeValue(b []byte) (value, rest []byte, quoted bool) {
	if len(b) > 0 && (b[0] == '"' || b[0] == '{') {
		mark := b[0]
		if mark == '{' {
			mark = '}'
		}
		if end := bytes.IndexByte(b[1:], mark); end >= 0 {
			return b[1 : 1+end], b[end+2:], true
		}
	}
	for i, c := range b {
		if c == ' ' || c == enrichment || c == '\'' {
			return b[:i], b[i:], false
		}
	}
	return b, nil, false
}

// appendUnhex appends what hexadecimal digits mean; false if they are none.
func appendUnhex(dst, b []byte) ([]byte, bool) {
	if len(b) == 0 || len(b)%2 != 0 {
		return dst, false
	}
	start := len(dst)
	for i := 0; i < len(b); i += 2 {
		hi, lo := nibble(b[i]), nibble(b[i+1])
		if hi > 15 || lo > 15 {
			return dst[:start], false
		}
		dst = append(dst, hi<<4|lo)
	}
	return dst, true
}

func nibble(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	}
	return 0xff
}

// atoi reads a small number, -1 if it is none.
func atoi(b []byte) int {
	n, ok := decimal(b)
	if !ok || n > 1<<31 {
		return -1
	}
	return int(n)
}
