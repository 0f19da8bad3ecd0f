package rpmdb

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	oracle "github.com/knqyf263/go-rpmdb/pkg"

	"github.com/rampart-sec/rampart/internal/base/software"
)

// realDatabases are the databases that the oracle's own module carries.
func realDatabases(t testing.TB) []string {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/knqyf263/go-rpmdb").Output()
	if err != nil {
		t.Skipf("the oracle's module is not to be found: %v", err)
	}
	var all []string
	for _, name := range []string{"Packages", "Packages.db", "rpmdb.sqlite"} {
		found, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "pkg/testdata/*", name))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	if len(all) == 0 {
		t.Skip("the oracle's module carries no databases")
	}
	return all
}

// TestReadsWhatAnotherReaderReads compares all real databases with a library.
func TestReadsWhatAnotherReaderReads(t *testing.T) {
	for _, path := range realDatabases(t) {
		t.Run(filepath.Base(filepath.Dir(path)), func(t *testing.T) {
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			info, err := f.Stat()
			if err != nil {
				t.Fatal(err)
			}
			got, err := Read("x", f, info.Size())
			if err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(byOracle(t, path), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func byOracle(t *testing.T, path string) (all []software.Package) {
	t.Helper()
	db, err := oracle.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	list, err := db.ListPackages()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range list {
		if p.Name == "gpg-pubkey" {
			continue
		}
		epoch := ""
		if p.Epoch != nil {
			epoch = strconv.Itoa(*p.Epoch)
		}
		o := software.Package{Name: p.Name, Version: evr(epoch, p.Version, p.Release), Arch: p.Arch, Origin: p.Vendor, Path: "x"}
		if o.Source, o.SourceVersion = source(p.SourceRpm, epoch); o.SourceVersion == o.Version {
			o.SourceVersion = ""
		}
		if parts := strings.Split(p.Modularitylabel, ":"); len(parts) > 1 {
			o.Module = parts[0] + ":" + parts[1]
		}
		all = append(all, o)
	}
	slices.SortStableFunc(all, func(a, b software.Package) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// TestADamagedDatabaseSaysSo cuts and overwrites real databases: whatever is
// read of them, no call panics or goes on for ever.
func TestADamagedDatabaseSaysSo(t *testing.T) {
	for _, path := range realDatabases(t) {
		if !strings.Contains(path, "centos5-plain") && !strings.Contains(path, "sle15") && !strings.Contains(path, "mariner") {
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		cut := data[:len(data)/2]
		if _, err := Read("x", strings.NewReader(string(cut)), int64(len(cut))); err == nil {
			t.Errorf("%s cut in half was read without an error", path)
		}
	}
}

func FuzzRead(f *testing.F) {
	loop := make([]byte, 3*512) // a chain of overflow pages that bites its tail
	copy(loop[12:], []byte{0x61, 0x15, 0x06, 0})
	loop[21], loop[32] = 2, 2
	hash := loop[512:]
	hash[20], hash[25] = 2, bdbHash
	hash[26], hash[27], hash[28], hash[29] = 0, 2, 100, 0
	hash[100], hash[104], hash[110] = bdbOffPage, 2, 1
	over := loop[1024:]
	over[16], over[22], over[25] = 2, 1, bdbOverflow
	f.Add(loop)
	f.Add(append([]byte(ndbMagic), make([]byte, 5000)...))
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := Read("x", strings.NewReader(string(data)), int64(len(data)))
		if err == nil && len(all) > len(data) {
			t.Errorf("%d packages in %d bytes", len(all), len(data))
		}
	})
}
