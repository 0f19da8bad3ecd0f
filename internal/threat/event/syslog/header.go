package syslog

import (
	"bytes"
	"time"

	"github.com/rampart-sec/rampart/internal/threat/event"
)

// header is what stands before a message.
type header struct {
	priority int // -1 if there is none
	time     time.Time
	host     []byte
	program  []byte
	module   []byte // of old PAM: sshd(pam_unix)
	pid      []byte
	msgid    []byte
	data     []byte // structured data, in its brackets
	message  []byte
}

// parseHeader takes a line apart; now is the time of reading.
func parseHeader(line []byte, now time.Time) header {
	h := header{priority: -1}
	rest := h.parsePriority(line)
	if len(rest) > 2 && rest[0] == '1' && rest[1] == ' ' && h.priority >= 0 && h.parse5424(rest[2:]) {
		return h
	}
	h.parse3164(rest, now)
	return h
}

func (h *header) parsePriority(b []byte) []byte {
	end := bytes.IndexByte(b[:min(len(b), 5)], '>')
	if end < 2 || b[0] != '<' {
		return b
	}
	n := 0
	for _, c := range b[1:end] {
		if c < '0' || c > '9' {
			return b
		}
		n = n*10 + int(c-'0')
	}
	if n > 191 {
		return b
	}
	h.priority = n
	return b[end+1:]
}

// cut gives the first word and what follows the space behind it.
func cut(b []byte) (word, rest []byte) {
	if i := bytes.IndexByte(b, ' '); i >= 0 {
		return b[:i], b[i+1:]
	}
	return b, nil
}

// known is a word, nil for the "-" of RFC 5424.
func known(b []byte) []byte {
	if len(b) == 1 && b[0] == '-' {
		return nil
	}
	return b
}

// parse5424 reads RFC 5424 6: TIMESTAMP HOSTNAME APP-NAME PROCID MSGID SD MSG.
func (h *header) parse5424(b []byte) bool {
	stamp, b := cut(b)
	if t, ok := event.ParseTime(stamp); ok {
		h.time = t
	} else if known(stamp) != nil {
		return false
	}
	var host, program, pid, msgid []byte
	host, b = cut(b)
	program, b = cut(b)
	pid, b = cut(b)
	msgid, b = cut(b)
	h.host, h.program, h.pid, h.msgid = known(host), known(program), known(pid), known(msgid)
	if len(b) > 0 && b[0] == '-' {
		b = b[1:]
	} else {
		n := structured(b, nil)
		h.data, b = b[:n], b[n:]
	}
	h.message = bytes.TrimPrefix(bytes.TrimPrefix(b, []byte{' '}), []byte("\ufeff"))
	return true
}

// structured walks structured data (RFC 5424 6.3) at the start of b and gives
// how long it is. Values still have their escapes.
func structured(b []byte, fn func(id, name, value []byte)) int {
	i := 0
	for i < len(b) && b[i] == '[' {
		end := element(b[i:], fn)
		if end < 0 {
			return i
		}
		i += end
	}
	return i
}

// element walks one [id name="value" ...]; -1 if it has no end.
func element(b []byte, fn func(id, name, value []byte)) int {
	i := 1
	for i < len(b) && b[i] != ' ' && b[i] != ']' {
		i++
	}
	id := b[1:i]
	for i < len(b) {
		switch b[i] {
		case ']':
			return i + 1
		case ' ':
			i++
			continue
		}
		eq := bytes.Index(b[i:], []byte(`="`))
		if eq < 0 {
			return -1
		}
		name := b[i : i+eq]
		start := i + eq + 2
		for i = start; i < len(b) && b[i] != '"'; i++ {
			if b[i] == '\\' {
				i++
			}
		}
		if i >= len(b) {
			return -1
		}
		if fn != nil {
			fn(id, name, b[start:i])
		}
		i++
	}
	return -1
}

// parse3164 reads a time, a host and a tag, as far as they are there.
func (h *header) parse3164(b []byte, now time.Time) {
	b = h.stamp(b, now)
	if h.time.IsZero() && h.priority < 0 {
		h.message = b
		return
	}
	if word, rest := cut(b); len(rest) > 0 && !isTag(word) {
		h.host, b = word, rest
	}
	if !h.tag(b) {
		h.message = b
	}
}

// isTag reports whether a word is "program:" or "program[pid]:".
func isTag(word []byte) bool {
	return len(word) > 1 && word[len(word)-1] == ':' && bytes.IndexByte(word[:len(word)-1], ':') < 0
}

// stamp takes the time at the start.
func (h *header) stamp(b []byte, now time.Time) []byte {
	if len(b) >= 15 && b[3] == ' ' && b[6] == ' ' {
		if t, n := parseStamp(b, now); n > 0 {
			h.time = t
			return bytes.TrimPrefix(b[n:], []byte{' '})
		}
	}
	if word, rest := cut(b); len(word) >= 19 && word[4] == '-' {
		if t, ok := event.ParseTime(word); ok {
			h.time = t
			return rest
		}
	}
	return b
}

// tag takes "program[pid]: " at the start.
func (h *header) tag(b []byte) bool {
	colon := bytes.Index(b, []byte(": "))
	if colon < 0 {
		if !bytes.HasSuffix(b, []byte{':'}) {
			return false
		}
		colon = len(b) - 1
	}
	tag := b[:colon]
	if len(tag) > 64 {
		return false
	}
	if open := bytes.IndexByte(tag, '['); open >= 0 && tag[len(tag)-1] == ']' {
		tag, h.pid = tag[:open], tag[open+1:len(tag)-1]
	}
	if open := bytes.IndexByte(tag, '('); open > 0 && tag[len(tag)-1] == ')' {
		tag, h.module = tag[:open], tag[open+1:len(tag)-1]
	}
	if bytes.IndexByte(tag, ' ') >= 0 && h.pid == nil {
		return false
	}
	h.program = tag
	h.message = bytes.TrimPrefix(b[colon+1:], []byte{' '})
	return true
}

const months = "JanFebMarAprMayJunJulAugSepOctNovDec"

// parseStamp reads "Jan  2 03:04:05", also with a year behind the day and a
// fraction of the second, and gives its length, 0 if it is none.
func parseStamp(b []byte, now time.Time) (time.Time, int) {
	m := bytes.Index([]byte(months), b[:3])
	day, ok := number(bytes.TrimLeft(b[4:6], " "))
	if m < 0 || m%3 != 0 || !ok || day < 1 || day > 31 {
		return time.Time{}, 0
	}
	month, at, year := time.Month(m/3+1), 7, 0
	if len(b) >= 20 && b[11] == ' ' {
		if year, ok = number(b[7:11]); ok {
			at = 12
		}
	}
	clock := b[at : at+8]
	hour, ok1 := number(clock[0:2])
	minute, ok2 := number(clock[3:5])
	second, ok3 := number(clock[6:8])
	if !ok1 || !ok2 || !ok3 || clock[2] != ':' || clock[5] != ':' || hour > 23 || minute > 59 || second > 60 {
		return time.Time{}, 0
	}
	at += 8
	nanos := 0
	if at < len(b) && b[at] == '.' {
		for scale := 100_000_000; at+1 < len(b) && b[at+1] >= '0' && b[at+1] <= '9'; scale /= 10 {
			at++
			nanos += int(b[at]-'0') * scale
		}
		at++
	}
	if year == 0 {
		year = latestYear(month, day, hour, minute, now)
	}
	return time.Date(year, month, day, hour, minute, second, nanos, time.UTC), at
}

// latestYear is the latest year that has the day and puts the time no more than
// a day after now.
func latestYear(month time.Month, day, hour, minute int, now time.Time) int {
	limit := now.Add(24 * time.Hour)
	for year := limit.Year(); year > limit.Year()-9; year-- {
		t := time.Date(year, month, day, hour, minute, 0, 0, time.UTC)
		if t.Month() == month && !t.After(limit) {
			return year
		}
	}
	return limit.Year()
}

func number(b []byte) (int, bool) {
	n := 0
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, len(b) > 0
}
