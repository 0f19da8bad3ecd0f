package host

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"strconv"
	"strings"
)

// rpmSQLite are where rpm 4.16 and later keep their database; rpmOther are
// older formats that are not read.
var (
	rpmSQLite = []string{"/usr/lib/sysimage/rpm/rpmdb.sqlite", "/var/lib/rpm/rpmdb.sqlite"}
	rpmOther  = []string{"/usr/lib/sysimage/rpm/Packages.db", "/var/lib/rpm/Packages.db", "/var/lib/rpm/Packages"}
)

// rpmPackages reads the rpm database. One that is of another format or being
// written to is unreadable: what depends on it is unknown, never guessed.
func (h *Host) rpmPackages() (*Packages, error) {
	for _, db := range rpmSQLite {
		if !h.Exists(db) {
			continue
		}
		if wal, err := h.Stat(db + "-wal"); err == nil && wal.Size > 0 {
			return nil, &Unreadable{db, "it is being written to"}
		}
		return memoCached(h, db, h.signature(db), func() (*Packages, error) { return h.readRPM(db) })
	}
	for _, db := range rpmOther {
		if h.Exists(db) {
			return nil, &Unreadable{db, "rpm databases of this old format are not read"}
		}
	}
	return nil, &Unreadable{"/var/lib/dpkg/status", "no package database was found"}
}

func (h *Host) readRPM(name string) (*Packages, error) {
	f, err := h.open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	db, err := openSQLite(f)
	if err != nil {
		return nil, &Unreadable{name, err.Error()}
	}
	p := &Packages{Manager: "rpm"}
	err = db.table("Packages", func(record []byte) error {
		cols, err := sqliteColumns(record, 2)
		if err != nil {
			return err
		}
		if len(p.All) >= maxRows {
			return errSQLite
		}
		pkg, err := ParseRPMHeader(cols[1].text)
		if err == nil && pkg.Name != "gpg-pubkey" { // keys are kept as packages
			p.All = append(p.All, pkg)
		}
		return err
	})
	if err != nil {
		return nil, &Unreadable{name, err.Error()}
	}
	slices.SortStableFunc(p.All, func(a, b Package) int { return strings.Compare(a.Name, b.Name) })
	return p, nil
}

// Tags and types of an rpm header that are read.
const (
	rpmName, rpmVersion, rpmRelease, rpmEpoch = 1000, 1001, 1002, 1003
	rpmArch, rpmSource                        = 1022, 1044
	rpmInt32, rpmString                       = 4, 6
)

var errRPM = errors.New("damaged rpm header")

// ParseRPMHeader reads a header as rpm stores it: the number of index entries
// and of data bytes, the entries (tag, type, offset, count), the data.
func ParseRPMHeader(b []byte) (Package, error) {
	if len(b) < 8 {
		return Package{}, errRPM
	}
	entries, size := uint64(binary.BigEndian.Uint32(b)), uint64(binary.BigEndian.Uint32(b[4:]))
	if 8+16*entries+size > uint64(len(b)) {
		return Package{}, errRPM
	}
	data := b[8+16*entries:][:size]
	var p Package
	var release, epoch string
	into := map[uint32]*string{rpmName: &p.Name, rpmVersion: &p.Version, rpmRelease: &release, rpmEpoch: &epoch, rpmArch: &p.Arch, rpmSource: &p.Source}
	for i := range entries {
		e := b[8+16*i:]
		if to, ok := into[binary.BigEndian.Uint32(e)]; ok {
			*to = rpmValue(binary.BigEndian.Uint32(e[4:]), binary.BigEndian.Uint32(e[8:]), data)
		}
	}
	if p.Name == "" {
		return Package{}, errRPM
	}
	if release != "" {
		p.Version += "-" + release
	}
	if epoch != "" && epoch != "0" {
		p.Version = epoch + ":" + p.Version
	}
	p.Source = sourceName(p.Source)
	return p, nil
}

// rpmValue is a string or a number as text, "" if it is neither or cut off.
func rpmValue(kind, offset uint32, data []byte) string {
	if uint64(offset) >= uint64(len(data)) {
		return ""
	}
	data = data[offset:]
	switch {
	case kind == rpmString:
		if end := bytes.IndexByte(data, 0); end >= 0 {
			return string(data[:end])
		}
	case kind == rpmInt32 && len(data) >= 4:
		return strconv.FormatUint(uint64(binary.BigEndian.Uint32(data)), 10)
	}
	return ""
}

// sourceName cuts "bash-5.1-2.el9.src.rpm" down to "bash".
func sourceName(file string) string {
	name := strings.TrimSuffix(file, ".src.rpm")
	for range 2 {
		if i := strings.LastIndexByte(name, '-'); i > 0 {
			name = name[:i]
		}
	}
	return name
}
