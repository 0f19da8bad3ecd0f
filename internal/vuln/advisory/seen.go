package advisory

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/rampart-sec/rampart/internal/base/software"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/ecosystem"
)

// seenName is the file beside the database that says what scans have met.
const seenName = "seen.json"

// Seen lists the ecosystems that packages were met of, sorted; a fetch without a
// list takes these.
func Seen(dir string) ([]string, error) {
	text, err := os.ReadFile(filepath.Join(dir, seenName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []string
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("read %s: %w", filepath.Join(dir, seenName), err)
	}
	return list, nil
}

// NoteSeen adds the ecosystems of packages to what was seen. Beside an export that
// is read in place nothing is noted: it is not renewed by fetching.
func (db *DB) NoteSeen(packages []software.Package) error {
	if db.database == nil {
		return nil
	}
	return NoteSeen(db.path, packages)
}

// NoteSeen adds the ecosystems of packages to what was seen, for a database in a
// folder that may not have one yet.
func NoteSeen(dir string, packages []software.Package) error {
	have, err := Seen(dir)
	if err != nil {
		have = nil // it is only a list of what to fetch: begin anew
	}
	all := have
	for _, p := range packages {
		if base := ecosystem.Parse(p.Ecosystem).Base; ecosystem.Known(base) && !slices.Contains(all, base) {
			all = append(all, base)
		}
	}
	if len(all) == len(have) {
		return nil
	}
	slices.Sort(all)
	text, err := json.Marshal(all)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	tmp := filepath.Join(dir, seenName+".new")
	if err := os.WriteFile(tmp, text, 0o644); err != nil {
		return err
	}
	return os.Rename(tmp, filepath.Join(dir, seenName))
}
