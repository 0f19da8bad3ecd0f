package host

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestReadRefusesWhatIsNoFile(t *testing.T) {
	h := tree(t, map[string]string{"etc/a": "x"})
	if err := syscall.Mkfifo(filepath.Join(h.root, "etc/pipe"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(h.root, "etc/a"), maxFile+1); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ path, want string }{
		{"/etc/pipe", "not a regular file"},
		{"/etc", "not a regular file"},
		{"/etc/a", "larger than"},
	}
	for _, tt := range tests {
		t.Run(strings.ReplaceAll(tt.path, "/", "_"), func(t *testing.T) {
			_, err := h.Read(tt.path)
			var u *Unreadable
			if !errors.As(err, &u) || u.Path != tt.path || !strings.Contains(u.Reason, tt.want) {
				t.Errorf("error %v; want %s to be unreadable: %s", err, tt.path, tt.want)
			}
		})
	}
	if _, err := h.Read("/etc/none"); !Absent(err) {
		t.Errorf("a missing file gives %v", err)
	}
	if _, err := h.Read("/etc/a/below"); !Absent(err) {
		t.Errorf("a path below a file gives %v", err)
	}
}
