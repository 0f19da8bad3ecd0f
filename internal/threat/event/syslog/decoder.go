package syslog

import (
	"bytes"
	"io"
	"time"

	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/event/lines"
)

// New makes a decoder of one log that is read now.
func New(in io.Reader, s *event.Schema) event.Decoder { return NewAt(in, s, time.Now()) }

// NewAt makes a decoder of a log that was received at a time, from which the year
// of times without one follows.
func NewAt(in io.Reader, s *event.Schema, received time.Time) event.Decoder {
	p := &parser{now: received.UTC()}
	p.param = p.addParam
	return lines.NewFrames(in, s, p.parse)
}

// parser fills records.
type parser struct {
	now   time.Time
	rec   *event.Record
	name  []byte // of a parameter
	param func(id, name, value []byte)
}

func (p *parser) parse(line []byte, r *event.Record) error {
	p.rec = r
	if line[0] == '{' {
		h, err := parseJournal(line)
		if err != nil {
			return err
		}
		r.SetText(h.message)
		p.fill(h)
		return nil
	}
	r.SetText(line)
	p.fill(parseHeader(line, p.now))
	return nil
}

// fill gives the record what a header and its message say.
func (p *parser) fill(h header) {
	r := p.rec
	if !h.time.IsZero() {
		r.SetTime(h.time)
	}
	if h.priority >= 0 {
		r.Add(fFacility, facilities[h.priority>>3])
		r.Add(fSeverity, severities[h.priority&7])
	}
	p.add(fHost, h.host)
	p.add(fProgram, h.program)
	p.add(fPID, h.pid)
	p.add(fMsgID, h.msgid)
	p.add(fMessage, h.message)
	if h.data != nil {
		structured(h.data, p.param)
	}
	prog := programOf(h.program)
	r.Kind = prog.kind
	m := message{rec: r, text: h.message}
	if h.module != nil && bytes.HasPrefix(h.module, []byte("pam_")) {
		m.pam(m.text)
	} else {
		m.parse(prog.speaks)
	}
}

func (p *parser) add(name, value []byte) {
	if len(value) > 0 {
		p.rec.Add(name, value)
	}
}

// addParam adds a parameter of structured data without its escapes.
func (p *parser) addParam(id, name, value []byte) {
	p.name = append(append(append(p.name[:0], id...), '.'), name...)
	if bytes.IndexByte(value, '\\') >= 0 {
		value = p.rec.Keep(value)
		out := value[:0]
		for i := 0; i < len(value); i++ {
			if value[i] == '\\' && i+1 < len(value) && (value[i+1] == '"' || value[i+1] == '\\' || value[i+1] == ']') {
				i++
			}
			out = append(out, value[i])
		}
		value = out
	}
	p.rec.Add(p.rec.Keep(p.name), value)
}

// Names of fields.
var (
	fFacility = []byte("facility")
	fSeverity = []byte("severity")
	fHost     = []byte("hostname")
	fProgram  = []byte("program")
	fPID      = []byte("pid")
	fMsgID    = []byte("msgid")
	fMessage  = []byte("message")
)

// facilities and severities are named as in RFC 5424 6.2.1 and syslog.h.
var (
	facilities = named("kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp", "audit", "alert", "clock",
		"local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7")
	severities = named("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
)

func named(names ...string) (out [][]byte) {
	for _, n := range names {
		out = append(out, []byte(n))
	}
	return out
}
