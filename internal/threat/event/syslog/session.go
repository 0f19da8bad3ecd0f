package syslog

import "bytes"

// pam reads what pam_unix and its kin write, behind "pam_unix(service:type): ".
func (m *message) pam(b []byte) {
	switch {
	case bytes.HasPrefix(b, []byte("session opened for user ")):
		m.did(aOpened, success)
		m.sessionUser(b[len("session opened for user "):])
	case bytes.HasPrefix(b, []byte("session closed for user ")):
		m.did(aClosed, nil)
		m.sessionUser(b[len("session closed for user "):])
	case bytes.HasPrefix(b, []byte("authentication failure;")):
		m.did(aLogin, failure)
		m.pamPairs(b)
	case bytes.HasPrefix(b, []byte("password changed for ")):
		m.did(aPassword, success)
		m.add(fTarget, b[len("password changed for "):])
	case bytes.HasPrefix(b, []byte("check pass; user unknown")):
		m.did(aInvalid, failure)
	}
}

// sessionUser reads "root(uid=0) by bob(uid=1000)".
func (m *message) sessionUser(b []byte) {
	user, rest := cut(b)
	if i := bytes.IndexByte(user, '('); i >= 0 {
		user = user[:i]
	}
	by := between(rest, "by ", "(")
	if len(by) == 0 || string(by) == string(user) {
		m.add(fUser, user)
		return
	}
	m.add(fUser, by)
	m.add(fTarget, user)
}

// pamPairs reads "logname= uid=0 euid=0 tty=ssh ruser= rhost=1.2.3.4  user=root";
// the name comes last and may hold spaces.
func (m *message) pamPairs(b []byte) {
	if i := bytes.Index(b, []byte(" user=")); i >= 0 {
		m.add(fUser, bytes.TrimSpace(b[i+len(" user="):]))
		b = b[:i]
	}
	m.add(fTTY, word(between(b, " tty=", "")))
	m.address(word(between(b, " rhost=", "")))
}

// sudo reads "bob : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/bin/ls -l", where a
// reason may stand before TTY.
func (m *message) sudo(b []byte) {
	i := bytes.Index(b, []byte(" : "))
	if i < 0 {
		return
	}
	outcome := success
	pairs := b[i+3:]
	if !bytes.HasPrefix(pairs, []byte("TTY=")) && !bytes.HasPrefix(pairs, []byte("PWD=")) && !bytes.HasPrefix(pairs, []byte("HOST=")) {
		outcome = failure // incorrect password attempts, NOT in sudoers, command not allowed
	}
	m.did(aSudo, outcome)
	m.add(fUser, bytes.TrimSpace(b[:i]))
	if c := bytes.Index(pairs, []byte("COMMAND=")); c >= 0 {
		m.add(fCommand, pairs[c+len("COMMAND="):])
		pairs = pairs[:c]
	}
	m.add(fTTY, word(between(pairs, "TTY=", "")))
	m.add(fPWD, between(pairs, "PWD=", " ;"))
	m.add(fTarget, word(between(pairs, "USER=", "")))
}

// su reads the three shapes that su has had.
func (m *message) su(b []byte) {
	outcome := success
	if rest, ok := after(b, "FAILED SU "); ok {
		outcome, b = failure, rest
	} else if rest, ok := after(b, "FAILED su "); ok {
		outcome, b = failure, rest
	}
	b, _ = after(b, "Successful su ")
	if rest, ok := after(b, "(to "); ok { // (to root) bob on pts/0
		m.did(aSu, outcome)
		if i := bytes.Index(rest, []byte(") ")); i >= 0 {
			m.add(fTarget, rest[:i])
			user, tty := cut(rest[i+2:])
			m.add(fUser, user)
			m.add(fTTY, between(tty, "on ", ""))
		}
		return
	}
	if rest, ok := after(b, "for "); ok { // for root by bob
		m.did(aSu, outcome)
		user, by := cut(rest)
		m.add(fTarget, user)
		m.add(fUser, between(by, "by ", ""))
	}
}

// cron reads "(root) CMD (command)" and what crontab says.
func (m *message) cron(b []byte) {
	if len(b) == 0 || b[0] != '(' {
		return
	}
	end := bytes.Index(b, []byte(") "))
	if end < 0 {
		return
	}
	user := b[1:end]
	verb := b[end+2:]
	inner := bytes.TrimSuffix(between(verb, "(", ""), []byte{')'})
	switch {
	case bytes.HasPrefix(verb, []byte("CMD ")):
		m.did(aCronJob, nil)
		m.add(fCommand, inner)
	case bytes.HasPrefix(verb, []byte("REPLACE ")), bytes.HasPrefix(verb, []byte("DELETE ")), bytes.HasPrefix(verb, []byte("END EDIT ")):
		m.did(aCronEdit, nil)
		m.add(fTarget, inner)
	}
	m.add(fUser, user)
}

// accounts reads what the shadow tools say.
func (m *message) accounts(b []byte) {
	switch {
	case bytes.HasPrefix(b, []byte("new user: ")):
		m.did(aUserAdd, success)
		m.add(fTarget, bytes.TrimRight(word(between(b, "name=", "")), ","))
	case bytes.HasPrefix(b, []byte("new group: ")):
		m.did(aGroupAdd, success)
		m.add(fGroup, bytes.TrimRight(word(between(b, "name=", "")), ","))
	case bytes.HasPrefix(b, []byte("delete user ")):
		m.did(aUserDel, success)
		m.add(fTarget, between(b, "'", "'"))
	case bytes.HasPrefix(b, []byte("add '")):
		m.did(aMember, success)
		m.add(fTarget, between(b, "add '", "'"))
		m.add(fGroup, between(b, "group '", "'"))
	case bytes.HasPrefix(b, []byte("failed adding user ")):
		m.did(aUserAdd, failure)
		m.add(fTarget, between(b, "'", "'"))
	}
}

// login reads what login and systemd-logind say.
func (m *message) login(b []byte) {
	switch {
	case bytes.HasPrefix(b, []byte("FAILED LOGIN ")):
		m.did(aLogin, failure)
		m.add(fUser, bytes.Trim(word(between(b, " FOR ", "")), "',"))
		m.address(bytes.Trim(word(between(b, " FROM ", "")), "',"))
	case bytes.HasPrefix(b, []byte("ROOT LOGIN")):
		m.did(aLogin, success)
		m.add(fUser, []byte("root"))
		m.add(fTTY, bytes.Trim(word(between(b, " ON ", "")), "'"))
	case bytes.HasPrefix(b, []byte("LOGIN ON ")):
		m.did(aLogin, success)
		m.add(fTTY, word(between(b, "ON ", "")))
		m.add(fUser, word(between(b, " BY ", "")))
	case bytes.HasPrefix(b, []byte("New session ")):
		m.did(aOpened, success)
		m.add(fUser, bytes.TrimSuffix(word(between(b, " of user ", "")), []byte{'.'}))
	}
}
