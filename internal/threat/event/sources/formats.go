package sources

import (
	"github.com/rampart-sec/rampart/internal/threat/event/auditd"
	"github.com/rampart-sec/rampart/internal/threat/event/evtx"
	"github.com/rampart-sec/rampart/internal/threat/event/syslog"
	"github.com/rampart-sec/rampart/internal/threat/event/webserver"
)

// formats are the sources that are not plain JSON.
var formats = []Source{
	{"evtx", "Windows event logs, the binary files", evtx.New},
	{"auditd", "Linux audit log: raw lines, LAUREL, Auditbeat", auditd.New},
	{"syslog", "syslog of RFC 3164 and 5424: sshd, sudo, su, PAM, cron, accounts", syslog.New},
	{"webserver", "access and error logs of web servers: common, combined, Apache, nginx, IIS", webserver.New},
}

func init() { List = append(List, formats...) }
