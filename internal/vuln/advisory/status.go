package advisory

import (
	"time"

	"github.com/rampart-sec/rampart/internal/vuln/advisory/export"
)

// Status is what an open set of advisories says of itself.
type Status struct {
	Path         string    `json:"path"`
	Imported     bool      `json:"imported"` // a database; otherwise an export that is read in place
	Feeds        []Feed    `json:"feeds"`
	Advisories   int       `json:"advisories"` // 0 for an export: nobody has counted
	Packages     int       `json:"packages"`
	Bytes        int64     `json:"bytes"`
	ExploitTaken time.Time `json:"exploitTaken,omitzero"` // when KEV and EPSS were made; zero if there are none
	Written      time.Time `json:"written,omitzero"`
}

// Status describes the advisories. Feeds of an export have a name and a time only.
func (db *DB) Status() (Status, error) {
	s := Status{Path: db.path, Feeds: []Feed{}}
	if d := db.database; d != nil {
		s.Imported, s.Feeds = true, d.meta.Feeds
		s.Advisories, s.Packages, s.Bytes = d.Len(), d.Keys(), d.Size()
		s.ExploitTaken, s.Written = d.meta.ExploitTaken, d.meta.Written
		return s, nil
	}
	sources, err := export.Find(db.path)
	if err != nil {
		return s, err
	}
	for _, src := range sources {
		s.Feeds = mergeFeed(s.Feeds, Feed{Name: src.Base, Taken: src.Taken})
	}
	return s, nil
}

// Verify reads a database whole and compares its checksums; an export has none.
func (db *DB) Verify() error {
	if db.database == nil {
		return nil
	}
	return db.database.Verify()
}
