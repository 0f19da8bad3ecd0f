package executable

import (
	"bytes"
	"compress/zlib"
	"debug/buildinfo"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/rampart-sec/rampart/internal/base/software"
)

// build compiles a program and gives its file.
func build(t *testing.T, flags ...string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module example.test/program\n\ngo 1.21\n", "main.go": "package main\n\nfunc main() {}\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", append([]string{"build", "-o", "program"}, flags...)...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-trimpath", "GOOS=linux")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("go build: %v: %s", err, out)
	}
	return filepath.Join(dir, "program")
}

func readFile(t *testing.T, name string) (head []byte, all []software.Package) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	all, err = Read("usr/bin/program", bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return data[:HeadSize], all
}

func TestGoPrograms(t *testing.T) {
	for name, flags := range map[string][]string{"plain": nil, "stripped": {"-ldflags=-s -w"}, "no-build-id": {"-ldflags=-s -w -buildid="}, "position-independent": {"-buildmode=pie"}} {
		t.Run(name, func(t *testing.T) {
			head, all := readFile(t, build(t, flags...))
			if !Candidate(head) {
				t.Error("not a candidate")
			}
			want := strings.TrimPrefix(strings.Fields(runtime.Version())[0], "go")
			if !slices.ContainsFunc(all, func(p software.Package) bool { return p.Name == "stdlib" && p.Version == want && p.Ecosystem == "Go" }) {
				t.Errorf("%v lacks stdlib %s", all, want)
			}
		})
	}
}

// TestModules: a replaced module counts as what replaced it; what was built in
// its own folder has no version.
func TestModules(t *testing.T) {
	info := &buildinfo.BuildInfo{GoVersion: "go1.21.3 X:boringcrypto", Main: debug.Module{Path: "example.test/a", Version: "(devel)"}, Deps: []*debug.Module{
		{Path: "golang.org/x/net", Version: "v0.7.0"},
		{Path: "example.test/old", Version: "v1.0.0", Replace: &debug.Module{Path: "example.test/new", Version: "v1.0.1"}},
		{Path: "example.test/local", Version: "v1.0.0", Replace: &debug.Module{Path: "../local"}},
	}}
	var got []string
	for _, p := range ofGo("x", info) {
		got = append(got, p.Name+"@"+p.Version)
	}
	if want := []string{"golang.org/x/net@0.7.0", "example.test/new@1.0.1", "stdlib@1.21.3"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestRustProgram(t *testing.T) {
	objcopy, err := exec.LookPath("objcopy")
	if err != nil {
		t.Skip("no objcopy")
	}
	program := build(t)
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	if _, err := w.Write([]byte(`{"packages":[{"name":"app","version":"0.1.0","root":true},{"name":"smallvec","version":"1.6.0","source":"crates.io"},{"name":"cc","version":"1.0.0","kind":"build"}]}`)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	list := program + ".list"
	if err := os.WriteFile(list, z.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(objcopy, "--remove-section=.go.buildinfo", "--add-section", ".dep-v0="+list, program).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	data, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	all, err := ofRust("x", bytes.NewReader(data))
	if err != nil || len(all) != 1 || all[0].Name != "smallvec" || all[0].Ecosystem != "crates.io" {
		t.Errorf("%v, error %v", all, err)
	}
}

func TestOtherFilesAreNoCandidates(t *testing.T) {
	for _, text := range []string{"", "#!/bin/sh\n" + strings.Repeat("x", 100), "\x7fELF", strings.Repeat("\x00", 4096)} {
		if Candidate([]byte(text)) {
			t.Errorf("%q is a candidate", text[:min(len(text), 20)])
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 100)))
	f.Add([]byte("MZ" + strings.Repeat("\x00", 100)))
	f.Fuzz(func(t *testing.T, data []byte) {
		Candidate(data)
		all, err := Read("x", bytes.NewReader(data))
		if err != nil && len(all) > 0 {
			t.Error("packages beside an error")
		}
	})
}
