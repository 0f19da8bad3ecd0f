package windows

import (
	"errors"
	"io"

	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/event/jsonlog"
)

// layout is where the JSON shapes of Windows events have their fields: objects
// Event/System/EventData as EVTX readers make them, flat objects as NXLog,
// Logstash and Get-WinEvent, and Winlogbeat's.
var layout = jsonlog.Layout{
	Bases: []string{
		"", "Event.EventData", "Event.UserData.*", "Event.EventData.EventData", "EventData", "UserData.*",
		"winlog.event_data", "winlog.user_data", "event_data", "user_data",
	},
	Attributes: []string{"Event.System", "System"},
	Pairs:      []string{"Event.EventData.Data", "EventData.Data"},
	Paths: map[string]string{
		"Event.EventData.Data.#text":  "Data",
		"EventData.Data.#text":        "Data",
		"Event.RenderingInfo.Message": "Message",
		"winlog.channel":              "Channel",
		"winlog.event_id":             "EventID",
		"winlog.provider_name":        "Provider_Name",
		"winlog.computer_name":        "Computer",
		"winlog.level":                "Level",
		"winlog.task":                 "Task",
		"winlog.opcode":               "Opcode",
		"winlog.keywords":             "Keywords",
		"winlog.process.pid":          "Execution_ProcessID",
		"message":                     "Message",
	},
	StripSpaces: true,
	Lists:       []string{"Events", "events", "value"},
}

// shapes are other names of flat shapes for what events are told apart by.
var shapes = []string{
	"EventID", "event_id", "EventID", "EventId", "EventID", "Id", "EventID", "EventCode",
	"Channel", "log_name", "Channel", "LogName", "Channel", "channel",
	"Provider_Name", "source_name", "Provider_Name", "Provider", "Provider_Name", "provider_name",
	"Computer", "computer_name", "Computer", "MachineName", "Computer", "ComputerName",
}

// times are the fields that have the time, best first. EventTime of NXLog is
// local time without a zone, so it comes last.
var times = []string{"TimeCreated_SystemTime", "UtcTime", "TimeCreated", "@timestamp", "EventTime"}

var errNotWindows = errors.New("it has neither a channel nor a provider nor an event id")

// NewJSON makes a decoder of Windows events in JSON, whatever their shape.
func NewJSON(in io.Reader, s *event.Schema) event.Decoder {
	s = s.Extend(shapes...).Extend(times...)
	t := NewTaxonomy(s)
	s = t.Schema()
	also, clock := pairs(s, shapes...), slotsOf(s, times)
	return jsonlog.New(in, layout, s, func(r *event.Record) error {
		alias(r, also)
		r.SetTimeFrom(clock)
		t.Complete(r)
		if r.First(t.channel) == 0 && r.First(t.provider) == 0 && r.First(t.id) == 0 {
			return errNotWindows
		}
		return nil
	})
}

func slotsOf(s *event.Schema, names []string) (out []event.Slot) {
	for _, name := range names {
		out = append(out, s.Slot(name))
	}
	return out
}
