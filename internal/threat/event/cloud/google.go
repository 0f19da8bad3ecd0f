package cloud

import (
	"io"

	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/event/jsonlog"
)

// The Google audit logs by the service that wrote them.
var (
	googleAudit     = event.NewKind("gcp", nil, []string{"gcp.audit"})
	workspaceAdmin  = event.NewKind("gcp", nil, []string{"gcp.audit", "google_workspace.admin"})
	workspaceLogins = event.NewKind("gcp", nil, []string{"gcp.audit", "google_workspace.login"})
)

// GoogleAudit reads Google Cloud and Workspace audit logs: log entries as JSON
// Lines, lists, and as Pub/Sub wraps them (in "data"). Rules may name fields with
// or without that wrapper.
func GoogleAudit(in io.Reader, s *event.Schema) event.Decoder {
	src := source{
		layout: jsonlog.Layout{
			Bases:    []string{"", "data"},
			Prefixes: []string{"data."},
			Pairs:    []string{"protoPayload.metadata.event.parameter", "data.protoPayload.metadata.event.parameter"},
			Lists:    []string{"entries"},
		},
		needs: []string{"protoPayload.serviceName"},
		aliases: [][2]string{
			{"gcp.audit.method_name", "protoPayload.methodName"}, {"data.protoPayload.resource.type", "resource.type"}, {"data.protoPayload.logName", "logName"},
			{"eventService", "protoPayload.serviceName"}, {"eventName", "protoPayload.metadata.event.eventName"},
		},
		times: []string{"timestamp", "protoPayload.requestMetadata.requestAttributes.time", "receiveTimestamp"},
		kind: func(r *event.Record, f fields) (*event.Kind, error) {
			switch string(f.text(r, "protoPayload.serviceName")) {
			case "admin.googleapis.com":
				return workspaceAdmin, nil
			case "login.googleapis.com":
				return workspaceLogins, nil
			}
			return googleAudit, nil
		},
	}
	return src.open(in, s)
}
