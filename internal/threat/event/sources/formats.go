package sources

import (
	"io"

	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/event/auditd"
	"github.com/rampart-sec/rampart/internal/threat/event/cef"
	"github.com/rampart-sec/rampart/internal/threat/event/evtx"
	"github.com/rampart-sec/rampart/internal/threat/event/logfmt"
	"github.com/rampart-sec/rampart/internal/threat/event/otlp"
	"github.com/rampart-sec/rampart/internal/threat/event/syslog"
	"github.com/rampart-sec/rampart/internal/threat/event/webserver"
	"github.com/rampart-sec/rampart/internal/threat/event/winxml"
)

// formats are the sources that are not plain JSON.
var formats = []Source{
	{"evtx", "Windows event logs, the binary files", evtx.New},
	{"windows-xml", "Windows events as rendered XML", winxml.New},
	{"sysmon-linux", "Sysmon for Linux: XML in syslog lines", winxml.NewSysmonLinux},
	{"auditd", "Linux audit log: raw lines, LAUREL, Auditbeat", auditd.New},
	{"syslog", "syslog of RFC 3164 and 5424, systemd journal as JSON: sshd, sudo, su, PAM, cron, accounts", syslog.New},
	{"webserver", "access and error logs of web servers: common, combined, Apache, nginx, IIS", webserver.New},
}

func init() { List = append(List, formats...) }

// envelopes are formats that any log source may come in.
var envelopes = []struct {
	name, says string
	new        func(io.Reader, *event.Schema, *event.Kind) event.Decoder
}{
	{"cef", "Common Event Format of the log source that is named", cef.New},
	{"logfmt", "key=value lines of the log source that is named", logfmt.New},
	{"otlp", "OpenTelemetry logs (protobuf or JSON) of the log source that is named", otlp.New},
}

// Envelope gives the source of a format that says nothing of its log source,
// which the user names.
func Envelope(name string, kind *event.Kind) (Source, bool) {
	for _, e := range envelopes {
		if e.name == name {
			return Source{e.name, e.says, func(in io.Reader, s *event.Schema) event.Decoder { return e.new(in, s, kind) }}, true
		}
	}
	return Source{}, false
}
