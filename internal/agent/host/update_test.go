package host

import (
	"bytes"
	"encoding/binary"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// lz4Frame builds a frame: the data stored in blocks of at most 64 KiB.
func lz4Frame(blocks ...[]byte) []byte {
	out := []byte{0x04, 0x22, 0x4D, 0x18, 0x40, 0x70, 0x00}
	for _, b := range blocks {
		out = binary.LittleEndian.AppendUint32(out, uint32(len(b)))
		out = append(out, b...)
	}
	return append(out, 0, 0, 0, 0)
}

func TestLZ4(t *testing.T) {
	// "abcd", then 8 bytes from 4 back, then the last literals "xy"
	block := []byte{0x44, 'a', 'b', 'c', 'd', 4, 0, 0x20, 'x', 'y'}
	long := append([]byte{0xF1, 5}, []byte(strings.Repeat("z", 20)+"\x01\x00\x10!")...) // 20 literals, match of 5
	tests := []struct {
		name  string
		frame []byte
		want  string
	}{
		{"match", lz4Frame(block), "abcdabcdabcdxy"},
		{"linked-blocks", lz4Frame([]byte{0x40, 'a', 'b', 'c', 'd'}, []byte{0x00, 4, 0, 0x10, '!'}), "abcdabcd!"},
		{"long-lengths", lz4Frame(long), strings.Repeat("z", 25) + "!"},
		{"empty", lz4Frame(), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := newLZ4Reader(bytes.NewReader(tt.frame))
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(r)
			if err != nil || string(got) != tt.want {
				t.Errorf("got %q, %v; want %q", got, err, tt.want)
			}
		})
	}
	if r, err := newLZ4Reader(bytes.NewReader(lz4Frame([]byte{0x00, 4, 0}))); err == nil {
		if _, err := io.ReadAll(r); err == nil {
			t.Error("a match before the beginning was read")
		}
	}
}

func FuzzLZ4(f *testing.F) {
	f.Add(lz4Frame([]byte{0x44, 'a', 'b', 'c', 'd', 4, 0, 0x20, 'x', 'y'}))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := newLZ4Reader(bytes.NewReader(data))
		if err != nil {
			return
		}
		n, _ := io.Copy(io.Discard, io.LimitReader(r, 64<<20))
		if n > int64(len(data))*256+lz4BlockSize {
			t.Errorf("%d bytes of %d", n, len(data))
		}
	})
}

func TestUpdates(t *testing.T) {
	installed := func(name, version string) string {
		return "Package: " + name + "\nStatus: install ok installed\nVersion: " + version + "\nArchitecture: amd64\n\n"
	}
	listed := func(name, version, arch string) string {
		return "Package: " + name + "\nVersion: " + version + "\nArchitecture: " + arch + "\n\n"
	}
	h := tree(t, map[string]string{
		"var/lib/dpkg/status": installed("bash", "5.1") + installed("curl", "7.1") + installed("new", "9") + installed("apt", "2.6.1"),
		"var/lib/apt/lists/deb_dists_bookworm_main_binary-amd64_Packages": listed("bash", "5.2", "amd64") + listed("curl", "7.1", "amd64") +
			listed("new", "8", "amd64") + listed("apt", "2.6.2", "amd64") + listed("other", "1", "amd64") + listed("curl", "99", "arm64"),
		"var/lib/apt/lists/deb-security_dists_bookworm-security_main_binary-amd64_Packages": listed("curl", "7.2", "amd64") + listed("apt", "2.6.0", "amd64"),
	})
	u, err := h.Updates()
	if err != nil {
		t.Fatal(err)
	}
	want := []Update{
		{Name: "apt", Installed: "2.6.1", Candidate: "2.6.2"}, // its security version is older
		{Name: "bash", Installed: "5.1", Candidate: "5.2"},
		{Name: "curl", Installed: "7.1", Candidate: "7.2", Security: true},
	}
	if diff := cmp.Diff(want, u.Pending); diff != "" {
		t.Error(diff)
	}
}

func TestUpdatesUnknown(t *testing.T) {
	status := "Package: a\nStatus: install ok installed\nVersion: 1\n"
	tests := []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"no-lists", map[string]string{"var/lib/dpkg/status": status}, "run apt update"},
		{"other-compression", map[string]string{"var/lib/dpkg/status": status, "var/lib/apt/lists/x_Packages.xz": "x"}, "compressed as xz"},
		{"damaged", map[string]string{"var/lib/dpkg/status": status, "var/lib/apt/lists/x_Packages.lz4": "\x04\x22\x4d\x18"}, "lz4"},
		{"rpm", map[string]string{"var/lib/rpm/rpmdb.sqlite": "x"}, "not an rpm database"}, {"old-rpm", map[string]string{"var/lib/rpm/Packages": "x"}, "not an rpm database"},
		{"nothing", nil, "no package database"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tree(t, tt.files).Updates()
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v; want it to say %q", err, tt.want)
			}
		})
	}
}
