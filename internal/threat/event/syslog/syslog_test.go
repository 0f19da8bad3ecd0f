package syslog_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/event/syslog"
)

var received = time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC)

// read gives each message as kind, time and fields, without those listed.
func read(t testing.TB, in io.Reader, without ...string) (out []string) {
	t.Helper()
	d := syslog.NewAt(in, event.NewSchema([]string{"user"}), received)
	var r event.Record
	for {
		err := d.Next(&r)
		var bad *event.SkipError
		switch {
		case err == io.EOF:
			return out
		case errors.As(err, &bad):
			out = append(out, "skipped "+err.Error())
			continue
		case err != nil:
			t.Fatal(err)
		}
		fields := []string{r.Kind.String()}
		if !r.Time().IsZero() && !slices.Contains(without, "time") {
			fields = append(fields, r.Time().Format(time.RFC3339Nano))
		}
		r.Walk(func(name []byte, v event.Value) bool {
			if !slices.Contains(without, string(name)) {
				fields = append(fields, fmt.Sprintf("%s=%s", name, v.Raw))
			}
			return true
		})
		out = append(out, strings.Join(fields, " "))
	}
}

func TestHeaders(t *testing.T) {
	for in, want := range map[string]string{
		"<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \ufeff'su root' failed":            "linux//su+auth+syslog 2003-10-11T22:14:15.003Z facility=auth severity=crit hostname=mymachine.example.com program=su msgid=ID47 message='su root' failed",
		`<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - [a@1 x="1" y="a\"b\]"][b z="\n"] m`: `linux//syslog 2003-08-24T12:14:15.000003Z facility=local4 severity=notice hostname=192.0.2.1 program=myproc pid=8710 message=m a@1.x=1 a@1.y=a"b] b.z=\n`,
		"<165>1 - - - - - -":                            "linux//syslog facility=local4 severity=notice",
		"<34>Oct 11 22:14:15 mymachine su: hello":       "linux//su+auth+syslog 2024-10-11T22:14:15Z facility=auth severity=crit hostname=mymachine program=su message=hello",
		"Mar  1 23:00:00 h app[12]: tomorrow":           "linux//syslog 2025-03-01T23:00:00Z hostname=h program=app pid=12 message=tomorrow",
		"Mar  2 23:00:00 h app[12]: last year":          "linux//syslog 2024-03-02T23:00:00Z hostname=h program=app pid=12 message=last year",
		"Feb 29 01:02:03 h app: leap":                   "linux//syslog 2024-02-29T01:02:03Z hostname=h program=app message=leap",
		"Jan  2 2019 01:02:03.25 h app: with a year":    "linux//syslog 2019-01-02T01:02:03.25Z hostname=h program=app message=with a year",
		"2025-01-02T03:04:05.678901+01:00 h CRON[1]: x": "linux//cron+syslog 2025-01-02T02:04:05.678901Z hostname=h program=CRON pid=1 message=x",
		"<13>Jan  2 03:04:05 app: no host":              "linux//syslog 2025-01-02T03:04:05Z facility=user severity=notice program=app message=no host",
		"Jan  2 03:04:05 h no tag here":                 "linux//syslog 2025-01-02T03:04:05Z hostname=h message=no tag here",
		`{"__REALTIME_TIMESTAMP":"1735787045000001","_HOSTNAME":"h","SYSLOG_IDENTIFIER":"sshd","_PID":"9","PRIORITY":"6","SYSLOG_FACILITY":"4","MESSAGE":"Invalid user a from 10.0.0.9 port 5"}`: "linux//sshd+auth+syslog 2025-01-02T03:04:05.000001Z facility=auth severity=info hostname=h program=sshd pid=9 message=Invalid user a from 10.0.0.9 port 5 action=invalid_user outcome=failure user=a src_ip=10.0.0.9 src_port=5",
		`{"__REALTIME_TIMESTAMP":"1735787045000001","_COMM":"x","PRIORITY":"99","MESSAGE":[97,255]}`:                                                                                             "linux//syslog 2025-01-02T03:04:05.000001Z program=x message=a\xff",
		`{"a":1}`:                     "skipped record 0 at byte 0: it is JSON, but no entry of a journal: MESSAGE and __REALTIME_TIMESTAMP are missing",
		`{`:                           "skipped record 0 at byte 0: it is no entry of a journal: unexpected end of JSON input",
		"just text: nothing else":     "linux//syslog message=just text: nothing else",
		"<999>1 x":                    "linux//syslog message=<999>1 x",
		"<34>1 yesterday h p - - - x": "linux//syslog facility=auth severity=crit hostname=1 message=yesterday h p - - - x",
	} {
		if got := strings.Join(read(t, strings.NewReader(in)), "\n"); got != want {
			t.Errorf("%s\n got %s\nwant %s", in, got, want)
		}
	}
}

func TestMessages(t *testing.T) {
	for in, want := range map[string]string{
		"sshd[1]: Failed password for root from 10.0.0.9 port 22 ssh2":                                                         "action=login outcome=failure method=password user=root src_ip=10.0.0.9 src_port=22",
		"sshd[1]: Failed password for invalid user x from 1.1.1.1 port 1 ssh2 from 10.0.0.9 port 22 ssh2":                      "action=login outcome=failure method=password user=x from 1.1.1.1 port 1 ssh2 src_ip=10.0.0.9 src_port=22",
		"sshd-session[1]: Accepted publickey for bob from fe80::1 port 22 ssh2: ED25519 SHA256:abc":                            "action=login outcome=success method=publickey user=bob src_ip=fe80::1 src_port=22 key=ED25519 SHA256:abc",
		"sshd[1]: message repeated 5 times: [ Failed password for root from 10.0.0.9 port 22 ssh2]":                            "count=5 action=login outcome=failure method=password user=root src_ip=10.0.0.9 src_port=22",
		"sshd[1]: Invalid user admin from 10.0.0.9 port 5":                                                                     "action=invalid_user outcome=failure user=admin src_ip=10.0.0.9 src_port=5",
		"sshd[1]: Connection closed by authenticating user root 10.0.0.9 port 22 [preauth]":                                    "action=disconnect user=root src_ip=10.0.0.9 src_port=22",
		"sshd[1]: Connection closed by 10.0.0.9 [preauth]":                                                                     "action=disconnect src_ip=10.0.0.9",
		"sshd[1]: Received disconnect from 10.0.0.9: 11: Bye Bye [preauth]":                                                    "action=disconnect src_ip=10.0.0.9",
		"sshd[1]: Disconnected from user bob 10.0.0.9 port 22":                                                                 "action=disconnect user=bob src_ip=10.0.0.9 src_port=22",
		"sshd[1]: error: maximum authentication attempts exceeded for invalid user a from 10.0.0.9 port 2 ssh2 [preauth]":      "action=login outcome=failure user=a src_ip=10.0.0.9 src_port=2",
		"sshd[1]: User bob from 10.0.0.9 not allowed because not listed in AllowUsers":                                         "action=login outcome=failure user=bob src_ip=10.0.0.9",
		"sshd[1]: Did not receive identification string from 10.0.0.9 port 7":                                                  "action=connect outcome=failure src_ip=10.0.0.9 src_port=7",
		"sshd[1]: Unable to negotiate with 10.0.0.9 port 7: no matching cipher":                                                "action=connect outcome=failure src_ip=10.0.0.9 src_port=7",
		"sshd[1]: reverse mapping checking getaddrinfo for a.example [10.0.0.9] failed - POSSIBLE BREAK-IN ATTEMPT!":           "src_host=a.example src_ip=10.0.0.9",
		"sshd[1]: pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=10.0.0.9  user=root": "action=login outcome=failure user=root tty=ssh src_ip=10.0.0.9",
		"sshd(pam_unix)[1]: authentication failure; logname= uid=0 euid=0 tty=NODEVssh ruser= rhost=a.example ":                "action=login outcome=failure tty=NODEVssh src_host=a.example",
		"sshd[1]: pam_unix(sshd:session): session opened for user root(uid=0) by (uid=0)":                                      "action=session_opened outcome=success user=root",
		"sudo: pam_unix(sudo:session): session opened for user root(uid=0) by bob(uid=1000)":                                   "action=session_opened outcome=success user=bob target_user=root",
		"sudo:      bob : TTY=pts/0 ; PWD=/home/bob ; USER=root ; COMMAND=/bin/cat /etc/shadow":                                "action=sudo outcome=success user=bob command=/bin/cat /etc/shadow tty=pts/0 pwd=/home/bob target_user=root",
		"sudo:  eve : user NOT in sudoers ; TTY=pts/1 ; PWD=/ ; USER=root ; COMMAND=/bin/sh":                                   "action=sudo outcome=failure user=eve command=/bin/sh tty=pts/1 pwd=/ target_user=root",
		"su[9]: (to root) bob on pts/0":               "action=su outcome=success target_user=root user=bob tty=pts/0",
		"su: FAILED SU (to root) bob on pts/0":        "action=su outcome=failure target_user=root user=bob tty=pts/0",
		"su: FAILED su for root by bob":               "action=su outcome=failure target_user=root user=bob",
		"CRON[1]: (root) CMD (cd / && run-parts (x))": "action=cron_job command=cd / && run-parts (x) user=root",
		"crontab[1]: (bob) REPLACE (root)":            "action=cron_edit target_user=root user=bob",
		"useradd[1]: new user: name=eve, UID=1001, GID=1001, home=/home/eve, shell=/bin/sh, from=none": "action=user_added outcome=success target_user=eve",
		"usermod[1]: add 'eve' to group 'sudo'":                                                        "action=member_added outcome=success target_user=eve group=sudo",
		"userdel[1]: delete user 'eve'":                                                                "action=user_deleted outcome=success target_user=eve",
		"passwd[1]: pam_unix(passwd:chauthtok): password changed for bob":                              "action=password_changed outcome=success target_user=bob",
		"login[1]: FAILED LOGIN (1) on '/dev/tty1' FOR 'root', Authentication failure":                 "action=login outcome=failure user=root",
		"systemd-logind[1]: New session 3 of user bob.":                                                "action=session_opened outcome=success user=bob",
		"kernel: Failed password for root from 10.0.0.9 port 22 ssh2":                                  "",
	} {
		got := read(t, strings.NewReader("Jan  2 03:04:05 h "+in), "time", "hostname", "program", "pid", "message")
		if _, fields, _ := strings.Cut(got[0], " "); fields != want {
			t.Errorf("%s\n got %s\nwant %s", in, fields, want)
		}
	}
}

func TestRecordedLogs(t *testing.T) {
	const folder = "../../../../../shared/data/detect/events/loghub/"
	for name, want := range map[string]map[string]int{
		"OpenSSH/OpenSSH_2k.log": {"action=login outcome=failure method=password": 520, "action=login outcome=success": 1, " src_ip=": 1732},
		"Linux/Linux_2k.log":     {"action=login outcome=failure": 490, "action=session_opened": 123},
	} {
		in, err := os.Open(folder + name)
		if err != nil {
			t.Skip(err)
		}
		defer in.Close()
		all := read(t, in)
		if len(all) != 2000 {
			t.Errorf("%s: %d messages", name, len(all))
		}
		for part, n := range want {
			got := 0
			for _, s := range all {
				if strings.Contains(s, part) {
					got++
				}
			}
			if got != n {
				t.Errorf("%s: %q %d times, want %d", name, part, got, n)
			}
		}
	}
}

const failed = "Dec 10 06:55:46 LabSZ sshd[24200]: Failed password for invalid user webmaster from 173.234.31.186 port 38926 ssh2\n"

func TestSteadyStreamAllocatesNothing(t *testing.T) {
	d := syslog.New(strings.NewReader(strings.Repeat(failed, 300)), event.NewSchema([]string{"user"}))
	var r event.Record
	_ = d.Next(&r)
	if n := testing.AllocsPerRun(200, func() {
		if err := d.Next(&r); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations a message", n)
	}
}

func FuzzDecoder(f *testing.F) {
	f.Add(failed)
	f.Add(`55 <165>1 2003-08-24T05:14:15Z h p 1 - [a x="1\]"][b] m` + "\n<1>Jan  2 2019 01:02:03.25 h sudo: a : TTY=")
	f.Add(`{"MESSAGE":[97,255],"PRIORITY":"7","SYSLOG_FACILITY":"99"}`)
	f.Add("<1>Jan  2 01:02:03 h sshd[1]: Disconnected from user  port \nJan 99 01:02:03 h su: (to")
	f.Fuzz(func(t *testing.T, in string) {
		if n := len(read(t, strings.NewReader(in))); n > len(in) {
			t.Errorf("%d messages of %d bytes", n, len(in))
		}
	})
}

func BenchmarkDecoder(b *testing.B) {
	in := strings.Repeat(failed, 10_000)
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		d := syslog.New(strings.NewReader(in), event.NewSchema([]string{"user", "src_ip"}))
		var r event.Record
		for d.Next(&r) == nil {
		}
	}
	b.ReportMetric(float64(10_000*b.N)/b.Elapsed().Seconds(), "lines/s")
}
