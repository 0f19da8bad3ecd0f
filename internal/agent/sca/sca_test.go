package sca

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rampart-sec/rampart/internal/agent/host"
)

// root makes a small host.
func root(t *testing.T, files map[string]string) *host.Host {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return host.New(dir, time.Unix(0, 0), nil)
}

// policy wraps rules of one check; PCRE unless the text says otherwise.
func policy(condition string, rules ...string) []byte {
	var b strings.Builder
	b.WriteString("policy:\n  id: t\n  name: T\n  regex_type: pcre2\nvariables:\n  $ssh: /etc/ssh/none,/etc/ssh/sshd_config\nchecks:\n  - id: 7\n    title: Seven\n    condition: " + condition + "\n    rules:\n")
	for _, r := range rules {
		b.WriteString("      - '" + strings.ReplaceAll(r, "'", "''") + "'\n")
	}
	return []byte(b.String())
}

func TestEvaluate(t *testing.T) {
	files := map[string]string{
		"etc/ssh/sshd_config":      "PermitRootLogin no\nMaxAuthTries 4\n# X11Forwarding yes\n",
		"etc/sysctl.d/a.conf":      "net.ipv4.ip_forward=0\n",
		"etc/sysctl.d/deep/b.conf": "kernel.kptr_restrict=2\n",
		"etc/empty":                "",
		"proc/sys/kernel/sysrq":    "0\n",
		"var/lib/dpkg/status":      "Package: bash\nStatus: install ok installed\n\nPackage: zsh\nStatus: deinstall ok config-files\n",
	}
	tests := []struct {
		name      string
		condition string
		rules     []string
		want      State
	}{
		{"line", "all", []string{`f:/etc/ssh/sshd_config -> r:^permitrootlogin\s+no$`}, Pass},
		{"commented line", "all", []string{`f:/etc/ssh/sshd_config -> r:^\s*X11Forwarding`}, Fail},
		{"terms on one line", "all", []string{`f:/etc/ssh/sshd_config -> r:PermitRootLogin && !r:yes`}, Pass},
		{"terms on two lines", "all", []string{`f:/etc/ssh/sshd_config -> r:PermitRootLogin && r:MaxAuthTries`}, Fail},
		{"a line that does not match", "all", []string{`f:/etc/ssh/sshd_config -> !r:PermitRootLogin`}, Pass},
		{"literal", "all", []string{`f:/etc/ssh/sshd_config -> MaxAuthTries 4`}, Pass},
		{"literal in part", "all", []string{`f:/etc/ssh/sshd_config -> MaxAuthTries`}, Fail},
		{"compare", "all", []string{`f:/etc/ssh/sshd_config -> n:^MaxAuthTries\s+(\d+) compare <= 4`}, Pass},
		{"compare fails", "all", []string{`f:/etc/ssh/sshd_config -> n:^MaxAuthTries\s+(\d+) compare < 4`}, Fail},
		{"compare no number", "all", []string{`f:/etc/ssh/sshd_config -> n:^PermitRootLogin (\w+) compare < 4`}, NotApplicable},
		{"not", "all", []string{`not f:/etc/ssh/sshd_config -> r:yes-no`}, Pass},
		{"file there", "all", []string{`f:/etc/empty`}, Pass},
		{"file not there", "all", []string{`f:/etc/nothing`}, Fail},
		{"not file not there", "all", []string{`not f:/etc/nothing`}, Pass},
		{"content of no file", "all", []string{`f:/etc/nothing -> r:x`}, NotApplicable},
		{"negation of no file", "all", []string{`not f:/etc/nothing -> r:x`}, NotApplicable},
		{"decisive beats open", "any", []string{`f:/etc/nothing -> r:x`, `f:/etc/empty`}, Pass},
		{"fail beats open", "all", []string{`f:/etc/nothing -> r:x`, `not f:/etc/empty`}, Fail},
		{"none", "none", []string{`f:/etc/nothing`}, Pass},
		{"none found", "none", []string{`f:/etc/nothing`, `f:/etc/empty`}, Fail},
		{"variable of several files", "all", []string{`f:$ssh -> r:PermitRootLogin`}, Pass},
		{"directory", "all", []string{`d:/etc/sysctl.d`}, Pass},
		{"directory content", "all", []string{`d:/etc/sysctl.d -> r:\.conf$ -> r:ip_forward=0`}, Pass},
		{"directory below", "all", []string{`d:/etc/sysctl.d -> b.conf -> r:kptr`}, Pass},
		{"directory other name", "all", []string{`d:/etc/sysctl.d -> r:\.cfg$ -> r:ip_forward=0`}, Fail},
		{"no directory", "all", []string{`d:/etc/none -> r:x -> r:y`}, NotApplicable},
		{"sysctl", "all", []string{`c:sysctl kernel.sysrq -> r:^kernel.sysrq = 0$`}, Pass},
		{"stat", "all", []string{`c:stat /etc/empty -> r:^Access: \(0644/-rw-r--r--\)`}, Pass},
		{"installed", "all", []string{`c:dpkg -s bash -> r:install ok installed`}, Pass},
		{"removed", "all", []string{`c:dpkg-query -s zsh -> r:install ok installed`}, Fail},
		{"never installed", "all", []string{`c:dpkg -s telnetd -> r:is not installed`}, Pass},
		{"shell", "all", []string{`c:sh -c "id" -> r:root`}, Unknown},
		{"command of a mounted root", "all", []string{`c:systemctl is-enabled x -> r:enabled`}, Unknown},
		{"bad pattern", "all", []string{`f:/etc/empty -> r:(`}, Invalid},
		{"bad kind", "all", []string{`x:/etc/empty`}, Invalid},
		{"bad condition", "some", []string{`f:/etc/empty`}, Invalid},
		{"registry here", "all", []string{`r:HKEY_LOCAL_MACHINE\X -> Y -> 1`}, NotApplicable},
	}
	h := root(t, files)
	for _, tt := range tests {
		t.Run(strings.ReplaceAll(tt.name, " ", "-"), func(t *testing.T) {
			p, err := Read("t.yml", policy(tt.condition, tt.rules...))
			if err != nil {
				t.Fatal(err)
			}
			r := Evaluate(t.Context(), h, p, Options{})[0]
			if r.State != tt.want {
				t.Errorf("%s (%s); want %s", r.State, r.Reason, tt.want)
			}
			if r.Reason == "" {
				t.Error("no reason")
			}
		})
	}
}

// TestLiveCommands runs real programs where that is allowed.
func TestLiveCommands(t *testing.T) {
	h := host.New("/", time.Now(), nil)
	shell := `sh -c "echo approved"`
	p, err := Read("t.yml", policy("all", `c:uname -s -> r:^Linux$`, `c:`+shell+` -> r:^approved$`))
	if err != nil {
		t.Fatal(err)
	}
	if r := Evaluate(t.Context(), h, p, Options{Live: true})[0]; r.State != Unknown || !strings.Contains(r.Reason, "local approval") {
		t.Errorf("without approval: %s (%s)", r.State, r.Reason)
	}
	o := Options{Live: true, Approved: map[string]bool{Digest(shell): true}}
	if r := Evaluate(t.Context(), h, p, o)[0]; r.State != Pass {
		t.Errorf("with approval: %s (%s)", r.State, r.Reason)
	}
}

func TestAllowed(t *testing.T) {
	yes := []string{"auditctl -l", "systemctl is-enabled cups.service", "sshd -T", "sshd -T -C user=root,host=a,addr=1.2.3.4", "findmnt -kn /tmp",
		"nft list ruleset", "iptables -L INPUT -v -n", "modprobe -n -v udf", "rpm -q aide", "rpm -qa --qf %{NAME}", "ufw status verbose", "/usr/bin/stat -Lc %a /etc/passwd",
		"find /boot -name grub.cfg", "dpkg-query -W -f=${Status} aide", "sysctl -n kernel.sysrq", "journalctl -u sshd"}
	no := []string{"sh -c id", "bash x", "auditctl -D", "systemctl start x", "systemctl -H evil is-active x", "sshd -T -f /tmp/x", "nft -f /tmp/x list", "nft flush ruleset",
		"iptables -F", "iptables -L -Z", "modprobe udf", "modprobe -r -n -C /tmp udf", "rpm -e x", "rpm -qa --pipe id", "rpm --eval %(id)", "ufw disable", "/tmp/stat /etc",
		"find / -exec id {} +", "find / -delete", "sysctl -w kernel.sysrq=1", "sysctl kernel.sysrq=1", "sysctl -p", "awk BEGIN{system(id)}", "journalctl --rotate", "ip netns exec a id", "mount -o remount /", "../stat /etc"}
	for want, lines := range map[bool][]string{true: yes, false: no} {
		for _, line := range lines {
			argv, err := splitCommand(line)
			if err != nil {
				t.Fatal(err)
			}
			if got := allowed(argv); got != want {
				t.Errorf("allowed(%q) = %v", line, got)
			}
		}
	}
}

func TestOSRegex(t *testing.T) {
	tests := []struct {
		pattern, line string
		want          bool
	}{
		{`^\s*\t*PASS\.+90`, " PASS_MAX_DAYS 90", true},
		{`a.b`, "axb", false},
		{`a.b`, "a.b", true},
		{`\d+/\w+`, "12/ro-ot", true},
		{`Access:\s*\(0644/-rw-r--r--\)`, "Access: (0644/-rw-r--r--)", true},
		{`^yes$|^no$`, "no", true},
	}
	for _, tt := range tests {
		p, err := parsePattern("r:"+tt.pattern, osRegex)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := p.matches(tt.line); got != tt.want {
			t.Errorf("%q on %q: %v", tt.pattern, tt.line, got)
		}
	}
}

func TestReadVersion5(t *testing.T) {
	p, err := Read("5.yml", []byte(`policy: {id: a, name: B}
requirements: {title: r, condition: all, rules: ['f:/etc/nothing']}
checks:
  - id: abc
    name: Five
    description: why
    compliance: {cis: ["1.2"], pci: "3"}
    condition: all
    rules: ['f:/etc/empty']
`))
	if err != nil {
		t.Fatal(err)
	}
	c := p.Checks[0]
	if c.Title != "Five" || c.Rationale != "why" || c.Compliance["cis"][0] != "1.2" || c.Compliance["pci"][0] != "3" {
		t.Errorf("%+v", c)
	}
	if r := Evaluate(t.Context(), root(t, nil), p, Options{})[0]; r.State != NotApplicable {
		t.Errorf("requirements not met, but %s", r.State)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(policy("all", `f:/etc/passwd -> n:^a(\d+) compare >= 3 && !r:x`, `d:/etc -> r:x -> y`, `c:a "b c" -> r:\.`))
	f.Add([]byte("policy:\nchecks:\n - id: 1\n   rules: ['']\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Read("f.yml", data)
		if err != nil {
			return
		}
		for _, c := range p.Checks {
			for _, r := range c.Rules {
				if r.Err == nil && (len(r.Subject) == 0 && r.Kind == KindCommand) {
					t.Errorf("rule %q has no subject", r.Text)
				}
			}
		}
	})
}
