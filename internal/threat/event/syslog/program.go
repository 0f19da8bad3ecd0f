package syslog

import (
	"bytes"

	"github.com/rampart-sec/rampart/internal/threat/event"
)

// language is whose messages a program writes.
type language uint8

const (
	unknown language = iota
	sshd
	sudo
	su
	cron
	accounts // useradd, usermod, ...
	login
	pamOnly
)

// program is what is known of a program by its name.
type program struct {
	kind   *event.Kind
	speaks language
}

// other are programs that are not known.
var other = program{kind: event.NewKind("linux", nil, []string{"syslog"})}

// programs by name in lower case. The services are those that rules name.
var programs = buildPrograms()

func buildPrograms() map[string]program {
	out := map[string]program{}
	set := func(speaks language, services []string, names ...string) {
		for _, name := range names {
			out[name] = program{event.NewKind("linux", nil, services), speaks}
		}
	}
	set(sshd, []string{"sshd", "auth", "syslog"}, "sshd", "sshd-session", "sshd-auth")
	set(sudo, []string{"sudo", "auth", "syslog"}, "sudo")
	set(su, []string{"su", "auth", "syslog"}, "su", "su-l")
	set(cron, []string{"cron", "syslog"}, "cron", "crond", "crontab", "anacron")
	set(accounts, []string{"auth", "syslog"}, "useradd", "adduser", "usermod", "userdel", "groupadd", "groupmod", "groupdel", "gpasswd", "passwd", "chpasswd", "chage", "chfn", "chsh")
	set(login, []string{"auth", "syslog"}, "login", "systemd-logind", "remote")
	set(pamOnly, []string{"auth", "syslog"}, "gdm-password", "gdm", "lightdm", "polkitd", "pkexec", "systemd", "ftpd", "dovecot", "runuser")
	set(unknown, []string{"clamav", "syslog"}, "clamd", "clamav", "freshclam", "clamscan")
	set(unknown, []string{"vsftpd", "syslog"}, "vsftpd")
	set(unknown, []string{"guacamole", "syslog"}, "guacd", "guacamole")
	return out
}

// programOf looks a program up by what its tag says, which may be a path.
func programOf(tag []byte) program {
	if i := bytes.LastIndexByte(tag, '/'); i >= 0 {
		tag = tag[i+1:]
	}
	var buf [32]byte
	if len(tag) > len(buf) {
		return other
	}
	if p, ok := programs[string(event.AppendFold(buf[:0], tag))]; ok {
		return p
	}
	return other
}
