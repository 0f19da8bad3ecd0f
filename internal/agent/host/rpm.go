package host

import "github.com/rampart-sec/rampart/internal/base/software/rpmdb"

// rpmDatabases are where rpm keeps its database: SQLite since 4.16, ndb on
// SUSE, Berkeley DB before.
var rpmDatabases = []string{
	"/usr/lib/sysimage/rpm/rpmdb.sqlite", "/var/lib/rpm/rpmdb.sqlite",
	"/usr/lib/sysimage/rpm/Packages.db", "/var/lib/rpm/Packages.db", "/var/lib/rpm/Packages",
}

// rpmPackages reads the rpm database. One that is being written to is
// unreadable: what depends on it is unknown, never guessed.
func (h *Host) rpmPackages() (*Packages, error) {
	for _, db := range rpmDatabases {
		if !h.Exists(db) {
			continue
		}
		if wal, err := h.Stat(db + "-wal"); err == nil && wal.Size > 0 {
			return nil, &Unreadable{db, "it is being written to"}
		}
		return memoCached(h, db, h.signature(db), func() (*Packages, error) { return h.readRPM(db) })
	}
	return nil, &Unreadable{"/var/lib/dpkg/status", "no package database was found"}
}

func (h *Host) readRPM(name string) (*Packages, error) {
	f, err := h.open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, unreadable(name, err)
	}
	all, err := rpmdb.Read("", f, info.Size())
	if err != nil {
		return nil, &Unreadable{name, err.Error()}
	}
	return &Packages{Manager: "rpm", All: all}, nil
}
