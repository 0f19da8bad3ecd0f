package host

// rpmDatabases are where rpm keeps its database, newest layout first.
var rpmDatabases = []string{
	"/usr/lib/sysimage/rpm/rpmdb.sqlite", "/var/lib/rpm/rpmdb.sqlite",
	"/usr/lib/sysimage/rpm/Packages.db", "/var/lib/rpm/Packages.db", "/var/lib/rpm/Packages",
}

// rpmPackages says which database there is and that it is not read: what
// depends on packages is unknown there, never guessed.
func (h *Host) rpmPackages() (*Packages, error) {
	for _, db := range rpmDatabases {
		if h.Exists(db) {
			return nil, &Unreadable{db, "this agent cannot read the rpm database"}
		}
	}
	return nil, &Unreadable{"/var/lib/dpkg/status", "no package database was found"}
}
