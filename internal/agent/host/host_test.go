package host

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var instant = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// tree writes files below a new root and returns a reading of it.
func tree(t *testing.T, files map[string]string) *Host {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		p := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return New(root, instant, nil)
}

func TestSymbolicLinksStayBelowTheRoot(t *testing.T) {
	h := tree(t, map[string]string{"usr/lib/os-release": "ID=debian", "etc/x": "inside"})
	outside := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(outside, []byte("outside"), 0o644); err != nil {
		t.Fatal(err)
	}
	links := map[string]string{
		"etc/os-release": "../usr/lib/os-release", "etc/absolute": "/etc/x", "etc/out": outside,
		"etc/up": "../../../../../../../../etc/x", "etc/loop": "loop",
	}
	for name, target := range links {
		if err := os.Symlink(target, filepath.Join(h.root, name)); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{"/etc/os-release": "ID=debian", "/etc/absolute": "inside", "/etc/up": "inside"} {
		if data, err := h.Read(path); err != nil || string(data) != want {
			t.Errorf("%s reads %q, %v; want %q", path, data, err, want)
		}
	}
	if _, err := h.Read("/etc/out"); !Absent(err) {
		t.Errorf("a link out of the root gives %v", err)
	}
	if _, err := h.Read("/etc/loop"); err == nil {
		t.Error("a loop of links was read")
	}
}

func TestTouchedNamesWhatMatters(t *testing.T) {
	h := tree(t, map[string]string{"etc/ssh/sshd_config": "Include /etc/ssh/sshd_config.d/*.conf\nPort 22\n", "etc/ssh/sshd_config.d/a": ""})
	if _, err := h.SSHD(); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Mounts(); err == nil {
		t.Fatal("a root without proc has mounts")
	}
	if _, err := h.Stat("/etc/shadow"); err == nil {
		t.Fatal("there is a shadow file")
	}
	touched := h.Touched()
	for _, want := range []Touch{
		{Path: "/etc/ssh/sshd_config", Read: true}, {Path: "/etc/ssh/sshd_config.d", Listed: true}, {Path: "/etc/shadow"},
	} {
		if !slices.Contains(touched, want) {
			t.Errorf("%+v is missing in %+v", want, touched)
		}
	}
	for _, p := range touched {
		if strings.HasPrefix(p.Path, "/proc") {
			t.Errorf("%s announces no changes, but is listed", p.Path)
		}
	}
}

func TestNetworkFileSystemsAreLeftAlone(t *testing.T) {
	h := tree(t, map[string]string{
		"proc/self/mounts": "/dev/a / ext4 rw 0 0\nfiler:/home /home nfs4 rw 0 0\n", "home/bob/.netrc": "x", "homes/x": "y",
	})
	var u *Unreadable
	if _, err := h.Read("/home/bob/.netrc"); !errors.As(err, &u) || !strings.Contains(u.Reason, "network file system") {
		t.Errorf("error %v", err)
	}
	if _, err := h.List("/home"); !errors.As(err, &u) {
		t.Errorf("listing gives %v", err)
	}
	for _, p := range h.Touched() {
		if strings.HasPrefix(p.Path, "/home/") || p.Path == "/home" {
			t.Errorf("%s would be watched", p.Path)
		}
	}
	if _, err := h.Read("/homes/x"); err != nil {
		t.Errorf("a path beside it gives %v", err)
	}
}

func TestWorldWritable(t *testing.T) {
	tests := []struct {
		name string
		mode map[string]os.FileMode
		want string
	}{
		{"closed", map[string]os.FileMode{"etc/a/b": 0o644}, ""},
		{"file", map[string]os.FileMode{"etc/a/b": 0o666}, "/etc/a/b"},
		{"directory", map[string]os.FileMode{"etc/a": 0o777}, "/etc/a"},
		{"sticky-directory", map[string]os.FileMode{"etc/a": 0o777 | os.ModeSticky}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := tree(t, map[string]string{"etc/a/b": "x"})
			if err := os.Symlink("/tmp", filepath.Join(h.root, "etc/link")); err != nil {
				t.Fatal(err)
			}
			for name, mode := range tt.mode {
				if err := os.Chmod(filepath.Join(h.root, name), mode); err != nil {
					t.Fatal(err)
				}
			}
			w, err := h.WorldWritable("/etc")
			got := ""
			if w.Found != nil {
				got = w.Found.Path
			}
			if err != nil || got != tt.want || w.Skipped != "" {
				t.Errorf("found %q, skipped %q, %v; want %q", got, w.Skipped, err, tt.want)
			}
		})
	}
	if w, err := tree(t, nil).WorldWritable("/none"); err != nil || w != (Walk{}) {
		t.Errorf("a missing directory gives %+v, %v", w, err)
	}
}
