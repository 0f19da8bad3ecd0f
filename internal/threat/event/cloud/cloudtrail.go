package cloud

import (
	"errors"
	"io"

	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/event/jsonlog"
)

var cloudTrail = event.NewKind("aws", nil, []string{"cloudtrail"})

var errNoEventName = errors.New("it has no eventName")

// CloudTrail reads AWS CloudTrail: log files ({"Records": [...]}), arrays, single
// objects, JSON Lines, and events as EventBridge delivers them (in "detail").
func CloudTrail(in io.Reader, s *event.Schema) event.Decoder {
	src := source{
		layout: jsonlog.Layout{
			Bases: []string{"", "detail"},
			Paths: map[string]string{"sourceIPAddress": "src_ip", "detail.sourceIPAddress": "src_ip"},
			Lists: []string{"Records"},
		},
		needs: []string{"eventName"},
		times: []string{"eventTime", "time", "@timestamp"},
		kind: func(r *event.Record, f fields) (*event.Kind, error) {
			if r.First(f["eventName"]) == 0 {
				return nil, errNoEventName
			}
			return cloudTrail, nil
		},
	}
	return src.open(in, s)
}
