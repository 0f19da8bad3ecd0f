package baseline

import (
	"testing"
	"time"

	"github.com/rampart-sec/rampart/content/baselines"
	"github.com/rampart-sec/rampart/internal/agent/host"
)

// embedded evaluates the embedded baselines over a root and gives the results
// by check.
func embedded(t *testing.T, root string) map[string]Result {
	t.Helper()
	all, err := baselines.Load()
	if err != nil {
		t.Fatal(err)
	}
	byID := map[string]Result{}
	for _, r := range Evaluate(host.New(root, time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), nil), all) {
		byID[r.Check.ID] = r
	}
	return byID
}

// debianSSH is what Debian 12 installs, shortened to what says something.
const debianSSH = "Include /etc/ssh/sshd_config.d/*.conf\nKbdInteractiveAuthentication no\nUsePAM yes\nX11Forwarding yes\nPrintMotd no\nAcceptEnv LANG LC_*\nSubsystem sftp /usr/lib/openssh/sftp-server\n"

// TestDefaultDebian says what the checks that count make of a fresh server.
func TestDefaultDebian(t *testing.T) {
	root := tree(t, files{
		"etc/os-release": debian, "etc/ssh/sshd_config": debianSSH, "var/lib/dpkg/status": status,
		"etc/passwd": passwd, "etc/group": "root:x:0:\nr:x:7:\n", "etc/shadow": "root:*:1:0:99999:7:::\n",
	})
	results := embedded(t, root)
	want := map[string]State{
		"ssh-permit-root-login": Fail, "ssh-password-authentication": Fail, "ssh-permit-empty-passwords": Pass, "ssh-ciphers": Pass,
		"ssh-macs": Fail, "ssh-use-pam": Pass, "ssh-x11-forwarding": Fail, "ssh-strict-modes": Pass, "ssh-access-list": Fail,
		"firewall-default-deny": Fail, "accounts-no-empty-passwords": Pass, "accounts-group-zero": Pass,
		"updates-security": Unknown, "kernel-aslr": Unknown, "release-supported": Pass, "dnf-signatures": NotApplicable,
	}
	for id, state := range want {
		if got := results[id]; got.State != state {
			t.Errorf("%s is %s (%+v); want %s", id, got.State, got.Evidence, state)
		}
	}
}

// TestHardened is the other side: the same checks pass once their remediation
// was followed.
func TestHardened(t *testing.T) {
	root := tree(t, files{
		"etc/os-release": debian, "etc/ssh/sshd_config": debianSSH,
		"etc/ssh/sshd_config.d/00.conf": "PermitRootLogin no\nPasswordAuthentication no\nMACs -hmac-sha1*,umac-64*\nX11Forwarding no\nAllowGroups ssh\n",
		"var/lib/dpkg/status":           status,
		"etc/ufw/ufw.conf":              "ENABLED=yes\n", "etc/default/ufw": "DEFAULT_INPUT_POLICY=DROP\n",
		"proc/sys/kernel/randomize_va_space": "2\n",
		"etc/login.defs":                     "UMASK 027\nPASS_MAX_DAYS 365\nPASS_MIN_DAYS 1\nENCRYPT_METHOD YESCRYPT\n",
		"etc/group":                          "root:x:0:\nroots:x:0:\n",
	})
	results := embedded(t, root)
	want := map[string]State{
		"ssh-permit-root-login": Pass, "ssh-password-authentication": Pass, "ssh-macs": Pass, "ssh-x11-forwarding": Pass, "ssh-access-list": Pass,
		"firewall-default-deny": Pass, "firewall-active": Pass, "kernel-aslr": Pass,
		"accounts-umask": Pass, "password-max-days": Pass, "password-min-days": Pass, "accounts-hash-method": Pass,
		"accounts-group-zero": Fail, "accounts-no-empty-passwords": Unknown,
	}
	for id, state := range want {
		if got := results[id]; got.State != state {
			t.Errorf("%s is %s (%+v); want %s", id, got.State, got.Evidence, state)
		}
	}
}

// TestRHEL sees that packages of a family that keeps rpm in an old format are
// unknown, and that nothing is taken for Debian.
func TestRHEL(t *testing.T) {
	results := embedded(t, tree(t, files{
		"etc/os-release": "ID=rhel\nVERSION_ID=8.9\nID_LIKE=fedora\n", "var/lib/rpm/Packages": "x",
		"etc/dnf/dnf.conf": "[main]\ngpgcheck=1\n", "etc/ssh/sshd_config": "PermitRootLogin no\n",
		"etc/pam.d/system-auth": "auth required pam_faillock.so preauth\npassword requisite pam_pwquality.so minlen=15\n",
	}))
	want := map[string]State{
		"service-telnet-server": Unknown, "apt-signatures": NotApplicable, "dnf-signatures": Pass, "ssh-permit-root-login": Pass,
		"password-lockout": Pass, "password-min-length": Pass, "release-supported": Pass, "updates-security": Unknown,
	}
	for id, state := range want {
		if got := results[id]; got.State != state {
			t.Errorf("%s is %s (%+v); want %s", id, got.State, got.Evidence, state)
		}
	}
}
