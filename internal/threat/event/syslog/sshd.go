package syslog

import "bytes"

// sshd reads the messages of OpenSSH's server (auth.c, sshconnect, packet.c).
func (m *message) sshd(b []byte) {
	if inner := m.repeated(b); inner != nil {
		b = inner
	}
	b, _ = after(b, "error: ")
	b, _ = after(b, "fatal: ")
	b, _ = after(b, "Disconnecting: ")
	if i := bytes.IndexByte(b, ' '); i > 0 {
		m.sshdBy(b[:i], b[i+1:], b)
	}
}

// repeated reads "message repeated 3 times: [ ...]".
func (m *message) repeated(b []byte) []byte {
	rest, ok := after(b, "message repeated ")
	if !ok {
		return nil
	}
	m.add(fCount, word(rest))
	return bytes.TrimSuffix(between(rest, "[ ", ""), []byte{']'})
}

// sshdBy reads a message by its first word.
func (m *message) sshdBy(first, rest, whole []byte) {
	switch string(first) {
	case "Accepted":
		m.authenticated(rest, success)
	case "Failed":
		m.authenticated(rest, failure)
	case "Invalid", "Illegal":
		if u, ok := after(rest, "user "); ok {
			m.did(aInvalid, failure)
			m.userFrom(u)
		}
	case "Connection":
		m.connection(rest)
	case "Disconnected":
		if b, ok := after(rest, "from "); ok {
			m.did(aLeave, nil)
			m.peer(b)
		}
	case "Received":
		if b, ok := after(rest, "disconnect from "); ok {
			m.did(aLeave, nil)
			m.from(b)
		}
	case "User":
		if bytes.Contains(rest, []byte(" not allowed because ")) {
			m.did(aLogin, failure)
			m.userFrom(rest[:bytes.LastIndex(rest, []byte(" not allowed because "))])
		}
	case "reverse":
		m.add(fFrom, word(between(rest, "getaddrinfo for ", " [")))
		m.address(between(rest, " [", "]"))
	default:
		m.sshdOther(whole)
	}
}

func (m *message) sshdOther(b []byte) {
	if u, ok := after(b, "maximum authentication attempts exceeded for "); ok {
		m.did(aLogin, failure)
		m.userFrom(u)
		return
	}
	if u, ok := after(b, "PAM: Authentication failure for "); ok {
		m.did(aLogin, failure)
		m.userFrom(u)
		return
	}
	if rest, ok := after(b, "PAM "); ok && bytes.Contains(rest, []byte(" more authentication failure")) {
		m.did(aLogin, failure)
		m.add(fCount, word(rest))
		m.pamPairs(rest)
		return
	}
	if _, ok := after(b, "Did not receive identification string from "); ok {
		m.did(aConnect, failure)
	}
	if bytes.HasPrefix(b, []byte("Bad protocol version")) || bytes.HasPrefix(b, []byte("Unable to negotiate with ")) || bytes.HasPrefix(b, []byte("banner exchange: ")) {
		m.did(aConnect, failure)
	}
	for _, mark := range []string{" from ", " with "} {
		if i := bytes.LastIndex(b, []byte(mark)); i >= 0 && len(b) > i+len(mark) && isAddress(bytes.TrimRight(word(b[i+len(mark):]), ":,")) {
			m.from(b[i+len(mark):])
			return
		}
	}
}

// authenticated reads "METHOD for USER from ADDRESS port N ssh2: KEY".
func (m *message) authenticated(b, outcome []byte) {
	method, rest := cut(b)
	rest, ok := after(rest, "for ")
	if !ok {
		return
	}
	m.did(aLogin, outcome)
	m.add(fMethod, method)
	end := m.userFrom(rest)
	if key, ok := after(end, "ssh2: "); ok {
		m.add(fKey, key)
	}
}

// connection reads "from ADDRESS port N", "closed by ..." and "reset by ...".
func (m *message) connection(b []byte) {
	if rest, ok := after(b, "from "); ok {
		m.did(aConnect, nil)
		m.from(rest)
		return
	}
	if i := bytes.Index(b, []byte(" by ")); i >= 0 {
		m.did(aLeave, nil)
		m.peer(b[i+len(" by "):])
	}
}

// peer reads "[authenticating user|invalid user|user] NAME ADDRESS port N", cut at
// the last " port ".
func (m *message) peer(b []byte) {
	for _, start := range []string{"authenticating user ", "invalid user ", "user "} {
		rest, ok := after(b, start)
		if !ok {
			continue
		}
		port := bytes.LastIndex(rest, []byte(" port "))
		if port < 0 {
			return
		}
		if i := bytes.LastIndexByte(rest[:port], ' '); i >= 0 {
			m.add(fUser, bytes.TrimSpace(rest[:i]))
			m.from(rest[i+1:])
		}
		return
	}
	m.from(b)
}
