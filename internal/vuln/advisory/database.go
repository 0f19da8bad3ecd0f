package advisory

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"

	"github.com/rampart-sec/rampart/internal/vuln/advisory/affected"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/exploit"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/file"
)

// fileName is the database inside its folder.
const fileName = "advisories.db"

// FileOf is the path of the database in a folder.
func FileOf(dir string) string { return filepath.Join(dir, fileName) }

// meta is what the database says of itself.
type meta struct {
	Feeds        []Feed    `json:"feeds"`
	ExploitTaken time.Time `json:"exploitTaken,omitzero"` // of KEV and EPSS
	Written      time.Time `json:"written"`
	Bundle       time.Time `json:"bundle,omitzero"` // when the bundle was made that was imported last
}

// database is an imported database.
type database struct {
	*file.Reader
	meta meta
}

func openDatabase(path string) (*database, error) {
	r, err := file.Open(path)
	if err != nil {
		return nil, err
	}
	db := &database{Reader: r}
	if err := json.Unmarshal(r.Meta(), &db.meta); err != nil {
		_ = r.Close()
		return nil, fmt.Errorf("%s: %w: %v", path, file.ErrDamaged, err)
	}
	return db, nil
}

func (db *database) candidates(in *installed, name string, fn func(*affected.Package, int)) error {
	return db.Candidates(in.base, name, in.Release, fn)
}

func (db *database) advisory(ref int) (affected.Advisory, error) {
	a, _, err := db.Advisory(ref)
	return a, err
}

func (db *database) feeds() []Feed { return db.meta.Feeds }

func (db *database) facts([]string) (func(string) exploit.Facts, error) {
	return db.Facts, nil
}

var _ source = (*database)(nil)
