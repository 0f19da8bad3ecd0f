// Package rpmdb reads the installed packages out of rpm's database, in its three
// formats: SQLite (rpm 4.16 and later), ndb (SUSE) and Berkeley DB (before).
//
// The readers are our own because the inputs are hostile: the libraries that do
// the same follow a chain of pages for ever if it bites its own tail, and one of
// them brings a whole SQL engine, which would double the agent. Each reader
// counts the pages that it reads.
//
// It must never import anything of this module but software.
package rpmdb

import (
	"cmp"
	"errors"
	"io"
	"slices"

	"github.com/rampart-sec/rampart/internal/base/software"
)

// maxPackages bounds one database; a full distribution has a tenth of it.
const maxPackages = 1 << 20

// ErrFormat says that a file is no rpm database of a known format.
var ErrFormat = errors.New("not an rpm database of a known format")

// Read gives the packages of a database of size bytes, sorted by name, with
// path as their Path and the vendor as their Origin (Release.Settle takes it
// from there). Packages beside an error are those that could be read before it.
func Read(path string, r io.ReaderAt, size int64) ([]software.Package, error) {
	var all []software.Package
	var damaged error
	err := blobs(r, size, func(blob []byte) error {
		if len(all) >= maxPackages {
			return errors.New("more packages than any system has")
		}
		p, err := ParseHeader(blob)
		switch {
		case err != nil:
			damaged = err // the others are still worth reading
		case p.Name != "gpg-pubkey": // keys are kept as packages
			p.Path = path
			all = append(all, p)
		}
		return nil
	})
	slices.SortStableFunc(all, func(a, b software.Package) int { return cmp.Compare(a.Name, b.Name) })
	return all, cmp.Or(err, damaged)
}

// blobs calls each with every header of a database of whatever format.
func blobs(r io.ReaderAt, size int64, each func([]byte) error) error {
	head := make([]byte, 512)
	if n, _ := r.ReadAt(head, 0); n < 100 {
		return ErrFormat // too short for any
	}
	switch {
	case string(head[:len(sqliteMagic)]) == sqliteMagic:
		db, err := openSQLite(r, size)
		if err != nil {
			return err
		}
		return db.table("Packages", func(record []byte) error {
			cols, err := sqliteColumns(record, 2)
			if err != nil {
				return err
			}
			return each(cols[1].text)
		})
	case string(head[:4]) == ndbMagic:
		return readNDB(r, size, head, each)
	}
	return readBDB(r, size, head, each)
}
