package host

import (
	"database/sql"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rampart-sec/rampart/internal/base/software"
	_ "modernc.org/sqlite" // writes the databases that the reader is tried on
)

// rpmHeader builds a header as rpm stores it, filled up with padding.
func rpmHeader(name, version, release string, epoch uint32, padding int) []byte {
	var index, data []byte
	add := func(tag, kind uint32, value []byte) {
		for _, n := range []uint32{tag, kind, uint32(len(data)), 1} {
			index = binary.BigEndian.AppendUint32(index, n)
		}
		data = append(data, value...)
	}
	add(1003, 4, binary.BigEndian.AppendUint32(nil, epoch))
	add(1000, 6, []byte(name+"\x00"))
	add(1001, 6, []byte(version+"\x00"))
	add(1002, 6, []byte(release+"\x00"))
	add(1022, 6, []byte("x86_64\x00"))
	add(1044, 6, []byte(name+"-src-1-2.el9.src.rpm\x00"))
	add(1004, 6, []byte(strings.Repeat("x", padding)+"\x00"))
	head := binary.BigEndian.AppendUint32(nil, uint32(len(index)/16))
	head = binary.BigEndian.AppendUint32(head, uint32(len(data)))
	return append(append(head, index...), data...)
}

// TestRPMDatabase has a real SQLite write databases of several page sizes with
// rows on one page and on many.
func TestRPMDatabase(t *testing.T) {
	for _, pageSize := range []int{512, 4096, 65536} {
		t.Run(fmt.Sprint(pageSize), func(t *testing.T) {
			h := tree(t, map[string]string{"var/lib/rpm/.keep": ""})
			db, err := sql.Open("sqlite", filepath.Join(h.root, "var/lib/rpm/rpmdb.sqlite"))
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			db.SetMaxOpenConns(1) // the pragmas hold for one connection
			for _, q := range []string{
				fmt.Sprintf("PRAGMA page_size=%d", pageSize),
				"CREATE TABLE 'Other' (k TEXT)",
				"CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)",
				"PRAGMA synchronous=OFF", "PRAGMA journal_mode=MEMORY",
			} {
				if _, err := db.Exec(q); err != nil {
					t.Fatal(err)
				}
			}
			var want []software.Package
			for i := range 300 {
				name := fmt.Sprintf("pkg%03d", i)
				blob := rpmHeader(name, "1.0", "2.el9", uint32(i%2), i*i%30000)
				if _, err := db.Exec("INSERT INTO Packages(blob) VALUES (?)", blob); err != nil {
					t.Fatal(err)
				}
				version, sourceVersion := "1.0-2.el9", "1-2.el9"
				if i%2 == 1 {
					version, sourceVersion = "1:1.0-2.el9", "1:1-2.el9"
				}
				want = append(want, software.Package{Name: name, Version: version, Arch: "x86_64", Source: name + "-src", SourceVersion: sourceVersion})
			}
			if _, err := db.Exec("INSERT INTO Packages(blob) VALUES (?)", rpmHeader("gpg-pubkey", "1", "2", 0, 0)); err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			got, err := h.Packages()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got.All); diff != "" || got.Manager != "rpm" {
				t.Errorf("manager %s: %s", got.Manager, diff)
			}
		})
	}
}

func TestRPMBeingWrittenIsUnknown(t *testing.T) {
	h := tree(t, map[string]string{"var/lib/rpm/rpmdb.sqlite": "x", "var/lib/rpm/rpmdb.sqlite-wal": "y"})
	if _, err := h.Packages(); err == nil || !strings.Contains(err.Error(), "being written") {
		t.Errorf("error %v", err)
	}
}
