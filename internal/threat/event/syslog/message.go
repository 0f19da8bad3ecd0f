package syslog

import (
	"bytes"
	"net/netip"

	"github.com/rampart-sec/rampart/internal/threat/event"
)

// Fields that are taken from messages, and values of them.
var (
	fAction  = []byte("action")
	fOutcome = []byte("outcome")
	fUser    = []byte("user")
	fTarget  = []byte("target_user")
	fAddress = []byte("src_ip")
	fFrom    = []byte("src_host")
	fPort    = []byte("src_port")
	fMethod  = []byte("method")
	fCommand = []byte("command")
	fTTY     = []byte("tty")
	fPWD     = []byte("pwd")
	fGroup   = []byte("group")
	fKey     = []byte("key")
	fCount   = []byte("count")

	success = []byte("success")
	failure = []byte("failure")

	aLogin    = []byte("login")
	aOpened   = []byte("session_opened")
	aClosed   = []byte("session_closed")
	aConnect  = []byte("connect")
	aLeave    = []byte("disconnect")
	aInvalid  = []byte("invalid_user")
	aSudo     = []byte("sudo")
	aSu       = []byte("su")
	aCronJob  = []byte("cron_job")
	aCronEdit = []byte("cron_edit")
	aUserAdd  = []byte("user_added")
	aUserDel  = []byte("user_deleted")
	aGroupAdd = []byte("group_added")
	aMember   = []byte("member_added")
	aPassword = []byte("password_changed")
)

// message is one message whose fields go to a record.
type message struct {
	rec  *event.Record
	text []byte
}

func (m *message) add(name, value []byte) {
	if len(value) > 0 {
		m.rec.Add(name, value)
	}
}

// did adds an action and how it went.
func (m *message) did(action, outcome []byte) {
	m.add(fAction, action)
	m.add(fOutcome, outcome)
}

// parse takes a message apart as its program writes it.
func (m *message) parse(speaks language) {
	if speaks == unknown {
		return
	}
	if bytes.HasPrefix(m.text, []byte("pam_")) {
		if i := bytes.Index(m.text, []byte("): ")); i >= 0 {
			m.pam(m.text[i+3:])
		}
		return
	}
	switch speaks {
	case sshd:
		m.sshd(m.text)
	case sudo:
		m.sudo(m.text)
	case su:
		m.su(m.text)
	case cron:
		m.cron(m.text)
	case accounts:
		m.accounts(m.text)
	case login:
		m.login(m.text)
	}
}

// after gives what follows a prefix.
func after(b []byte, prefix string) ([]byte, bool) {
	if len(b) >= len(prefix) && string(b[:len(prefix)]) == prefix {
		return b[len(prefix):], true
	}
	return b, false
}

// between is what stands between two marks, nil if one is missing.
func between(b []byte, from, to string) []byte {
	i := bytes.Index(b, []byte(from))
	if i < 0 {
		return nil
	}
	b = b[i+len(from):]
	if to == "" {
		return b
	}
	j := bytes.Index(b, []byte(to))
	if j < 0 {
		return nil
	}
	return b[:j]
}

// word is the first word.
func word(b []byte) []byte {
	w, _ := cut(b)
	return w
}

// address adds where something came from: an address or a name.
func (m *message) address(b []byte) {
	b = bytes.TrimRight(b, ":,.")
	if len(b) == 0 || len(b) > 255 {
		return
	}
	if isAddress(b) {
		m.add(fAddress, b)
	} else {
		m.add(fFrom, b)
	}
}

func isAddress(b []byte) bool {
	if len(b) == 0 {
		return false
	}
	if c := b[0]; len(b) > 64 || !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' || c == ':') {
		return false
	}
	if bytes.IndexByte(b, ':') < 0 {
		return isIPv4(b)
	}
	_, err := netip.ParseAddr(string(b))
	return err == nil
}

// isIPv4 reports whether b is four numbers below 256.
func isIPv4(b []byte) bool {
	for part := range 4 {
		i := bytes.IndexByte(b, '.')
		if i < 0 {
			i = len(b)
		}
		n, ok := number(b[:i])
		if !ok || i > 3 || n > 255 {
			return false
		}
		if part == 3 {
			return i == len(b)
		}
		if i == len(b) {
			return false
		}
		b = b[i+1:]
	}
	return false
}

// from adds "ADDRESS port N" and gives what follows.
func (m *message) from(b []byte) []byte {
	addr, rest := cut(b)
	m.address(addr)
	if p, ok := after(rest, "port "); ok {
		port, rest := cut(p)
		if end := bytes.TrimRight(port, ":,"); len(end) > 0 {
			if _, ok := number(end); ok {
				m.add(fPort, end)
			}
		}
		return rest
	}
	return rest
}

// userFrom reads "USER from ADDRESS port N", cut at the last " from ": a name
// may hold anything.
func (m *message) userFrom(b []byte) []byte {
	if rest, ok := after(b, "invalid user "); ok {
		b = rest
	} else if rest, ok := after(b, "illegal user "); ok {
		b = rest
	}
	i := bytes.LastIndex(b, []byte(" from "))
	if i < 0 {
		return nil
	}
	m.add(fUser, bytes.TrimSpace(b[:i]))
	return m.from(b[i+len(" from "):])
}
