package jsonlog

import (
	"io"

	"github.com/rampart-sec/rampart/internal/threat/event"
)

// plainTimes are where logs commonly have their time.
var plainTimes = []string{"@timestamp", "timestamp", "time", "eventTime", "EventTime", "TimeCreated", "UtcTime", "ts", "date"}

// Plain reads JSON records of one kind whose fields have the names of the rules.
func Plain(in io.Reader, s *event.Schema, kind *event.Kind) *Decoder {
	s = s.Extend(plainTimes...)
	var clock []event.Slot
	for _, name := range plainTimes {
		clock = append(clock, s.Slot(name))
	}
	return New(in, Layout{}, s, func(r *event.Record) error {
		r.Kind = kind
		r.SetTimeFrom(clock)
		return nil
	})
}
