package syslog

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// journal is one entry of systemd's journal as journalctl -o json writes it. Its
// names are those of systemd.journal-fields.
type journal struct {
	Time     string      `json:"__REALTIME_TIMESTAMP"` // microseconds since 1970
	Source   string      `json:"_SOURCE_REALTIME_TIMESTAMP"`
	Host     string      `json:"_HOSTNAME"`
	Program  string      `json:"SYSLOG_IDENTIFIER"`
	Command  string      `json:"_COMM"`
	PID      string      `json:"_PID"`
	Priority string      `json:"PRIORITY"`
	Facility string      `json:"SYSLOG_FACILITY"`
	Message  journalText `json:"MESSAGE"`
}

// journalText is text, or the bytes of text that is no UTF-8 as numbers.
type journalText []byte

// UnmarshalJSON reads both forms; null is no text.
func (t *journalText) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '[' {
		var numbers []uint8AsNumber
		if err := json.Unmarshal(b, &numbers); err != nil {
			return err
		}
		for _, n := range numbers {
			*t = append(*t, byte(n))
		}
		return nil
	}
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	*t = journalText(s)
	return nil
}

// uint8AsNumber keeps encoding/json from taking a list of bytes for base64.
type uint8AsNumber uint16

var errNoJournal = errors.New("it is JSON, but no entry of a journal: MESSAGE and __REALTIME_TIMESTAMP are missing")

// parseJournal is parseHeader for an entry of a journal.
func parseJournal(line []byte) (header, error) {
	h := header{priority: -1}
	var j journal
	if err := json.Unmarshal(line, &j); err != nil {
		return h, fmt.Errorf("it is no entry of a journal: %w", err)
	}
	if j.Message == nil && j.Time == "" {
		return h, errNoJournal
	}
	for _, stamp := range []string{j.Source, j.Time} {
		if n, err := strconv.ParseInt(stamp, 10, 64); err == nil {
			h.time = time.UnixMicro(n).UTC()
			break
		}
	}
	if j.Program == "" {
		j.Program = j.Command
	}
	h.host, h.program, h.pid, h.message = []byte(j.Host), []byte(j.Program), []byte(j.PID), j.Message
	if severity, err := strconv.ParseUint(j.Priority, 10, 3); err == nil {
		facility, err := strconv.ParseUint(j.Facility, 10, 8)
		if err != nil || facility > 23 {
			facility = 1
		}
		h.priority = int(facility<<3 | severity)
	}
	return h, nil
}
