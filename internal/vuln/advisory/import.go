package advisory

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/rampart-sec/rampart/internal/vuln/advisory/affected"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/bundle"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/csaf"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/exploit"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/export"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/file"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/osv"
)

// ImportOptions says what goes into a database.
type ImportOptions struct {
	Dir   string   // the folder of the database; it is made if it does not exist
	Paths []string // OSV exports, archives, records, KEV and EPSS files
	Now   time.Time

	// Trusted are the keys of makers of bundles; a bundle comes alone.
	Trusted []ed25519.PublicKey

	// Problem is told of records that are left out; it may be nil.
	Problem func(source, record string, err error)
}

// ImportReport says what an import did.
type ImportReport struct {
	Feeds      []Feed `json:"feeds"`      // all of the database
	Records    int    `json:"records"`    // read
	Skipped    int    `json:"skipped"`    // could not be read at all
	Incomplete int    `json:"incomplete"` // were read but for a part
	Withdrawn  int    `json:"withdrawn"`  // taken back by their publishers
	Advisories int    `json:"advisories"` // in the database
	Packages   int    `json:"packages"`   // in the database, by name
	Bytes      int64  `json:"bytes"`      // of the database

	Changed   []PackageKey `json:"-"` // packages of which something else is said than before, sorted
	Exploited []string     `json:"-"` // CVEs that KEV had not listed before, sorted
}

// PackageKey names a package as advisories do: by the base of its ecosystem and
// its name there.
type PackageKey struct{ Base, Name string }

// Import reads advisories into the database of a folder. An archive of a whole
// ecosystem replaces what the database has of it; single records replace those of
// the same id. Readers see the old database or the new one, never a part; after
// an error it is the old one.
func Import(ctx context.Context, o ImportOptions) (*ImportReport, error) {
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return nil, err
	}
	old, err := openDatabase(FileOf(o.Dir))
	if errors.Is(err, file.ErrDamaged) && o.Problem != nil {
		o.Problem(FileOf(o.Dir), "", fmt.Errorf("%w; it is written anew", err))
		err = nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if old != nil {
		defer old.Close()
	}
	if i := slices.IndexFunc(o.Paths, bundle.Is); i >= 0 {
		if len(o.Paths) > 1 {
			return nil, fmt.Errorf("%s is a bundle: import it alone", o.Paths[i])
		}
		return importBundle(o, old, o.Paths[i])
	}
	im := newImporter(o, old)
	for _, p := range o.Paths {
		if err := im.path(ctx, p); err != nil {
			return nil, err
		}
	}
	return im.commit()
}

// importer builds a database out of the old one and what is new.
type importer struct {
	ImportOptions
	old     *database
	w       *file.Writer
	report  ImportReport
	feeds   []Feed
	seen    map[recordKey]seen
	renewed map[string]bool // feeds that are replaced as a whole
	dropped map[string]bool // ids that single records replace in every feed
	exploit *exploit.Table
	diff    *difference
}

// recordKey names an advisory inside a feed.
type recordKey struct{ feed, id string }

type seen struct {
	ref      int
	modified time.Time
}

func newImporter(o ImportOptions, old *database) *importer {
	return &importer{ImportOptions: o, old: old, w: file.NewWriter(), seen: map[recordKey]seen{}, renewed: map[string]bool{},
		dropped: map[string]bool{}, exploit: exploit.NewTable(), diff: newDifference()}
}

// path imports what a path holds.
func (im *importer) path(ctx context.Context, path string) error {
	name := filepath.Base(path)
	switch {
	case exploit.IsKEV(name):
		return im.exploit.ReadFiles(path, "", nil)
	case exploit.IsEPSS(name):
		return im.exploit.ReadFiles("", path, nil)
	}
	if is, err := isTracker(path); err != nil || is {
		return errors.Join(err, im.tracker(path, is))
	}
	kev, epss := exploit.Find(path)
	sources, err := export.Find(path)
	if err != nil && (!errors.Is(err, ErrNone) || kev == "" && epss == "") {
		return err
	}
	if err := im.exploit.ReadFiles(kev, epss, nil); err != nil {
		return err
	}
	for _, s := range sources {
		if err := im.source(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// source imports one archive or folder of OSV records.
func (im *importer) source(ctx context.Context, s export.Source) error {
	before := im.report
	if s.Full {
		im.renewed[s.Base] = true
		im.feed(s.Base).Taken = s.Taken
	}
	err := s.Walk(ctx, func(name string, data []byte, problem error) error {
		im.report.Records++
		if problem == nil {
			problem = im.text(s, name, data)
		}
		if problem != nil {
			im.skip(s, name, problem)
		}
		return nil
	})
	if err == nil && im.report.Records-before.Records == im.report.Skipped-before.Skipped {
		err = fmt.Errorf("%w in %s: none of its %d entries is an advisory", ErrNone, s.Path, im.report.Records-before.Records)
	}
	return err
}

// text imports a record of one of the formats that are known by their content.
func (im *importer) text(s export.Source, name string, data []byte) error {
	if csaf.Is(data) {
		return im.csaf(s, data)
	}
	r, err := osv.Parse(data)
	if err == nil {
		im.record(s, name, r)
	}
	return err
}

func (im *importer) skip(s export.Source, name string, problem error) {
	im.report.Skipped++
	if s.Base != "" {
		im.feed(s.Base).Skipped++
	}
	im.tell(s, name, problem)
}

func (im *importer) tell(s export.Source, name string, problem error) {
	if im.Problem != nil {
		im.Problem(s.Path, name, problem)
	}
}

// record adds a record to the feeds of the ecosystems that it speaks of.
func (im *importer) record(s export.Source, name string, r *osv.Record) {
	adv, packages, problems := osv.Compile(r)
	for _, p := range problems {
		im.tell(s, name, p)
	}
	if len(problems) > 0 {
		im.report.Incomplete++
	}
	if r.Withdrawal() {
		im.report.Withdrawn++
	}
	if !s.Full {
		im.dropped[r.ID] = true
	}
	for base, list := range byBase(packages) {
		if s.Base == "" || s.Base == base {
			im.add(base, &adv, list, s)
		}
	}
}

func byBase(packages []affected.Package) map[string][]affected.Package {
	out := map[string][]affected.Package{}
	for _, p := range packages {
		out[p.Ecosystem.Base] = append(out[p.Ecosystem.Base], p)
	}
	return out
}

// add stores an advisory of a feed with what it says of packages. Of two
// with one id the one that was changed last holds.
func (im *importer) add(feedName string, adv *affected.Advisory, packages []affected.Package, s export.Source) {
	key := recordKey{feedName, adv.ID}
	if have, ok := im.seen[key]; ok {
		if !adv.Modified.After(have.modified) {
			return
		}
		im.w.Drop(have.ref)
		im.diff.forget(key)
		im.feed(feedName).Records--
	}
	ref := im.w.Advisory(adv, feedName)
	im.seen[key] = seen{ref, adv.Modified}
	feed := im.feed(feedName)
	feed.Records++
	if adv.Modified.After(feed.Newest) {
		feed.Newest = adv.Modified
	}
	if !s.Full && s.Taken.After(feed.Taken) {
		feed.Taken = s.Taken
	}
	for i := range packages {
		p := &packages[i]
		im.w.Claim(ref, p)
		im.diff.after(key, adv, p)
		feed.cover(p.Ecosystem)
	}
	if len(adv.CVEs) == 1 {
		im.w.SetFacts(adv.CVEs[0], exploit.Facts{Score: adv.Score, Severity: adv.Severity})
	}
}

// feed gives the feed of a name, a new one if there is none yet.
func (im *importer) feed(name string) *Feed {
	i := slices.IndexFunc(im.feeds, func(f Feed) bool { return f.Name == name })
	if i < 0 {
		im.feeds = append(im.feeds, Feed{Name: name, Imported: im.Now})
		i = len(im.feeds) - 1
	}
	return &im.feeds[i]
}

// commit adds what stays of the old database and writes the new one.
func (im *importer) commit() (*ImportReport, error) {
	if len(im.feeds) == 0 && im.exploit.Len() == 0 {
		return nil, fmt.Errorf("%w to import", ErrNone)
	}
	m := meta{Written: im.Now, ExploitTaken: im.exploit.Taken}
	if im.old != nil {
		m.Bundle = im.old.meta.Bundle
	}
	if err := im.keepOld(&m); err != nil {
		return nil, err
	}
	im.exploit.Each(im.w.SetFacts)
	slices.SortFunc(im.feeds, func(a, b Feed) int { return cmp.Compare(a.Name, b.Name) })
	m.Feeds = im.feeds
	text, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	if err := im.w.Commit(FileOf(im.Dir), text); err != nil {
		return nil, err
	}
	return im.describe()
}

// describe reads back what was written.
func (im *importer) describe() (*ImportReport, error) {
	db, err := openDatabase(FileOf(im.Dir))
	if err != nil {
		return nil, err
	}
	defer db.Close()
	im.report.Feeds = db.meta.Feeds
	im.report.Advisories, im.report.Packages, im.report.Bytes = db.Len(), db.Keys(), db.Size()
	im.report.Changed = im.diff.changed()
	return &im.report, nil
}

// keepOld copies what is not replaced.
func (im *importer) keepOld(m *meta) error {
	if im.old == nil {
		return nil
	}
	kept := map[string]int{}
	gone := map[int]recordKey{}
	ref := -1
	err := im.w.CopyFrom(im.old.Reader, func(a *affected.Advisory, feed string) bool {
		ref++
		if im.renewed[feed] || im.dropped[a.ID] {
			gone[ref] = recordKey{feed, a.ID}
			return false
		}
		kept[feed]++
		if len(a.CVEs) == 1 {
			im.w.SetFacts(a.CVEs[0], exploit.Facts{Score: a.Score, Severity: a.Severity})
		}
		return true
	})
	if err != nil {
		return err
	}
	if err := im.compareOld(gone); err != nil {
		return err
	}
	for _, f := range im.old.meta.Feeds {
		if !im.renewed[f.Name] {
			im.joinOldFeed(f, kept[f.Name])
		}
	}
	im.keepOldFacts(m)
	return nil
}

// compareOld tells the difference what the advisories that are gone said.
func (im *importer) compareOld(gone map[int]recordKey) error {
	if len(gone) == 0 {
		return nil
	}
	loaded := map[int]*affected.Advisory{}
	return im.old.EachPackage(func(p *affected.Package, ref int) error {
		if _, ok := gone[ref]; !ok {
			return nil
		}
		adv := loaded[ref]
		if adv == nil {
			a, _, err := im.old.Advisory(ref)
			if err != nil {
				return err
			}
			adv = &a
			loaded[ref] = adv
		}
		im.diff.before(adv, p)
		return nil
	})
}

// joinOldFeed adds what a feed that was not replaced as a whole had before.
func (im *importer) joinOldFeed(old Feed, kept int) {
	f := im.feed(old.Name)
	if f.Records == 0 {
		f.Imported = old.Imported
	}
	f.Ecosystem = cmp.Or(f.Ecosystem, old.Ecosystem)
	f.Records += kept
	f.Skipped += old.Skipped
	f.Releases = union(f.Releases, old.Releases)
	if old.Taken.After(f.Taken) {
		f.Taken = old.Taken
	}
	if old.Newest.After(f.Newest) {
		f.Newest = old.Newest
	}
}

// keepOldFacts keeps KEV and EPSS if no newer ones came, and says what KEV has
// that it had not.
func (im *importer) keepOldFacts(m *meta) {
	if im.exploit.Len() == 0 {
		m.ExploitTaken = im.old.meta.ExploitTaken
		im.old.EachFact(func(cve string, f exploit.Facts) {
			if !f.Added.IsZero() || f.EPSS > 0 {
				im.w.SetFacts(cve, exploit.Facts{Added: f.Added, EPSS: f.EPSS})
			}
		})
		return
	}
	im.exploit.Each(func(cve string, f exploit.Facts) {
		if !f.Added.IsZero() && im.old.Facts(cve).Added.IsZero() {
			im.report.Exploited = append(im.report.Exploited, cve)
		}
	})
	slices.Sort(im.report.Exploited)
}
