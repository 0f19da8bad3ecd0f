package webserver

import (
	"bytes"
	"time"

	"github.com/rampart-sec/rampart/internal/threat/event"
)

// access reads a line of the common or combined format.
func access(b []byte, r *event.Record) error {
	open := bytes.IndexByte(b, '[')
	if open < 1 {
		return errUnknown
	}
	stamp, rest, ok := cutAt(b[open+1:], ']')
	t, timed := parseTime(stamp)
	if !ok || !timed || len(rest) < 3 || rest[0] != ' ' || rest[1] != '"' {
		return errUnknown
	}
	if !client(b[:open], r) {
		return errUnknown
	}
	r.Kind = kindAccess
	r.SetTime(t)
	request, rest := quoted(rest[1:])
	addRequest(r, request)
	status, rest := next(rest)
	size, rest := next(rest)
	add(r, fStatus, status)
	add(r, fBytes, size)
	if rest = bytes.TrimLeft(rest, " "); len(rest) > 0 && rest[0] == '"' {
		referer, more := quoted(rest)
		add(r, fReferer, referer)
		if more = bytes.TrimLeft(more, " "); len(more) > 0 && more[0] == '"' {
			agent, _ := quoted(more)
			addAgent(r, agent)
		}
	}
	return nil
}

// client reads "[vhost] address ident user " before the time.
func client(b []byte, r *event.Record) bool {
	first, rest := next(b)
	second, rest := next(rest)
	third, rest := next(rest)
	fourth, _ := next(rest)
	switch {
	case len(third) == 0:
		return false
	case len(fourth) > 0 && isHost(second):
		host := first
		if i := bytes.LastIndexByte(host, ':'); i >= 0 {
			host = host[:i]
		}
		add(r, fHost, host)
		add(r, fClient, second)
		add(r, fUser, fourth)
	default:
		add(r, fClient, first)
		add(r, fUser, third)
	}
	return true
}

// isHost reports whether a word is an address: identities are "-" or a name.
func isHost(b []byte) bool {
	return len(b) > 2 && bytes.ContainsAny(b, ".:") && bytes.IndexByte([]byte("0123456789abcdefABCDEF:"), b[0]) >= 0
}

func next(b []byte) (word, rest []byte) {
	b = bytes.TrimLeft(b, " ")
	if i := bytes.IndexByte(b, ' '); i >= 0 {
		return b[:i], b[i+1:]
	}
	return b, nil
}

func cutAt(b []byte, c byte) (before, after []byte, ok bool) {
	if i := bytes.IndexByte(b, c); i >= 0 {
		return b[:i], b[i+1:], true
	}
	return b, nil, false
}

// quoted reads "..." with escaped quotes inside.
func quoted(b []byte) (inner, rest []byte) {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return b[1:i], b[i+1:]
		}
	}
	return b[1:], nil
}

// addRequest reads "GET /path?query HTTP/1.1"; whatever else clients send is
// the target as a whole.
func addRequest(r *event.Record, b []byte) {
	method, rest := b, []byte(nil)
	if i := bytes.IndexByte(b, ' '); i >= 0 {
		method, rest = b[:i], b[i+1:]
	}
	if !isMethod(method) {
		addTarget(r, b)
		return
	}
	add(r, fMethod, method)
	if i := bytes.LastIndex(rest, []byte(" HTTP/")); i >= 0 {
		add(r, fVersion, rest[i+1:])
		rest = rest[:i]
	}
	addTarget(r, rest)
}

func isMethod(b []byte) bool {
	for _, c := range b {
		if c != '_' && c != '-' && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return len(b) > 0 && len(b) < 32
}

// addTarget adds a request target under all of its names.
func addTarget(r *event.Record, target []byte) {
	if len(target) == 0 {
		return
	}
	stem, query, asked := cutAt(target, '?')
	add(r, fStem, stem)
	addURI(r, target, stem, query, asked)
}

func addURI(r *event.Record, target, stem, query []byte, asked bool) {
	r.Add(fClientURI, target)
	r.Add(fURI, target)
	r.Add(fQuery, target)
	if asked && len(query) > 0 {
		r.Add(fQuery, query)
		r.Add(fURIQuery, query)
	}
	name := stem[bytes.LastIndexByte(stem, '/')+1:]
	if i := bytes.LastIndexByte(name, '.'); i >= 0 {
		add(r, fExtension, name[i+1:])
	}
}

func addAgent(r *event.Record, agent []byte) {
	add(r, fAgent, agent)
	add(r, fAgent2, agent)
}

const months = "JanFebMarAprMayJunJulAugSepOctNovDec"

// parseTime reads 10/Oct/2000:13:55:36 -0700.
func parseTime(b []byte) (time.Time, bool) {
	if len(b) < 20 || b[2] != '/' || b[6] != '/' || b[11] != ':' {
		return time.Time{}, false
	}
	m := bytes.Index([]byte(months), b[3:6])
	if m < 0 || m%3 != 0 {
		return time.Time{}, false
	}
	var buf [40]byte
	text := append(buf[:0], b[7:11]...)
	text = append(text, '-', byte('0'+(m/3+1)/10), byte('0'+(m/3+1)%10), '-')
	text = append(append(text, b[0:2]...), 'T')
	text = append(text, b[12:20]...)
	text = append(text, bytes.TrimSpace(b[20:min(len(b), 26)])...)
	return event.ParseTime(text)
}
