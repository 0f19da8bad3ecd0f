package sources

import (
	"io"

	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/event/auditd"
	"github.com/rampart-sec/rampart/internal/threat/event/cloud"
	"github.com/rampart-sec/rampart/internal/threat/event/evtx"
	"github.com/rampart-sec/rampart/internal/threat/event/syslog"
	"github.com/rampart-sec/rampart/internal/threat/event/webserver"
	"github.com/rampart-sec/rampart/internal/threat/event/windows"
	"github.com/rampart-sec/rampart/internal/threat/event/winxml"
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
	{"evtx", "Windows event logs, the binary files", evtx.New},
	{"windows-xml", "Windows events as rendered XML", winxml.New},
	{"sysmon-linux", "Sysmon for Linux: XML in syslog lines", winxml.NewSysmonLinux},
	{"auditd", "Linux audit log: raw lines, LAUREL, Auditbeat", auditd.New},
	{"syslog", "syslog of RFC 3164 and 5424, systemd journal as JSON: sshd, sudo, su, PAM, cron, accounts", syslog.New},
	{"webserver", "access and error logs of web servers: common, combined, Apache, nginx, IIS", webserver.New},
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
