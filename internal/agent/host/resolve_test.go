package host

import "testing"

func TestLogForwarding(t *testing.T) {
	tests := []struct {
		name, file, text string
		want             bool
	}{
		{"udp", "etc/rsyslog.conf", "*.* @log.example.org\n", true},
		{"tcp with options", "etc/rsyslog.d/a.conf", "auth.*\t@@(o)log.example.org:10514\n", true},
		{"action over lines", "etc/rsyslog.conf", "*.* action(\n type=\"omfwd\" # to the other\n target=\"log\"\n)\n", true},
		{"relp", "etc/rsyslog.conf", "*.* :omrelp:log:2514\n", true},
		{"module alone", "etc/rsyslog.conf", "module(load=\"omrelp\")\n", false},
		{"at sign in a filter", "etc/rsyslog.conf", ":msg, contains, \"root@example.org\" stop\n", false},
		{"commented", "etc/rsyslog.conf", "#*.* @log\n/* *.* @log */\n", false},
		{"file action", "etc/rsyslog.conf", "*.* /var/log/all@home\n", false},
		{"syslog-ng used", "etc/syslog-ng/syslog-ng.conf", "destination d { network(\"h\" transport(\"tls\")); };\nlog { source(s); destination(d); };\n", true},
		{"syslog-ng not used", "etc/syslog-ng/syslog-ng.conf", "destination d { network(\"h\"); };\nlog { source(s); destination(other); };\n", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, ok, err := tree(t, map[string]string{tt.file: tt.text}).LogForwarding()
			if err != nil || ok != tt.want {
				t.Errorf("%v, %v; want %v", ok, err, tt.want)
			}
		})
	}
}

func TestSystemdSetting(t *testing.T) {
	h := tree(t, map[string]string{
		"usr/lib/systemd/journald.conf":               "[Journal]\nStorage=none\n",
		"etc/systemd/journald.conf":                   "[Journal]\nStorage=volatile\n",
		"usr/lib/systemd/journald.conf.d/50-a.conf":   "[Journal]\nStorage=auto\n",
		"etc/systemd/journald.conf.d/50-a.conf":       "[Journal]\nStorage=persistent\n",
		"usr/lib/systemd/journald.conf.d/10-low.conf": "[Journal]\nStorage=none\nCompress=no\n",
	})
	if s, ok, err := h.SystemdSetting("journald.conf", "Storage"); err != nil || !ok || s.Value != "persistent" || s.Path != "/etc/systemd/journald.conf.d/50-a.conf" {
		t.Errorf("%+v, %v, %v", s, ok, err)
	}
	if s, ok, err := h.SystemdSetting("journald.conf", "Compress"); err != nil || !ok || s.Value != "no" {
		t.Errorf("%+v, %v, %v", s, ok, err)
	}
}

const guardedGrub = "if [ -f ${prefix}/user.cfg ]; then\n source ${prefix}/user.cfg\n if [ -n \"${GRUB2_PASSWORD}\" ]; then\n set superusers=\"root\"\n password_pbkdf2 root ${GRUB2_PASSWORD}\n fi\nfi\n"

func TestGrubPassword(t *testing.T) {
	tests := []struct {
		name, text string
		user       bool
		want       bool
	}{
		{"superuser", "set superusers=\"a\"\npassword_pbkdf2 a grub.pbkdf2.x\n", false, true},
		{"no password", "set superusers=\"a\"\n", false, false},
		{"password of another", "set superusers=\"a\"\npassword b secret\n", false, false},
		{"guarded", guardedGrub, false, false},
		{"guarded with a password", guardedGrub, true, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, ok := ParseGrubPassword("f", []byte(tt.text), tt.user); ok != tt.want {
				t.Errorf("%v; want %v", ok, tt.want)
			}
		})
	}
}

func TestRepositories(t *testing.T) {
	tests := []struct {
		name  string
		files map[string]string
		want  bool
	}{
		{"main on", map[string]string{"etc/dnf/dnf.conf": "[main]\ngpgcheck=1\n", "etc/yum.repos.d/a.repo": "[a]\nname=a\n"}, false},
		{"repository off", map[string]string{"etc/dnf/dnf.conf": "[main]\ngpgcheck=1\n", "etc/yum.repos.d/a.repo": "[a]\ngpgcheck=0\n"}, true},
		{"disabled", map[string]string{"etc/dnf/dnf.conf": "[main]\ngpgcheck=True\n", "etc/yum.repos.d/a.repo": "[a]\nenabled=0\ngpgcheck=0\n"}, false},
		{"nothing said", map[string]string{"etc/dnf/dnf.conf": "[main]\n", "etc/yum.repos.d/a.repo": "[a]\nname=a\n"}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, found, err := tree(t, tt.files).UnsignedRepository()
			if err != nil || found != tt.want {
				t.Errorf("%+v, %v, %v; want %v", s, found, err, tt.want)
			}
		})
	}
	for line, want := range map[string]bool{
		"deb [arch=amd64 trusted=yes] http://x s main": true, "deb [signed-by=/k] http://x s main": false, "deb http://x/trusted=yes s main": false,
	} {
		if unsignedSource(line, false) != want {
			t.Errorf("%q: want %v", line, want)
		}
	}
}

func TestServiceOn(t *testing.T) {
	h := tree(t, map[string]string{
		"usr/lib/systemd/system/off.service":                           "[Install]\nWantedBy=x\n",
		"usr/lib/systemd/system/ftp@.service":                          "[Install]\nWantedBy=x\n",
		"etc/systemd/system/multi-user.target.wants/ftp@a.service":     "",
		"usr/lib/systemd/system/print.service":                         "[Service]\n",
		"usr/lib/systemd/system/multi-user.target.wants/print.service": "",
		"usr/lib/systemd/system/masked.service":                        "[Install]\n",
		"etc/systemd/system/masked.service":                            "",
		"etc/systemd/system/multi-user.target.wants/masked.service":    "",
		"etc/runlevels/default/snmpd":                                  "",
		"etc/service/web/run":                                          "",
		"etc/service/stopped/down":                                     "",
	})
	for name, want := range map[string]bool{"off": false, "ftp": true, "print": true, "masked": false, "snmpd": true, "web": true, "stopped": false, "none": false} {
		how, err := h.ServiceOn(name + ".service")
		if err != nil || (how != "") != want {
			t.Errorf("%s: %q, %v; want %v", name, how, err, want)
		}
	}
	if _, err := tree(t, map[string]string{"etc/os-release": ""}).ServiceOn("x.service"); !isUnreadable(err) {
		t.Errorf("a host without any service manager gives %v", err)
	}
}

func TestAccountsAsGlibc(t *testing.T) {
	users := ParsePasswd([]byte("root:x:0:0:root:/root:/bin/bash\nevil::0:0\n  blank: : +0: 0:::\n+nis::::::\n-no:x:0:0::\nbad:x:zero:0:::\n"))
	if len(users) != 3 || users[1].Name != "evil" || users[1].UID != 0 || users[2].Name != "blank" || users[2].UID != 0 {
		t.Errorf("%+v", users)
	}
	if s := ParseShadow([]byte("a:\nb:!\n")); len(s) != 2 || s[0].Hash != "none" || s[1].Hash != "locked" || s[0].MaxDays != -1 {
		t.Errorf("%+v", s)
	}
}

func FuzzResolvers(f *testing.F) {
	f.Add([]byte("*.* action(\ntype=\"omfwd\"\n)\nif x\nset superusers=\"a\"\nfi\n[a]\nb=c\n"))
	f.Fuzz(func(_ *testing.T, data []byte) {
		statements(data, "(", ")")
		ParseGrubPassword("f", data, true)
		sections("f", data)
		ParsePasswd(data)
		ParseModprobe("f", data, "udf")
	})
}
