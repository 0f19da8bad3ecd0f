package host

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseOSRelease(t *testing.T) {
	tests := []struct {
		name, text, family string
		want               OSRelease
	}{
		{"debian", "ID=debian\nVERSION_ID=\"12\"\nPRETTY_NAME='Debian 12'\n", "debian", OSRelease{ID: "debian", Version: "12", PrettyName: "Debian 12"}},
		{"like", "ID=rocky\nID_LIKE=\"rhel centos fedora\"\n", "rhel", OSRelease{ID: "rocky", Like: []string{"rhel", "centos", "fedora"}}},
		{"escapes", `NAME="a \"b\" \$c"` + "\n# x\n\n", "", OSRelease{Name: `a "b" $c`}},
		{"nonsense", "\x00=\x00\n====\n", "", OSRelease{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := ParseOSRelease([]byte(tt.text))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if got.Family() != tt.family {
				t.Errorf("family %q; want %q", got.Family(), tt.family)
			}
		})
	}
}

func TestParseSysctl(t *testing.T) {
	got := ParseSysctl("f", []byte("# c\nkernel.a = 1\n-net/ipv4/conf/eth0.1/x=2\n; c\nkernel.a=  3   4\nnoise\n"))
	want := map[string]Setting{"kernel.a": {"3 4", "f", 5}, "net.ipv4.conf.eth0/1.x": {"2", "f", 3}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSysctlPrecedence(t *testing.T) {
	h := tree(t, map[string]string{
		"usr/lib/sysctl.d/50-a.conf": "k = vendor\nv = vendor\n",
		"etc/sysctl.d/50-a.conf":     "k = admin\n", // hides the vendor's file of the same name
		"etc/sysctl.d/10-z.conf":     "k = early\nz = early\n",
		"run/sysctl.d/60-b.conf":     "b = run\n",
		"etc/sysctl.conf":            "z = last\n",
	})
	for key, want := range map[string]string{"k": "admin", "z": "last", "b": "run", "v": ""} {
		got, _, err := h.SysctlAtBoot(key)
		if err != nil || got.Value != want {
			t.Errorf("%s is %q, %v; want %q", key, got.Value, err, want)
		}
	}
}

func TestParseAccounts(t *testing.T) {
	users := ParsePasswd([]byte("root:x:0:0:root:/root:/bin/bash\nbad:x:y:0::/:/bin/sh\nshort:x\n"))
	if want := []User{{Name: "root", Password: "x", Home: "/root", Shell: "/bin/bash", Line: 1}}; !cmp.Equal(users, want) {
		t.Error(cmp.Diff(want, users))
	}
	groups := ParseGroup([]byte("sudo:x:27:a,b\nempty:x:5:\n"))
	if want := []Group{{Name: "sudo", GID: 27, Members: []string{"a", "b"}, Line: 1}, {Name: "empty", GID: 5, Members: []string{}, Line: 2}}; !cmp.Equal(groups, want) {
		t.Error(cmp.Diff(want, groups))
	}
}

func TestParseShadowKeepsNoHash(t *testing.T) {
	text := "a:$y$j9T$salt$hash:19000:0:99999:7:::\nb::19000::::::\nc:!:1:::::::\nd:*:1:::::::\ne:$6$s$h:1:1:365:7:30::\nf:abcdefghijklm:1:::::::\ng:$zz$x:1:::::::\n"
	want := map[string]string{"a": "yescrypt", "b": "none", "c": "locked", "d": "locked", "e": "sha512", "f": "des", "g": "unknown method"}
	for _, s := range ParseShadow([]byte(text)) {
		if s.Hash != want[s.Name] {
			t.Errorf("%s is %q; want %q", s.Name, s.Hash, want[s.Name])
		}
		delete(want, s.Name)
	}
	if len(want) > 0 {
		t.Errorf("not read: %v", want)
	}
}

func TestCompareDebian(t *testing.T) {
	// each is older than the next
	order := []string{"1.0~rc1", "1.0", "1.0-1", "1.0-1+deb12u1", "1.0-1+deb12u10", "1.0a", "1.0+b", "1.2", "1.10", "1:0.1", "2:0"}
	for i := range order {
		for j := range order {
			got := CompareDebian(order[i], order[j])
			if (got < 0) != (i < j) || (got == 0) != (i == j) {
				t.Errorf("%s to %s gives %d", order[i], order[j], got)
			}
		}
	}
	if CompareDebian("1.00", "1.0") != 0 || CompareDebian("0:1", "1") != 0 {
		t.Error("leading zeros and the epoch 0 make a difference")
	}
}

func TestParseSockets(t *testing.T) {
	tcp := `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1
   1: 0100007F:1F91 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1000        0 4712 1
   2: XYZ:1F91 0100007F:1F90 0A 00000000:00000000 00:00000000 00000000  1000        0 4712 1`
	got := ParseSockets("tcp", []byte(tcp))
	if len(got) != 1 || got[0].Address.String() != "127.0.0.1" || got[0].Port != 8080 || !got[0].Loopback() || got[0].inode != "4711" {
		t.Errorf("tcp gives %+v", got)
	}
	tcp6 := "head\n 0: 00000000000000000000000001000000:0016 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 7 1"
	got = ParseSockets("tcp", []byte(tcp6))
	if len(got) != 1 || got[0].Address.String() != "::1" || got[0].Port != 22 {
		t.Errorf("tcp6 gives %+v", got)
	}
}

func TestParseMounts(t *testing.T) {
	got := ParseMounts([]byte(`/dev/sda1 /mnt/a\040b/ ext4 rw,nosuid 0 0` + "\nshort\n"))
	want := []Mount{{Device: "/dev/sda1", Path: "/mnt/a b", Type: "ext4", Options: []string{"rw", "nosuid"}, Line: 1}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestParseAptConf(t *testing.T) {
	text := `// c
APT::Periodic::Update-Package-Lists "1";
APT { Get { AllowUnauthenticated "true"; }; /* gone
APT::X "y"; */ Z "9"; };
Unattended-Upgrade::Origins-Pattern { "a"; "b"; };
Unattended-Upgrade::Origins-Pattern:: "c";
`
	got := ParseAptConf("f", []byte(text))
	want := map[string]string{
		"apt::periodic::update-package-lists": "1", "apt::get::allowunauthenticated": "true", "apt::z": "9",
		"unattended-upgrade::origins-pattern": "a b c",
	}
	for key, value := range want {
		if got[key].Value != value {
			t.Errorf("%s is %q; want %q", key, got[key].Value, value)
		}
	}
	if _, ok := got["apt::x"]; ok {
		t.Error("a comment was read")
	}
}

func TestParseFirewalls(t *testing.T) {
	tests := []struct {
		name        string
		parse       func([]byte) (int, bool, bool)
		text        string
		deny, rules bool
	}{
		{"nftables-policy", ParseNftables, "table inet f {\n chain input {\n  type filter hook input priority 0; policy drop;\n }\n}", true, true},
		{"nftables-debian-default", ParseNftables, "table inet f {\n chain input {\n  type filter hook input priority 0;\n }\n chain forward {\n  type filter hook forward priority 0; policy drop;\n }\n}", false, false},
		{"nftables-last-rule", ParseNftables, "table ip f {\n chain input {\n type filter hook input priority 0; policy accept;\n tcp dport 22 accept\n drop\n}\n}", true, true},
		{"iptables-policy", ParseIptables, "*filter\n:INPUT DROP [0:0]\nCOMMIT", true, true},
		{"iptables-open", ParseIptables, "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p tcp --dport 22 -j ACCEPT", false, true},
		{"iptables-empty", ParseIptables, ":INPUT ACCEPT [0:0]", false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, deny, rules := tt.parse([]byte(tt.text))
			if deny != tt.deny || rules != tt.rules {
				t.Errorf("denies %v, has rules %v; want %v, %v", deny, rules, tt.deny, tt.rules)
			}
		})
	}
}

func TestAuditRules(t *testing.T) {
	text := "-w /etc/gone -p wa\n-D\n-w /etc/passwd -p wa -k never-mind\n-w /etc/apparmor.d/ -p wa\n-a always,exit -F path=/etc/hosts -F perm=w\n" +
		"-a always,exit -F arch=b64 -S adjtimex -k t\n-a always,exit -F arch=b64 -S settimeofday,clock_settime -k t\n" +
		"-a always,exit -F arch=b64 -S chmod -F auid>=1000 -F auid!=unset\n-a always,exit -F arch=b32 -S mount\n" +
		"-a always,exit -F arch=b64 -F uid=33 -S execve\n-a always,exit -F arch=b64 -S openat -F exit=-EACCES\n-a never,exit -S swapon\n-a always,exit -S swapon\n"
	rules := ParseAuditRules("f", []byte(text))
	for watch, want := range map[string]bool{
		"/etc/passwd": true, "/etc/apparmor.d": true, "/etc/apparmor.d/x": true, "/etc/hosts": false, "/etc/shadow": false, "/etc/gone": false, "/etc/passwd2": false,
	} {
		if _, ok := AuditWatch(rules, watch); ok != want {
			t.Errorf("watch %s: %v; want %v", watch, ok, want)
		}
	}
	for call, want := range map[string]bool{
		"adjtimex": true, "settimeofday": true, "chmod": true, "mount": false, "execve": false, "openat": false, "swapon": false, "unlink": false,
	} {
		if _, ok := AuditSyscall(rules, call, false); ok != want {
			t.Errorf("call %s: %v; want %v", call, ok, want)
		}
	}
	if _, ok := AuditSyscall(rules, "openat", true); !ok {
		t.Error("refused calls of openat are recorded")
	}
	off := append([]AuditRule{{Never: true, Task: true}}, rules...)
	if _, ok := AuditSyscall(off, "adjtimex", false); ok {
		t.Error("a rule that switches recording off for every process came first")
	}
}

func FuzzParseAuditRules(f *testing.F) {
	f.Add([]byte("-a always,exit -F arch=b64 -S a,b -F auid>=1000 -k x\n-w /etc -p wa\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		rules := ParseAuditRules("f", data)
		AuditWatch(rules, "/etc/passwd")
		AuditSyscall(rules, "open", true)
	})
}

func TestParsePAM(t *testing.T) {
	h := tree(t, map[string]string{
		"etc/pam.d/login":       "# c\n@include common-auth\nauth required pam_deny.so\n",
		"etc/pam.d/common-auth": "auth [success=1 default=ignore] /lib/pam_unix.so nullok x=1\n-session optional pam_x.so\npassword include other\n",
		"etc/pam.d/other":       "auth required pam_no.so\npassword required pam_pw.so\n",
		"etc/pam.d/loop":        "@include loop\n",
	})
	stack, err := h.PAM("login")
	if err != nil {
		t.Fatal(err)
	}
	var modules []string
	for _, e := range stack {
		modules = append(modules, e.Type+" "+e.Module)
	}
	want := []string{"auth pam_unix.so", "session pam_x.so", "password pam_pw.so", "auth pam_deny.so"}
	if diff := cmp.Diff(want, modules); diff != "" {
		t.Error(diff)
	}
	if stack[0].Control != "[success=1 default=ignore]" || !slices.Equal(stack[0].Arguments, []string{"nullok", "x=1"}) {
		t.Errorf("the first entry is %+v", stack[0])
	}
	if _, err := h.PAM("loop"); err == nil {
		t.Error("a loop of includes was read")
	}
}

func TestSudoers(t *testing.T) {
	h := tree(t, map[string]string{
		"etc/sudoers":          "Defaults env_reset, use_pty # x\nDefaults:bob logfile=\"/var/log/s\"\n#1000 ALL=ALL\n%sudo ALL=(ALL) \\\n  ALL\n#includedir /etc/sudoers.d\n",
		"etc/sudoers.d/90-x":   "bob ALL=(ALL) NOPASSWD:ALL\n",
		"etc/sudoers.d/x.conf": "eve ALL=(ALL) NOPASSWD:ALL\n", // names with a dot are skipped
	})
	s, err := h.Sudoers()
	if err != nil {
		t.Fatal(err)
	}
	if d, ok := s.Default("use_pty"); !ok || d.Line != 1 {
		t.Errorf("use_pty: %+v, %v", d, ok)
	}
	if d, ok := s.Default("logfile"); ok {
		t.Errorf("logfile is set for bob alone, yet: %+v", d)
	}
	if d := s.Scoped("logfile"); len(d) != 1 || d[0].Value != "/var/log/s" || d[0].Scope != ":bob" {
		t.Errorf("logfile: %+v", d)
	}
	if _, ok := s.Default("env"); ok {
		t.Error("part of a name was found")
	}
	if tag, ok := s.Tagged("NOPASSWD"); !ok || tag.Path != "/etc/sudoers.d/90-x" {
		t.Errorf("NOPASSWD: %+v, %v", tag, ok)
	}
	if len(s.Lines) != 5 {
		t.Errorf("%d lines: %+v", len(s.Lines), s.Lines)
	}
}

func TestParseModprobe(t *testing.T) {
	text := []byte("blacklist a\ninstall b /bin/false\ninstall usb_storage /bin/true\ninstall c /sbin/modprobe d\n")
	for module, want := range map[string]bool{"a": false, "b": true, "usb-storage": true, "c": false} {
		if _, ok := parseBlocked("f", text, module); ok != want {
			t.Errorf("%s blocked: %v; want %v", module, ok, want)
		}
	}
}

func TestParseKeyValue(t *testing.T) {
	text := []byte("# minlen = 1\n[Section]\nminlen = 8\nMINLEN=\"14\"\nPASS 9\nexport TMOUT=900\n")
	if s, ok := ParseKeyValue("f", text, "minlen", '='); !ok || s.Value != "14" || s.Line != 4 {
		t.Errorf("minlen: %+v, %v", s, ok)
	}
	if s, ok := ParseKeyValue("f", text, "TMOUT", '='); !ok || s.Value != "900" {
		t.Errorf("TMOUT: %+v, %v", s, ok)
	}
	if s, ok := ParseKeyValue("f", text, "PASS", ' '); !ok || s.Value != "9" {
		t.Errorf("PASS: %+v, %v", s, ok)
	}
}

func TestUnitOfCgroup(t *testing.T) {
	for text, want := range map[string]string{
		"0::/system.slice/ssh.service\n":                           "ssh.service",
		"3:cpu:/\n1:name=systemd:/system.slice/cron.service\n":     "cron.service",
		"0::/user.slice/user-0.slice/session-1.scope\n":            "",
		"0::/system.slice/system-getty.slice/getty@tty1.service\n": "getty@tty1.service",
		"2:memory:/system.slice/x.service\nnonsense\n":             "",
		strings.Repeat("/", 100):                                   "",
	} {
		if got := UnitOfCgroup([]byte(text)); got != want {
			t.Errorf("%q is %q; want %q", text, got, want)
		}
	}
}

func TestMachineNumbers(t *testing.T) {
	if got := ParseMemTotal([]byte("MemFree: 1 kB\nMemTotal:       2048 kB\n")); got != 2 {
		t.Errorf("memory %d MiB; want 2", got)
	}
	if n, model := ParseCPUInfo([]byte("processor : 0\nmodel name : X\nprocessor : 1\n")); n != 2 || model != "X" {
		t.Errorf("%d of %q", n, model)
	}
	if got := ParseBootTime([]byte("cpu 1\nbtime 1700000000\n")).Unix(); got != 1700000000 {
		t.Errorf("boot at %d", got)
	}
}

// FuzzParsers gives every small parser the same text: none may panic, hang or
// name a line that is not there.
func FuzzParsers(f *testing.F) {
	for _, seed := range []string{
		"root:x:0:0:root:/root:/bin/bash\n", "a:$y$x:1:2:3:4:5:6:\n", "Package: a\nStatus: install ok installed\nVersion: 1\n\n",
		"k = v\n-net/a.b = 2\n", " 0: 0100007F:1F90 00000000:0000 0A 0:0 0:0 0 0 0 7\n", "/dev/a /b\\040 ext4 rw 0 0\n",
		"APT { X \"1\"; };/* */\n", "-w /x -p wa\n", "auth [a=b] pam_x.so y\n", "Defaults a, b=\"c\" \\\n d\n", "chain i {\n hook input; policy drop\n}\n",
		"P:a\nV:1\n\n", "install a /bin/false\n", "* hard core 0\n", "0::/system.slice/a.service\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		lines := strings.Count(string(data), "\n") + 1
		check := func(n int) {
			if n < 0 || n > lines {
				t.Errorf("line %d of %d", n, lines)
			}
		}
		for _, u := range ParsePasswd(data) {
			check(u.Line)
		}
		for _, g := range ParseGroup(data) {
			check(g.Line)
		}
		for _, s := range ParseShadow(data) {
			check(s.Line)
		}
		for _, s := range ParseSysctl("f", data) {
			check(s.Line)
		}
		for _, s := range ParseAptConf("f", data) {
			check(s.Line)
		}
		for _, s := range ParseSudoers("f", data) {
			check(s.Line)
		}
		for _, e := range ParsePAM("f", data) {
			check(e.Line)
		}
		for _, r := range ParseAuditRules("f", data) {
			check(r.Line)
		}
		for _, m := range ParseMounts(data) {
			check(m.Line)
		}
		ParseOSRelease(data)
		ParseSockets("udp", data)
		ParseNftables(data)
		ParseIptables(data)
		parseBlocked("f", data, "a")
		ParseLimits("f", data, "core")
		ParseKeyValue("f", data, "k", '=')
		UnitOfCgroup(data)
		ParseCPUInfo(data)
	})
}

func FuzzCompareDebian(f *testing.F) {
	f.Add("1:2.3~rc1-4", "1.0+b", "0:~")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		if CompareDebian(a, a) != 0 {
			t.Errorf("%q differs from itself", a)
		}
		if x, y := CompareDebian(a, b), CompareDebian(b, a); (x < 0) != (y > 0) || (x == 0) != (y == 0) {
			t.Errorf("%q and %q: %d, but %d the other way", a, b, x, y)
		}
		if CompareDebian(a, b) <= 0 && CompareDebian(b, c) <= 0 && CompareDebian(a, c) > 0 {
			t.Errorf("%q, %q, %q have no order", a, b, c)
		}
	})
}

// parseBlocked is ParseModprobe narrowed to lines that block.
func parseBlocked(file string, data []byte, module string) (Setting, bool) {
	s, ok := ParseModprobe(file, data, module)
	return s, ok && blocks(s.Value)
}
