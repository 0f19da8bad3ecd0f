package host

import (
	"os"
	"path/filepath"
	"testing"
)

func TestUnits(t *testing.T) {
	h := tree(t, map[string]string{
		"lib/systemd/system/ssh.service":    "[Install]\nWantedBy=multi-user.target\n",
		"lib/systemd/system/cron.service":   "[Install]\n",
		"lib/systemd/system/static.service": "[Service]\n",
		"lib/systemd/system/bad.service":    "[Install]\n",
		"etc/init.d/old":                    "#!/bin/sh\n",
		"etc/rc2.d/S01old":                  "",
		"etc/rc2.d/S02gone":                 "",
		"run/systemd/system/.keep":          "",
		"proc/10/comm":                      "sshd\n",
		"proc/10/cgroup":                    "0::/system.slice/ssh.service\n",
	})
	for name, target := range map[string]string{
		"etc/systemd/system/multi-user.target.wants/ssh.service": "/lib/systemd/system/ssh.service",
		"etc/systemd/system/sshd.service":                        "/lib/systemd/system/ssh.service",
		"etc/systemd/system/bad.service":                         "/dev/null",
	} {
		p := filepath.Join(h.root, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, p); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]Unit{
		"ssh": {"ssh.service", "enabled", "active"}, "sshd.service": {"ssh.service", "enabled", "active"},
		"cron": {"cron.service", "disabled", "inactive"}, "static": {"static.service", "static", "inactive"},
		"bad": {"bad.service", "masked", "inactive"}, "old": {"old.service", "enabled", "inactive"},
	}
	for name, w := range want {
		if got, ok, err := h.Unit(name); got != w || !ok || err != nil {
			t.Errorf("%s is %+v, %v, %v; want %+v", name, got, ok, err, w)
		}
	}
	if u, ok, _ := h.Unit("gone"); ok {
		t.Errorf("a link to nothing is %+v", u)
	}
}

func TestContainer(t *testing.T) {
	tests := []struct {
		name, want string
		files      map[string]string
	}{
		{"none", "", map[string]string{"etc/x": ""}},
		{"docker", "docker", map[string]string{".dockerenv": ""}},
		{"environment", "lxc", map[string]string{"proc/1/environ": "A=b\x00container=lxc\x00"}},
		{"systemd", "systemd-nspawn", map[string]string{"run/systemd/container": "systemd-nspawn\n"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tree(t, tt.files).Container(); got != tt.want {
				t.Errorf("got %q; want %q", got, tt.want)
			}
		})
	}
}

func TestEncrypted(t *testing.T) {
	files := map[string]string{
		"proc/self/mounts":                   "/dev/mapper/vg-root / ext4 rw 0 0\n/dev/sdb1 /data ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n",
		"sys/class/block/dm-1/dm/uuid":       "LVM-abc\n",
		"sys/class/block/dm-1/slaves/dm-0/x": "",
		"sys/class/block/dm-0/dm/uuid":       "CRYPT-LUKS2-abc\n",
		"sys/class/block/sdb1/size":          "1",
		"dev/dm-1":                           "",
	}
	h := tree(t, files)
	link := filepath.Join(h.root, "dev/mapper/vg-root")
	if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../dm-1", link); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string][2]bool{"/": {true, true}, "/data": {false, true}, "/tmp": {false, false}, "/none": {false, false}} {
		_, encrypted, ok, err := h.Encrypted(path)
		if err != nil || encrypted != want[0] || ok != want[1] {
			t.Errorf("%s: encrypted %v, on a disk %v, %v; want %v", path, encrypted, ok, err, want)
		}
	}
}
