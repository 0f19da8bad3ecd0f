// Package advisory knows which versions of which packages are vulnerable, and
// says so of what is installed: it opens advisories, matches packages, and folds
// what several publishers say about one vulnerability into one finding.
//
// The rooms below read sources (osv, export), hold the database (file), order
// versions (version) and rate (cvss, exploit). It must never import images,
// registries, or another area than base.
package advisory

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/rampart-sec/rampart/internal/base/software"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/affected"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/ecosystem"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/exploit"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/export"
)

// ErrNone says that there are no advisories where they were looked for. Nothing
// may be called free of vulnerabilities then.
var ErrNone = export.ErrNone

// DB is an open set of advisories. It never changes while it is open: use it from
// many goroutines.
type DB struct {
	path     string
	database *database // nil if it is an export
	open     func(ctx context.Context, packages []installed) (source, error)
}

// source is what matching reads: an imported database, or the part of an export
// that was read for some packages.
type source interface {
	// candidates gives what advisories say of a package under one of its names, of
	// its release at least; ref names the advisory. The affected package is only
	// valid until fn returns.
	candidates(in *installed, name string, fn func(p *affected.Package, ref int)) error
	advisory(ref int) (affected.Advisory, error)
	feeds() []Feed
	// facts gives what is known of the exploitation of CVEs.
	facts(cves []string) (func(cve string) exploit.Facts, error)
}

// Open opens advisories under a path: a folder with an imported database, or one
// in the layout of an OSV export, which is read in place at every match. The
// error is of the kind ErrNone if there is neither.
func Open(path string) (*DB, error) {
	if _, err := os.Stat(path); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, noAdvisories(path)
		}
		return nil, err
	}
	switch db, err := openDatabase(FileOf(path)); {
	case err == nil:
		return &DB{path: path, database: db, open: func(context.Context, []installed) (source, error) { return db, nil }}, nil
	case !errors.Is(err, os.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR):
		return nil, err
	}
	sources, err := export.Find(path)
	if errors.Is(err, export.ErrNone) {
		return nil, noAdvisories(path)
	}
	if err != nil {
		return nil, err
	}
	return &DB{path: path, open: func(ctx context.Context, packages []installed) (source, error) {
		return readExport(ctx, path, sources, packages)
	}}, nil
}

// noAdvisories says what to do.
func noAdvisories(path string) error {
	dir := filepath.Clean(path)
	return fmt.Errorf("%w in %s: get them with `rampart advisory fetch --db %s`, or `rampart advisory import --db %s FILE|DIR` an OSV export",
		ErrNone, dir, dir, dir)
}

// Close gives back what the database holds. Matches that are running must have
// ended.
func (db *DB) Close() error {
	if db.database == nil {
		return nil
	}
	return db.database.Close()
}

// Match judges packages. A result with gaps is not the whole truth: read
// Result.Gaps before calling anything healthy. The error is about the advisories
// or the context, never about a package.
func (db *DB) Match(ctx context.Context, packages []software.Package) (*Result, error) {
	list := prepare(packages)
	src, err := db.open(ctx, list)
	if err != nil {
		return nil, err
	}
	return match(ctx, src, list)
}

// MatchEach judges packages one by one: the result of each has its findings and
// gaps, without the feeds. It is what matching many inventories with common
// packages is made of.
func (db *DB) MatchEach(ctx context.Context, packages []software.Package) ([]Result, error) {
	list := prepare(packages)
	src, err := db.open(ctx, list)
	if err != nil {
		return nil, err
	}
	m := newMatcher(src)
	results := make([]Result, len(list))
	for i := range list {
		if i%256 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		m.result = newResult()
		if err := m.one(&list[i]); err != nil {
			return nil, err
		}
		m.finish()
		results[i] = *m.result
		results[i].Feeds = nil
	}
	return results, m.enrich(results)
}

// FeedsOf gives the feeds that matching packages asks, with their age. Those of an
// export in place have a name and a time only.
func (db *DB) FeedsOf(packages []software.Package) ([]Feed, error) {
	status, err := db.Status()
	if err != nil {
		return nil, err
	}
	asked := map[string]bool{}
	for _, p := range packages {
		asked[ecosystem.Parse(p.Ecosystem).Base] = true
	}
	feeds := []Feed{}
	for _, f := range status.Feeds {
		if asked[f.base()] {
			feeds = append(feeds, f)
		}
	}
	return feeds, nil
}

// Keys names a package as advisories can: what an import has changed is told by
// these keys.
func Keys(p software.Package) (keys []PackageKey) {
	in := prepareOne(p)
	for _, name := range in.names {
		keys = append(keys, PackageKey{in.base, name})
	}
	return keys
}
