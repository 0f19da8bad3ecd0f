package advisory

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/rampart-sec/rampart/internal/vuln/advisory/csaf"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/debian"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/export"
)

// Feeds of distributions that say more than ranges.
const (
	trackerFeed = "debian-tracker"
	redHatFeed  = "redhat-vex"
)

// isTracker looks at the beginning of a file.
func isTracker(path string) (bool, error) {
	info, err := os.Stat(path)
	if err != nil || info.IsDir() || filepath.Ext(path) != ".json" && filepath.Ext(path) != "" {
		return false, err
	}
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	start := make([]byte, 4096)
	n, err := io.ReadFull(f, start)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return false, err
	}
	return debian.Is(start[:n]), nil
}

// tracker imports an export of Debian's security tracker, which replaces the one
// of before.
func (im *importer) tracker(path string, is bool) error {
	if !is {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	im.renewed[trackerFeed] = true
	feed := im.feed(trackerFeed)
	feed.Ecosystem, feed.Taken = "Debian", info.ModTime()
	s := export.Source{Path: path, Full: true, Taken: info.ModTime()}
	entries, err := debian.Read(bufio.NewReaderSize(f, 1<<20), func(pkg string, err error) {
		im.report.Skipped++
		im.feed(trackerFeed).Skipped++
		im.tell(s, pkg, err)
	})
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	if len(entries) == 0 {
		return fmt.Errorf("%w in %s: none of its issues is about a release that is known", ErrNone, path)
	}
	im.report.Records += len(entries)
	for i := range entries {
		im.add(trackerFeed, &entries[i].Advisory, entries[i].Packages, s)
	}
	return nil
}

// csaf imports one document of Red Hat.
func (im *importer) csaf(s export.Source, data []byte) error {
	d, err := csaf.Parse(data)
	if err != nil {
		return err
	}
	if !d.IsRedHat() {
		return fmt.Errorf("%w: documents of %.60q name no packages of a distribution that is known", csaf.ErrDocument, d.Document.Publisher.Name)
	}
	im.feed(redHatFeed).Ecosystem = "Red Hat"
	for _, e := range d.RedHat() {
		im.dropped[e.ID] = true
		im.add(redHatFeed, &e.Advisory, e.Packages, export.Source{Path: s.Path, Taken: s.Taken})
	}
	return nil
}
