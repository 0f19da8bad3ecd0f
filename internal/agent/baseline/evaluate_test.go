package baseline

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/rampart-sec/rampart/content/baselines"
	"github.com/rampart-sec/rampart/internal/agent/host"
)

var instant = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

type files map[string]string

// tree writes files below a new root; a name that ends in "@" is a symbolic link.
func tree(t *testing.T, f files) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range f {
		link, isLink := strings.CutSuffix(name, "@")
		p := filepath.Join(root, link)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if isLink {
			err = os.Symlink(text, p)
		} else {
			err = os.WriteFile(p, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// check reads one check with the rule given as YAML flow text.
func check(t *testing.T, rest string) *baselines.Baseline {
	t.Helper()
	text := "id: t\nversion: 1.0.0\ntitle: T\nos: linux\nchecks:\n  - id: c\n    title: C\n    severity: low\n    rationale: r\n    remediation: f\n" + rest
	b, err := baselines.Read("t.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func evaluate(t *testing.T, root, rule string) Result {
	t.Helper()
	return Evaluate(host.New(root, instant, nil), []*baselines.Baseline{check(t, "    rule: "+rule+"\n")})[0]
}

// passwd has root with the id that the test's files belong to, and a person
// whose home is root's whoever runs the test.
var passwd = fmt.Sprintf("root:x:%d:%d::/root:/bin/bash\nann:x:1998:1998::/root:/bin/bash\nbob:x:1999:1999::/home/bob:/bin/bash\ndaemon:x:2:2::/:/usr/sbin/nologin\n", os.Getuid(), os.Getgid())

const (
	debian = "ID=debian\nVERSION_ID=12\nPRETTY_NAME=Debian 12\n"
	status = "Package: openssh-server\nStatus: install ok installed\nVersion: 1:9.2p1-2\nArchitecture: amd64\n\n"
)

func TestProcedures(t *testing.T) {
	tests := []struct {
		name  string
		files files
		rule  string
		want  State
		where string // evidence path, if it matters
	}{
		{"sshd-pass", files{"etc/ssh/sshd_config": "PermitRootLogin no\n"}, `{sshdOption: {option: PermitRootLogin, equals: "no"}}`, Pass, "/etc/ssh/sshd_config"},
		{"sshd-fail", files{"etc/ssh/sshd_config": "\nPermitRootLogin yes\n"}, `{sshdOption: {option: PermitRootLogin, equals: "no"}}`, Fail, "/etc/ssh/sshd_config"},
		{"sshd-default", files{"etc/ssh/sshd_config": ""}, `{sshdOption: {option: MaxAuthTries, max: 4}}`, Fail, ""},
		{"sshd-time", files{"etc/ssh/sshd_config": "LoginGraceTime 1m\n"}, `{sshdOption: {option: LoginGraceTime, min: 1, max: 60}}`, Pass, ""},
		{"sshd-unknown-option", files{"etc/ssh/sshd_config": ""}, `{sshdOption: {option: Flurb, equals: x}}`, Unknown, ""},
		{"sshd-list", files{"etc/ssh/sshd_config": "Ciphers +aes128-cbc\n"}, `{sshdOption: {option: Ciphers, excludes: ["*-cbc"]}}`, Fail, ""},
		{"sysctl-pass", files{"proc/sys/kernel/a": "2\n"}, `{sysctl: {key: kernel.a, equals: "2"}}`, Pass, "/proc/sys/kernel/a"},
		{"sysctl-boot", files{"proc/sys/kernel/a": "2\n", "etc/sysctl.d/x.conf": "kernel.a=0\n"}, `{sysctl: {key: kernel.a, equals: "2"}}`, Fail, "/etc/sysctl.d/x.conf"},
		{"sysctl-none", files{"proc/sys/kernel/a": "2\n"}, `{sysctl: {key: kernel.b, equals: "2"}}`, NotApplicable, ""},
		{"sysctl-no-proc", nil, `{sysctl: {key: kernel.b, equals: "2"}}`, Unknown, "/proc/sys"},
		{"permissions-pass", files{"etc/passwd": passwd, "etc/x": ""}, `{filePermissions: {paths: [/etc/x], owner: [root], mode: "0644"}}`, Pass, "/etc/x"},
		{"permissions-fail", files{"etc/passwd": passwd, "etc/x": ""}, `{filePermissions: {paths: [/etc/x*], owner: [root], mode: "0600"}}`, Fail, "/etc/x"},
		{"permissions-owner", files{"etc/passwd": passwd, "etc/x": ""}, `{filePermissions: {paths: [/etc/x], owner: [bob], mode: "0644"}}`, Fail, ""},
		{"permissions-none", nil, `{filePermissions: {paths: [/etc/x], mode: "0644"}}`, NotApplicable, ""},
		{"file-exists", files{"etc/x1": ""}, `{fileExists: {paths: [/etc/y, /etc/x*]}}`, Pass, "/etc/x1"},
		{"file-absent", nil, `{fileExists: {paths: [/etc/y]}}`, Fail, "/etc/y"},
		{"line-pass", files{"etc/x": "# a b\nA  B\n"}, `{fileLine: {paths: [/etc/x], means: a line, matches: 'a\s+b'}}`, Pass, "/etc/x"},
		{"line-comment", files{"etc/x": "# a b\n"}, `{fileLine: {paths: [/etc/x], means: a line, matches: 'a b'}}`, Fail, "/etc/x"},
		{"line-no-file", nil, `{fileLine: {paths: [/etc/x], means: a line, matches: a, missing: notApplicable}}`, NotApplicable, ""},
		{"key-value", files{"etc/x": "a = 1\n", "etc/x.d/y": "a=5\n"}, `{keyValue: {paths: [/etc/x, /etc/x.d/*], key: a, min: 5}}`, Pass, "/etc/x.d/y"},
		{"key-missing", files{"etc/x": ""}, `{keyValue: {paths: [/etc/x], key: a, min: 5, missing: pass}}`, Pass, "/etc/x"},
		{"login-defs", files{"etc/login.defs": "UMASK\t022\n"}, `{loginDefs: {key: UMASK, in: ["027", "077"]}}`, Fail, "/etc/login.defs"},
		{"apt-option", files{"etc/apt/apt.conf.d/20auto": `APT::Periodic::Unattended-Upgrade "1";`}, `{aptOption: {key: "APT::Periodic::Unattended-Upgrade", notIn: ["0"]}}`, Pass, ""},
		{"limit", files{"etc/security/limits.conf": "* soft core 1\n* hard core 0\n"}, `{limit: {item: core, equals: "0"}}`, Pass, ""},
		{"kernel-argument", files{"proc/cmdline": "quiet mitigations=off\n"}, `{kernelArgument: {name: mitigations, notIn: ["off"], missing: pass}}`, Fail, "/proc/cmdline"},
		{"module-blocked", files{"proc/modules": "", "etc/modprobe.d/x.conf": "install a /bin/false\n"}, `{kernelModuleDisabled: {module: a}}`, Pass, "/etc/modprobe.d/x.conf"},
		{"module-loaded", files{"proc/modules": "a_b 1 0\n", "etc/modprobe.d/x.conf": "install a-b /bin/false\n"}, `{kernelModuleDisabled: {module: a-b}}`, Fail, "/proc/modules"},
		{"module-not-built", files{"proc/sys/kernel/osrelease": "6.1\n", "lib/modules/6.1/modules.dep": "kernel/x/b.ko.xz:\n"}, `{kernelModuleDisabled: {module: a}}`, Pass, ""},
		{"mount-point", files{"proc/self/mounts": "/dev/a / ext4 rw 0 0\n"}, `{mountPoint: {path: /tmp}}`, Fail, "/tmp"},
		{"mount-option", files{"proc/self/mounts": "t /tmp tmpfs rw,nosuid,nodev 0 0\n"}, `{mountOption: {path: /tmp, options: [nosuid, nodev]}}`, Pass, "/tmp"},
		{"mount-option-none", files{"proc/self/mounts": "/dev/a / ext4 rw 0 0\n"}, `{mountOption: {path: /tmp, options: [nosuid]}}`, NotApplicable, ""},
		{"package", files{"var/lib/dpkg/status": status}, `{packageInstalled: {names: [x, openssh-server]}}`, Pass, ""},
		{"package-absent", files{"var/lib/dpkg/status": status}, `{packageAbsent: {names: [x, openssh-server]}}`, Fail, ""},
		{"package-unknown", nil, `{packageAbsent: {names: [x]}}`, Unknown, ""},
		{"pam", files{"etc/pam.d/su": "auth required pam_wheel.so\n"}, `{pamModule: {services: [su], type: auth, module: pam_wheel}}`, Pass, "/etc/pam.d/su"},
		{"pam-argument", files{"etc/pam.d/p": "password required pam_x.so remember=3\n"}, `{pamModule: {services: [p], module: pam_x, argument: remember, min: 5}}`, Fail, "/etc/pam.d/p"},
		{"pam-none", nil, `{pamModule: {services: [su], type: auth, module: pam_wheel}}`, NotApplicable, ""},
		{"hash", files{"etc/shadow": "a:$1$x$y:1:0:9:7:::\nb:!:1:0:9:7:::\n"}, `{passwordHash: {allowed: [sha512]}}`, Fail, "/etc/shadow"},
		{"empty-password", files{"etc/shadow": "a::1:0:9:7:::\n"}, `{passwordNotEmpty: {}}`, Fail, "/etc/shadow"},
		{"shadow-field", files{"etc/shadow": "a:$6$x$y:1:0:99999:7:::\nb:!:1:::7:::\n"}, `{userShadow: {field: maxDays, max: 365}}`, Fail, "/etc/shadow"},
		{"shadow-locked", files{"etc/shadow": "b:!:1:::7:::\n"}, `{userShadow: {field: maxDays, max: 365}}`, Pass, ""},
		{"uid-zero", files{"etc/passwd": "root:x:0:0::/:/bin/sh\ntoor:x:0:0::/:/bin/sh\n"}, `{uidZero: {names: [root]}}`, Fail, "/etc/passwd"},
		{"unique", files{"etc/passwd": "a:x:1:1::/:/x\nb:x:1:1::/:/x\n", "etc/group": ""}, `{accountUnique: {of: uid}}`, Fail, "/etc/passwd"},
		{"unique-group", files{"etc/passwd": "", "etc/group": "a:x:1:\nb:x:2:\n"}, `{accountUnique: {of: gid}}`, Pass, "/etc/group"},
		{"system-shell", files{"etc/passwd": "svc:x:100:1::/:/bin/bash\n"}, `{systemAccountShell: {shells: [/bin/false]}}`, Fail, ""},
		{"home", files{"etc/passwd": passwd, "root/x": ""}, `{homeDirectory: {mode: "0700"}}`, Fail, "/root"},
		{"user-files", files{"etc/passwd": passwd, "root/.netrc": ""}, `{userFiles: {names: [.netrc], mode: "0600"}}`, Fail, "/root/.netrc"},
		{"user-files-none", files{"etc/passwd": passwd}, `{userFiles: {names: [.netrc], mode: "0600"}}`, NotApplicable, ""},
		{"port", files{"proc/net/tcp": "h\n 0: 00000000:0017 0:0 0A 0:0 0:0 0 0 0 7\n"}, `{portNotListening: {protocol: tcp, ports: [23]}}`, Fail, ""},
		{"port-loopback", files{"proc/net/tcp": "h\n 0: 0100007F:0017 0:0 0A 0:0 0:0 0 0 0 7\n"}, `{portNotListening: {protocol: tcp, ports: [23]}}`, Pass, ""},
		{"port-no-proc", nil, `{portNotListening: {protocol: tcp, ports: [23]}}`, Unknown, ""},
		{"process", files{"proc/7/comm": "telnetd\n"}, `{processAbsent: {names: [telnetd]}}`, Fail, ""},
		{"unit-off", files{"lib/systemd/system/a.service": "[Install]\n", "etc/systemd/system/x.wants/a.service@": "/lib/systemd/system/a.service"}, `{unitOff: {names: [a]}}`, Fail, ""},
		{"unit-enabled", files{"lib/systemd/system/a.service": "[Install]\n"}, `{unitEnabled: {names: [a]}}`, Fail, ""},
		{"unit-process", files{"proc/7/comm": "chronyd\n"}, `{unitActive: {names: [chrony], processes: [chronyd]}}`, Pass, ""},
		{"unit-no-systemd", nil, `{unitActive: {names: [chrony]}}`, Unknown, "/run/systemd/system"},
		{"firewall", files{"etc/ufw/ufw.conf": "ENABLED=yes\n", "etc/default/ufw": "DEFAULT_INPUT_POLICY=\"DROP\"\n"}, `{firewallDefaultDeny: {}}`, Pass, "/etc/ufw/ufw.conf"},
		{"firewall-off", files{"etc/ufw/ufw.conf": "ENABLED=no\n"}, `{firewallActive: {}}`, Fail, "/etc/ufw/ufw.conf"},
		{"audit", files{"etc/audit/rules.d/a.rules": "-w /etc/passwd -p wa\n"}, `{auditRule: {watch: /etc/passwd}}`, Pass, "/etc/audit/rules.d/a.rules"},
		{"audit-none", nil, `{auditRule: {syscalls: [unlink]}}`, Fail, ""},
		{"sudoers", files{"etc/sudoers": "bob ALL=NOPASSWD: ALL\n"}, `{sudoers: {forbid: NOPASSWD}}`, Fail, "/etc/sudoers"},
		{"sudoers-default", files{"etc/sudoers": "Defaults use_pty\n"}, `{sudoers: {default: use_pty}}`, Pass, "/etc/sudoers"},
		{"sudoers-none", nil, `{sudoers: {default: use_pty}}`, NotApplicable, ""},
		{"selinux", files{"sys/fs/selinux/enforce": "1"}, `{securityModule: {anyOf: [apparmor, selinux]}}`, Pass, ""},
		{"apparmor-unread", files{"sys/module/apparmor/parameters/enabled": "Y\n"}, `{securityModule: {anyOf: [apparmor]}}`, Unknown, ""},
		{"apparmor-empty", files{"sys/module/apparmor/parameters/enabled": "Y\n", "sys/kernel/security/apparmor/profiles": "a (complain)\n"}, `{securityModule: {anyOf: [apparmor]}}`, Fail, ""},
		{"release", files{"etc/os-release": debian}, `{releaseSupported: {ends: {debian-12: 2026-01-01}}}`, Fail, ""},
		{"release-unknown", files{"etc/os-release": debian}, `{releaseSupported: {ends: {debian-11: 2026-01-01}}}`, Unknown, ""},
		{"reboot", files{"run/reboot-required": ""}, `{rebootNotPending: {}}`, Fail, "/run/reboot-required"},
		{"cpu", files{"sys/devices/system/cpu/vulnerabilities/a": "Vulnerable: x\n"}, `{cpuVulnerability: {}}`, Fail, ""},
		{"encrypted", files{"proc/self/mounts": "/dev/a / ext4 rw 0 0\n", "sys/class/block/a/size": "1"}, `{diskEncrypted: {path: /}}`, Fail, "/sys/class/block/a"},
		{"secure-boot", files{"sys/firmware/efi/efivars/SecureBoot-x": "\x06\x00\x00\x00\x01"}, `{secureBoot: {}}`, Pass, ""},
		{"not", files{"etc/x": ""}, `{not: {fileExists: {paths: [/etc/x]}}}`, Fail, "/etc/x"},
		{"all-of-unknown", files{"etc/x": ""}, `{allOf: [{fileExists: {paths: [/etc/x]}}, {packageAbsent: {names: [x]}}]}`, Unknown, ""},
		{"all-of-fail-beats-unknown", nil, `{allOf: [{packageAbsent: {names: [x]}}, {fileExists: {paths: [/etc/x]}}]}`, Fail, ""},
		{"any-of-pass-beats-unknown", files{"etc/x": ""}, `{anyOf: [{packageAbsent: {names: [x]}}, {fileExists: {paths: [/etc/x]}}]}`, Pass, ""},
		{"any-of-unknown", nil, `{anyOf: [{packageAbsent: {names: [x]}}, {fileExists: {paths: [/etc/x]}}]}`, Unknown, ""},
		{"all-of-leaves-out", files{"etc/x": ""}, `{allOf: [{sudoers: {forbid: NOPASSWD}}, {fileExists: {paths: [/etc/x]}}]}`, Pass, ""},
		{"all-of-nothing", nil, `{allOf: [{sudoers: {forbid: NOPASSWD}}]}`, NotApplicable, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := evaluate(t, tree(t, tt.files), tt.rule)
			if got.State != tt.want {
				t.Errorf("%s (%+v); want %s", got.State, got.Evidence, tt.want)
			}
			if tt.where != "" && got.Evidence.Path != tt.where {
				t.Errorf("evidence is at %q; want %q", got.Evidence.Path, tt.where)
			}
			if got.State == Unknown && got.Evidence.Note == "" {
				t.Errorf("nothing says why it is unknown: %+v", got.Evidence)
			}
		})
	}
}

// TestEveryProcedureIsKnown holds the table of procedures and the rule's
// fields together.
func TestEveryProcedureIsKnown(t *testing.T) {
	e := &evaluator{h: host.New(t.TempDir(), instant, nil)}
	rule := reflect.TypeFor[baselines.Rule]()
	for i := range rule.NumField() {
		f := rule.Field(i)
		if f.Type.Kind() != reflect.Pointer {
			continue
		}
		var r baselines.Rule
		arg := reflect.New(f.Type.Elem())
		for _, name := range []string{"Paths"} { // procedures may count on at least one path
			if v := arg.Elem(); v.Kind() == reflect.Struct && v.FieldByName(name).IsValid() {
				v.FieldByName(name).Set(reflect.ValueOf([]string{"/x"}))
			}
		}
		if f.Name == "Not" {
			arg.Elem().Set(reflect.ValueOf(baselines.Rule{SSHServer: &struct{}{}}))
		}
		reflect.ValueOf(&r).Elem().Field(i).Set(arg)
		if o := e.rule(&r); strings.Contains(o.evidence.Note, "does not know the procedure") {
			t.Errorf("%s is not evaluated", f.Name)
		}
	}
}

func TestPlatformAndWhen(t *testing.T) {
	rule := "    rule: {fileExists: {paths: [/etc/os-release]}}\n"
	tests := []struct {
		name, text string
		files      files
		want       State
	}{
		{"family", "    platform: {family: [debian]}\n", files{"etc/os-release": debian}, Pass},
		{"other-family", "    platform: {family: [rhel]}\n", files{"etc/os-release": debian}, NotApplicable},
		{"distribution", "    platform: {distribution: [debian]}\n", files{"etc/os-release": debian}, Pass},
		{"no-os-release", "    platform: {family: [debian]}\n", nil, Unknown},
		{"no-container-wanted", "    platform: {container: false}\n", files{"etc/os-release": debian, ".dockerenv": ""}, NotApplicable},
		{"container-wanted", "    platform: {container: true}\n", files{"etc/os-release": debian}, NotApplicable},
		{"when-fails", "    when: {sshServer: {}}\n", files{"etc/os-release": debian, "usr/sbin/cron": ""}, NotApplicable},
		{"when-cannot-look", "    when: {sshServer: {}}\n", files{"etc/os-release": debian}, Unknown},
		{"when-unknown", "    when: {packageInstalled: {names: [x]}}\n", files{"etc/os-release": debian}, Unknown},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := check(t, tt.text+rule)
			got := Evaluate(host.New(tree(t, tt.files), instant, nil), []*baselines.Baseline{b})[0]
			if got.State != tt.want || got.State != Pass && got.Evidence.Note == "" {
				t.Errorf("%s (%+v); want %s with a reason", got.State, got.Evidence, tt.want)
			}
		})
	}
}

func TestEvidenceTemplate(t *testing.T) {
	b := check(t, "    evidence: '{found} in {path} line {line}, not {wanted}'\n    rule: {sshdOption: {option: PermitRootLogin, equals: 'no'}}\n")
	root := tree(t, files{"etc/ssh/sshd_config": "PermitRootLogin yes\n"})
	got := Evaluate(host.New(root, instant, nil), []*baselines.Baseline{b})[0].Evidence.Note
	if want := "PermitRootLogin yes in /etc/ssh/sshd_config line 1, not no"; got != want {
		t.Errorf("%q; want %q", got, want)
	}
}

func TestEvidenceIsCleanAndShort(t *testing.T) {
	nasty := "\x1b[31mred\x00\u202eevil\xff" + strings.Repeat("é", 300)
	root := tree(t, files{"etc/ssh/sshd_config": "Banner " + nasty + "\n"})
	got := evaluate(t, root, `{sshdOption: {option: Banner, equals: none}}`).Evidence.Found
	if !utf8.ValidString(got) || strings.ContainsAny(got, "\x1b\x00\u202e") || len(got) > maxFound || !strings.HasSuffix(got, "...") {
		t.Errorf("evidence %q", got)
	}
}

// TestUnreadableIsUnknown runs as an ordinary user would: a file that may not
// be read is named, and nothing passes because of it.
func TestUnreadableIsUnknown(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may read everything; run as an ordinary user")
	}
	root := tree(t, files{"etc/shadow": "a:$1$x$y:1:0:9:7:::\n"})
	if err := os.Chmod(filepath.Join(root, "etc/shadow"), 0); err != nil {
		t.Fatal(err)
	}
	got := evaluate(t, root, `{passwordHash: {allowed: [sha512]}}`)
	want := Evidence{Path: "/etc/shadow", Note: "permission denied"}
	if got.State != Unknown || got.Evidence != want {
		t.Errorf("%s %+v; want unknown %+v", got.State, got.Evidence, want)
	}
}

// BenchmarkBaseline judges this machine by the embedded baselines, everything
// read anew each time.
func BenchmarkBaseline(b *testing.B) {
	all, err := baselines.Load()
	if err != nil {
		b.Fatal(err)
	}
	checks := 0
	for b.Loop() {
		checks = len(Evaluate(host.New("/", time.Now(), nil), all))
	}
	b.ReportMetric(float64(checks), "checks")
}
