package host

import (
	"strings"
	"testing"
)

func TestSSHDOption(t *testing.T) {
	main := "/etc/ssh/sshd_config"
	tests := []struct {
		name   string
		files  map[string]string
		option string
		want   Setting
	}{
		{"set", map[string]string{main: "# c\nPermitRootLogin yes\n"}, "PermitRootLogin", Setting{"yes", main, 2}},
		{"case-and-equals", map[string]string{main: "permitrootlogin = \"no\" # why\n"}, "PermitRootLogin", Setting{"no", main, 1}},
		{"first-wins", map[string]string{main: "PermitRootLogin no\nPermitRootLogin yes\n"}, "PermitRootLogin", Setting{"no", main, 1}},
		{"default", map[string]string{main: "Port 22\n"}, "PermitRootLogin", Setting{"prohibit-password", main, 0}},
		{"match-is-not-global", map[string]string{main: "Match User bob\n  PermitRootLogin yes\n"}, "PermitRootLogin", Setting{"prohibit-password", main, 0}},
		{"match-all-is", map[string]string{main: "Match User bob\n X11Forwarding no\nMatch all\nPermitRootLogin yes\n"}, "PermitRootLogin", Setting{"yes", main, 4}},
		{"include-in-place", map[string]string{
			main:                            "Include /etc/ssh/sshd_config.d/*.conf\nPermitRootLogin yes\n",
			"/etc/ssh/sshd_config.d/a.conf": "PermitRootLogin no\n",
		}, "PermitRootLogin", Setting{"no", "/etc/ssh/sshd_config.d/a.conf", 1}},
		{"include-order", map[string]string{
			main:                             "Include sshd_config.d/*.conf\n",
			"/etc/ssh/sshd_config.d/20.conf": "PermitRootLogin yes\n",
			"/etc/ssh/sshd_config.d/10.conf": "PermitRootLogin no\n",
		}, "PermitRootLogin", Setting{"no", "/etc/ssh/sshd_config.d/10.conf", 1}},
		{"match-of-an-included-file-ends-with-it", map[string]string{
			main:                            "Include sshd_config.d/*.conf\nPermitRootLogin yes\n",
			"/etc/ssh/sshd_config.d/a.conf": "Match User bob\nPermitRootLogin no\n",
		}, "PermitRootLogin", Setting{"yes", main, 2}},
		{"include-loop", map[string]string{main: "Include sshd_config\nPermitRootLogin no\n"}, "PermitRootLogin", Setting{"no", main, 2}},
		{"old-name", map[string]string{main: "ChallengeResponseAuthentication no\n"}, "KbdInteractiveAuthentication", Setting{"no", main, 1}},
		{"old-version", map[string]string{
			main: "\n", "/var/lib/dpkg/status": "Package: openssh-server\nStatus: install ok installed\nVersion: 1:6.6p1-2\n",
		}, "PermitRootLogin", Setting{"yes", main, 0}},
		{"algorithms-removed", map[string]string{main: "Ciphers -*-ctr,chacha*\n"}, "Ciphers",
			Setting{"aes128-gcm@openssh.com,aes256-gcm@openssh.com", main, 1}},
		{"no-file", nil, "PermitEmptyPasswords", Setting{"no", main, 0}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tree(t, tt.files).SSHDOption(tt.option)
			if err != nil || got != tt.want {
				t.Errorf("got %+v, %v; want %+v", got, err, tt.want)
			}
		})
	}
}

func TestParseSSHVersion(t *testing.T) {
	for v, want := range map[string]int{"1:9.2p1-2+deb12u3": 902, "7.4p1": 704, "1:10.0p1-7": 1000, "": 0, "x.y": 0, "9": 0} {
		if got := parseSSHVersion(v); got != want {
			t.Errorf("%q is %d; want %d", v, got, want)
		}
	}
}

func TestApplyAlgorithms(t *testing.T) {
	tests := []struct{ def, value, want string }{
		{"a,b", "c", "c"}, {"a,b", "+c", "a,b,c"}, {"a,b", "^c", "c,a,b"}, {"a,b", "-a", "b"}, {"a1,b,a2", "-a*", "b"}, {"a", "", ""},
	}
	for _, tt := range tests {
		if got := applyAlgorithms(tt.def, tt.value); got != tt.want {
			t.Errorf("%q changed by %q is %q; want %q", tt.def, tt.value, got, tt.want)
		}
	}
}

func FuzzSSHD(f *testing.F) {
	f.Add([]byte("Include x\nMatch User a\nPort 22\nCiphers ^a,b\n"))
	f.Add([]byte("PermitRootLogin=\"no\" # x\r\nInclude *\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := sshdReader{
			dir: "/etc/ssh", conf: &SSHD{Options: map[string]Setting{}},
			glob: func(p string) ([]string, error) { return []string{p}, nil },
			read: func(string) ([]byte, error) { return data, nil }, // every include is the file itself
		}
		r.parse("f", data, 0, "")
		for key, s := range r.conf.Options {
			if key != strings.ToLower(key) || s.Line <= 0 {
				t.Errorf("option %q has %+v", key, s)
			}
		}
		if len(r.conf.Files) > maxIncludes+1 {
			t.Errorf("%d files were read", len(r.conf.Files))
		}
	})
}
