package sources

import (
	"io"

	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/event/cloud"
	"github.com/rampart-sec/rampart/internal/threat/event/jsonlog"
	"github.com/rampart-sec/rampart/internal/threat/event/windows"
)

// Source is one kind of log that can be read.
type Source struct {
	Name string // as users write it: "windows"
	Says string // one line
	// New makes a decoder of a stream for rules that read the fields of the schema.
	New func(in io.Reader, s *event.Schema) event.Decoder
}

// List is every source, in the order of the help.
var List = []Source{
	{"windows", "Windows events as JSON: Event/System/EventData, flat, Winlogbeat, NXLog", windows.NewJSON},
	{"cloudtrail", "AWS CloudTrail", cloud.CloudTrail},
	{"azure-activity", "Azure activity log", cloud.AzureActivity},
	{"azure-signin", "Microsoft Entra sign-in, audit and risk logs", cloud.AzureSignIn},
	{"azure-resource", "Azure resource logs (diagnostic settings)", cloud.AzureResource},
	{"gcp-audit", "Google Cloud and Workspace audit logs", cloud.GoogleAudit},
	{"k8s-audit", "Kubernetes audit events", cloud.KubernetesAudit},
}

// Find gives the source of a name.
func Find(name string) (Source, bool) {
	for _, s := range List {
		if s.Name == name {
			return s, true
		}
	}
	return Source{}, false
}

// JSON is the source of plain JSON whose log source the user names. Fields keep
// their names, joined by points.
func JSON(kind *event.Kind) Source {
	return Source{"json", "JSON Lines of the log source that is named", func(in io.Reader, s *event.Schema) event.Decoder {
		return jsonlog.Plain(in, s, kind)
	}}
}
