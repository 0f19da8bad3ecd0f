package advisory

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/rampart-sec/rampart/internal/vuln/advisory/affected"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/bundle"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/exploit"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/file"
)

// bundledName is the database as it was when the last bundle was made of it.
const bundledName = "bundled.db"

// BundleOptions says what bundle to make.
type BundleOptions struct {
	Dir   string // of the database
	Out   string
	Key   ed25519.PrivateKey
	Whole bool // all advisories; otherwise what has changed since the last bundle, if there was one
	Now   time.Time
}

// BundleReport says what a bundle holds.
type BundleReport struct {
	Whole      bool   `json:"whole"`
	Advisories int    `json:"advisories"` // new or changed, all of a whole one
	Removed    int    `json:"removed"`
	State      string `json:"state"`
	Bytes      int64  `json:"bytes"`
}

// ErrBase says that a bundle goes on top of other advisories than there are.
var ErrBase = errors.New("the bundle does not fit this database")

// MakeBundle writes the advisories of a folder, or what has changed of them, to a
// signed file, and remembers what the other side will have then.
func MakeBundle(o BundleOptions) (*BundleReport, error) {
	db, err := openDatabase(FileOf(o.Dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, noAdvisories(o.Dir)
	}
	if err != nil {
		return nil, err
	}
	defer db.Close()
	now, err := db.Digests()
	if err != nil {
		return nil, err
	}
	h := bundle.Header{Created: o.Now, State: file.State(now), Meta: db.Reader.Meta()}
	r := &BundleReport{Whole: true, Advisories: len(now), State: h.State}
	payload := FileOf(o.Dir)
	if !o.Whole {
		part, err := o.delta(db, now, &h, r)
		if err != nil {
			return nil, err
		}
		if part != "" {
			defer os.Remove(part)
			payload = part
		}
	}
	if err := writeBundle(o, h, payload); err != nil {
		return nil, err
	}
	info, err := os.Stat(o.Out)
	if err != nil {
		return nil, err
	}
	r.Bytes = info.Size()
	return r, remember(o.Dir)
}

func writeBundle(o BundleOptions, h bundle.Header, payload string) error {
	f, err := os.Open(payload)
	if err != nil {
		return err
	}
	defer f.Close()
	return bundle.Write(o.Out, h, f, o.Key)
}

// remember keeps the database as it is: it is never changed, only replaced, so
// another name for it is enough.
func remember(dir string) error {
	kept := filepath.Join(dir, bundledName)
	if err := os.Remove(kept); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Link(FileOf(dir), kept)
}

// delta writes what has changed since the last bundle to a database of its own and
// gives its path; "" if there is no last bundle.
func (o BundleOptions) delta(db *database, now []file.Digest, h *bundle.Header, r *BundleReport) (string, error) {
	last, err := file.Open(filepath.Join(o.Dir, bundledName))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer last.Close()
	before, err := last.Digests()
	if err != nil {
		return "", err
	}
	changed, removed := compareDigests(before, now)
	h.Base, h.Removed = file.State(before), removed
	r.Whole, r.Advisories, r.Removed = false, len(changed), len(removed)
	w := file.NewWriter()
	err = w.CopyFrom(db.Reader, func(a *affected.Advisory, feed string) bool { return changed[recordKey{feed, a.ID}] })
	if err != nil {
		return "", err
	}
	w.CopyFacts(db.Reader)
	path := filepath.Join(o.Dir, ".delta.db")
	return path, w.Commit(path, []byte("{}"))
}

// compareDigests lists what is new or different, and what must go for it.
func compareDigests(before, now []file.Digest) (changed map[recordKey]bool, removed []bundle.Removed) {
	had := map[recordKey]file.Digest{}
	for _, d := range before {
		had[recordKey{d.Feed, d.ID}] = d
	}
	changed = map[recordKey]bool{}
	for _, d := range now {
		key := recordKey{d.Feed, d.ID}
		if old, ok := had[key]; !ok || old.Sum != d.Sum {
			changed[key] = true
		} else {
			delete(had, key)
		}
	}
	for _, d := range before {
		if _, gone := had[recordKey{d.Feed, d.ID}]; gone {
			removed = append(removed, bundle.Removed{Feed: d.Feed, ID: d.ID})
		}
	}
	return changed, removed
}

// importBundle puts a bundle in the place of the database, or on top of it.
func importBundle(o ImportOptions, old *database, path string) (*ImportReport, error) {
	if len(o.Trusted) == 0 {
		return nil, fmt.Errorf("%s is a signed bundle: name the public key of its maker (--trust FILE)", path)
	}
	b, err := bundle.Open(path, o.Trusted)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	if err := fits(b.Header, old); err != nil {
		return nil, err
	}
	payload, err := unpack(b, o.Dir)
	if err != nil {
		return nil, err
	}
	defer os.Remove(payload)
	news, err := file.Open(payload)
	if err != nil {
		return nil, err
	}
	defer news.Close()
	if err := news.Verify(); err != nil {
		return nil, err
	}
	im := newImporter(o, old)
	return im.carryIn(b.Header, news)
}

// fits reports whether a bundle may go on top of a database.
func fits(h bundle.Header, old *database) error {
	if old == nil {
		if h.Base != "" {
			return fmt.Errorf("%w: it holds changes only, and there is no database: import a whole bundle first", ErrBase)
		}
		return nil
	}
	if h.Created.Before(old.meta.Bundle) {
		return fmt.Errorf("%w: it was made %s, before the one that was imported last", ErrBase, h.Created.Format(time.RFC3339))
	}
	if h.Base == "" {
		return nil
	}
	digests, err := old.Digests()
	if err != nil {
		return err
	}
	if state := file.State(digests); state != h.Base {
		return fmt.Errorf("%w: it holds changes of state %.12s, the database has state %.12s: import the bundles between, or a whole one", ErrBase, h.Base, state)
	}
	return nil
}

func unpack(b *bundle.Reader, dir string) (string, error) {
	f, err := os.CreateTemp(dir, ".payload-*")
	if err != nil {
		return "", err
	}
	err = b.Payload(f)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return f.Name(), err
}

// carryIn writes the database that the bundle stands for.
func (im *importer) carryIn(h bundle.Header, news *file.Reader) (*ImportReport, error) {
	var m meta
	if err := json.Unmarshal(h.Meta, &m); err != nil {
		return nil, fmt.Errorf("%w: %v", bundle.ErrFormat, err)
	}
	m.Written, m.Bundle = im.Now, h.Created
	for i := range m.Feeds {
		m.Feeds[i].Imported = im.Now
	}
	if err := im.carryOld(h); err != nil {
		return nil, err
	}
	if err := im.w.CopyFrom(news, im.takeNew); err != nil {
		return nil, err
	}
	if err := eachWithAdvisory(news, nil, im.diff.carried); err != nil {
		return nil, err
	}
	im.w.CopyFacts(news)
	text, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	tmp := filepath.Join(im.Dir, ".carried.db")
	defer os.Remove(tmp)
	if err := im.w.Commit(tmp, text); err != nil {
		return nil, err
	}
	if err := hasState(tmp, h.State); err != nil {
		return nil, err
	}
	if err := os.Rename(tmp, FileOf(im.Dir)); err != nil {
		return nil, err
	}
	im.report.Records = news.Len()
	return im.describe()
}

func (im *importer) takeNew(a *affected.Advisory, _ string) bool {
	if len(a.CVEs) == 1 {
		im.w.SetFacts(a.CVEs[0], exploit.Facts{Score: a.Score, Severity: a.Severity})
	}
	return true
}

// carryOld keeps what a bundle of changes leaves as it is; a whole bundle leaves
// nothing.
func (im *importer) carryOld(h bundle.Header) error {
	if im.old == nil {
		return nil
	}
	gone := map[recordKey]bool{}
	for _, r := range h.Removed {
		gone[recordKey{r.Feed, r.ID}] = true
	}
	stays := func(a *affected.Advisory, feed string) bool {
		return h.Base != "" && !gone[recordKey{feed, a.ID}]
	}
	err := im.w.CopyFrom(im.old.Reader, func(a *affected.Advisory, feed string) bool {
		return stays(a, feed) && im.takeNew(a, feed)
	})
	if err != nil {
		return err
	}
	return eachWithAdvisory(im.old.Reader, func(a *affected.Advisory, feed string) bool { return !stays(a, feed) }, im.diff.before)
}

// eachWithAdvisory gives what advisories say of packages, for those that want
// asks for; nil asks for all.
func eachWithAdvisory(r *file.Reader, want func(*affected.Advisory, string) bool, fn func(*affected.Advisory, *affected.Package)) error {
	list := make([]*affected.Advisory, r.Len())
	for i := range list {
		a, feed, err := r.Advisory(i)
		if err != nil {
			return err
		}
		if want == nil || want(&a, feed) {
			list[i] = &a
		}
	}
	return r.EachPackage(func(p *affected.Package, ref int) error {
		if ref < len(list) && list[ref] != nil {
			fn(list[ref], p)
		}
		return nil
	})
}

// hasState compares what was written with what the bundle promised.
func hasState(path, state string) error {
	r, err := file.Open(path)
	if err != nil {
		return err
	}
	defer r.Close()
	digests, err := r.Digests()
	if err != nil {
		return err
	}
	if got := file.State(digests); got != state {
		return fmt.Errorf("%w: after it the database would have state %.12s, not %.12s", ErrBase, got, state)
	}
	return nil
}
