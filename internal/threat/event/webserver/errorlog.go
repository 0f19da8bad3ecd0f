package webserver

import (
	"bytes"
	"time"

	"github.com/rampart-sec/rampart/internal/threat/event"
)

// apacheError reads "[Sun Dec 04 04:47:44.123456 2005] [core:error] [pid 1:tid 2] [client 1.2.3.4:5] text".
func apacheError(b []byte, r *event.Record) error {
	stamp, rest, ok := cutAt(b[1:], ']')
	t, timed := parseCTime(stamp)
	if !ok || !timed {
		return errUnknown
	}
	r.Kind = kindApacheError
	r.SetTime(t)
	for first := true; ; first = false {
		rest = bytes.TrimLeft(rest, " ")
		if len(rest) == 0 || rest[0] != '[' {
			break
		}
		var part []byte
		if part, rest, ok = cutAt(rest[1:], ']'); !ok {
			break
		}
		switch {
		case first:
			add(r, fLevel, part[bytes.LastIndexByte(part, ':')+1:])
		case bytes.HasPrefix(part, []byte("client ")):
			addClient(r, part[len("client "):])
		}
	}
	add(r, fMessage, rest)
	return nil
}

// addClient adds an address, whose port is cut off.
func addClient(r *event.Record, b []byte) {
	if i := bytes.LastIndexByte(b, ':'); i >= 0 && bytes.IndexByte(b, '.') >= 0 {
		b = b[:i]
	}
	add(r, fClient, b)
}

// parseCTime reads "Sun Dec 04 04:47:44 2005", also with a fraction.
func parseCTime(b []byte) (time.Time, bool) {
	if len(b) < 24 || b[3] != ' ' || b[7] != ' ' || b[10] != ' ' {
		return time.Time{}, false
	}
	m := bytes.Index([]byte(months), b[4:7])
	if m < 0 || m%3 != 0 {
		return time.Time{}, false
	}
	clock, year, _ := cutAt(b[11:], ' ')
	if len(year) != 4 || len(clock) > 20 {
		return time.Time{}, false
	}
	day := bytes.TrimLeft(b[8:10], " ")
	var buf [40]byte
	text := append(append(buf[:0], year...), '-', byte('0'+(m/3+1)/10), byte('0'+(m/3+1)%10), '-')
	if len(day) == 1 {
		text = append(text, '0')
	}
	text = append(append(text, day...), 'T')
	return event.ParseTime(append(text, clock...))
}

// nginxError reads "2023/01/02 03:04:05 [error] 1#2: *3 text, client: 1.2.3.4,
// server: x, request: "GET / HTTP/1.1", host: "x"".
func nginxError(b []byte, r *event.Record) error {
	var buf [19]byte
	stamp := append(buf[:0], b[:19]...)
	stamp[4], stamp[7] = '-', '-'
	t, ok := event.ParseTime(stamp)
	level, rest, bracket := cutAt(bytes.TrimPrefix(b[19:], []byte(" [")), ']')
	if !ok || !bracket {
		return errUnknown
	}
	r.Kind = kindNginxError
	r.SetTime(t)
	add(r, fLevel, level)
	rest = bytes.TrimLeft(rest, " ")
	add(r, fMessage, rest)
	if i := bytes.Index(rest, []byte(", client: ")); i >= 0 {
		word, _, _ := cutAt(rest[i+len(", client: "):], ',')
		add(r, fClient, word)
	}
	if i := bytes.Index(rest, []byte(`, request: "`)); i >= 0 {
		request, _ := quoted(rest[i+len(`, request: `):])
		addRequest(r, request)
	}
	if i := bytes.LastIndex(rest, []byte(`, host: "`)); i >= 0 {
		host, _ := quoted(rest[i+len(`, host: `):])
		add(r, fHost, host)
	}
	return nil
}
