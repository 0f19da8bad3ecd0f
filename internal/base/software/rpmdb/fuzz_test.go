package rpmdb

import (
	"bytes"
	"database/sql"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

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
	add(tagEpoch, typeInt32, binary.BigEndian.AppendUint32(nil, epoch))
	add(tagName, typeString, []byte(name+"\x00"))
	add(tagVersion, typeString, []byte(version+"\x00"))
	add(tagRelease, typeString, []byte(release+"\x00"))
	add(tagArch, typeString, []byte("x86_64\x00"))
	add(tagSource, typeString, []byte(name+"-src-1-2.el9.src.rpm\x00"))
	add(1004, typeString, []byte(strings.Repeat("x", padding)+"\x00"))
	head := binary.BigEndian.AppendUint32(nil, uint32(len(index)/16))
	head = binary.BigEndian.AppendUint32(head, uint32(len(data)))
	return append(append(head, index...), data...)
}

func FuzzHeader(f *testing.F) {
	f.Add(rpmHeader("bash", "5.1", "2", 1, 10))
	f.Fuzz(func(t *testing.T, data []byte) {
		if p, err := ParseHeader(data); err == nil && p.Name == "" {
			t.Error("a package without a name")
		}
	})
}

func FuzzSQLite(f *testing.F) {
	dir := f.TempDir()
	seed := filepath.Join(dir, "seed.sqlite")
	db, err := sql.Open("sqlite", seed)
	if err != nil {
		f.Fatal(err)
	}
	for _, q := range []string{"PRAGMA page_size=512", "CREATE TABLE Packages (k INTEGER PRIMARY KEY, b BLOB)", "INSERT INTO Packages(b) VALUES (zeroblob(2000)), (zeroblob(10))"} {
		if _, err := db.Exec(q); err != nil {
			f.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		f.Fatal(err)
	}
	data, err := os.ReadFile(seed)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		db, err := openSQLite(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		rows := 0
		_ = db.table("Packages", func(r []byte) error {
			rows++
			_, err := sqliteColumns(r, 2)
			return err
		})
		if rows > len(data) {
			t.Errorf("%d rows in %d bytes", rows, len(data))
		}
	})
}
