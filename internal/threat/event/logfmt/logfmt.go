package logfmt

import (
	"bytes"
	"errors"
	"io"

	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/event/lines"
)

var (
	errNoPair = errors.New("it has no key=value")
	errQuote  = errors.New("a quoted value has no end")
	trueText  = []byte("true")
)

// New makes a decoder of lines of one log source.
func New(in io.Reader, s *event.Schema, kind *event.Kind) event.Decoder {
	return lines.New(in, s, func(line []byte, r *event.Record) error {
		r.Kind = kind
		return parse(line, r)
	})
}

func parse(b []byte, r *event.Record) error {
	pairs := 0
	for {
		b = bytes.TrimLeft(b, " \t")
		if len(b) == 0 {
			break
		}
		end := bytes.IndexAny(b, "= \t")
		if end < 0 || b[end] != '=' { // a key alone
			if end < 0 {
				end = len(b)
			}
			r.AddValue(b[:end], event.Value{Raw: trueText, Type: event.Bool})
			b = b[end:]
			continue
		}
		v, rest, err := value(b[end+1:])
		if err != nil {
			return err
		}
		if end > 0 {
			pairs++
			r.AddValue(b[:end], v)
			stamp(b[:end], v, r)
		}
		b = rest
	}
	if pairs == 0 {
		return errNoPair
	}
	return nil
}

// value takes a value, which may be quoted.
func value(b []byte) (v event.Value, rest []byte, err error) {
	if len(b) == 0 || b[0] != '"' {
		end := bytes.IndexAny(b, " \t")
		if end < 0 {
			end = len(b)
		}
		return event.Value{Raw: b[:end]}, b[end:], nil
	}
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			v.Escaped = true
			i++
		case '"':
			v.Raw = b[1:i]
			return v, b[i+1:], nil
		}
	}
	return v, nil, errQuote
}

// stamp takes the time from the names that it commonly has.
func stamp(key []byte, v event.Value, r *event.Record) {
	switch string(key) {
	case "time", "ts", "timestamp", "@timestamp", "t", "date":
		r.SetTimeText(v)
	}
}
