package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/base/software"
	"github.com/rampart-sec/rampart/internal/vuln/advisory"
	"github.com/rampart-sec/rampart/internal/vuln/image"
	"github.com/rampart-sec/rampart/internal/vuln/image/report"
	"github.com/rampart-sec/rampart/internal/vuln/image/source"
)

// imageFlags are the flags of scan image.
type imageFlags struct {
	archive, root, db, format, failOn, platform, image, cache, ca *string
	fixable, noCache, noSecrets, insecure                         *bool
	timeout                                                       *time.Duration
	ref                                                           string
}

func runScanImage(ctx context.Context, std stdio, args []string) error {
	fs := flagSet("scan image", std)
	f := imageFlags{
		archive:   fs.String("archive", "", "archive of docker save, OCI layout (tar file or folder) or tar of a root file system; - is standard input"),
		root:      fs.String("root", "", "folder of a root file system"),
		db:        fs.String("db", defaultAdvisories(), "folder of advisories: an imported database or an OSV export"),
		format:    fs.String("format", "table", strings.Join(report.Formats(), ", ")),
		failOn:    fs.String("fail-on", "", "exit with status 1 if a vulnerability of this severity or worse was found: low, medium, high, critical, or kev (known to be exploited)"),
		fixable:   fs.Bool("fixable", false, "--fail-on counts only vulnerabilities that a newer version fixes"),
		platform:  fs.String("platform", "", "of an image for several platforms, the one to scan: linux/arm64"),
		image:     fs.String("image", "", "of an archive of several images, the tag or digest of the one to scan"),
		cache:     fs.String("cache", defaultCache(), "folder for what was read of layers"),
		noCache:   fs.Bool("no-cache", false, "read every layer, keep nothing"),
		noSecrets: fs.Bool("no-secrets", false, "do not look for secrets"),
		insecure:  fs.Bool("insecure", false, "talk to the registry without TLS"),
		ca:        fs.String("ca", "", "certificate of the registry's private authority, PEM"),
		timeout:   fs.Duration("timeout", 10*time.Minute, "give up after"),
	}
	var aside asideFlags
	aside.add(fs)
	if len(args) > 0 && args[0] != "" && args[0][0] != '-' { // the reference may come first
		args = append(args[1:len(args):len(args)], args[0])
	}
	if err := parse(fs, std, args, 0, 1); err != nil {
		return err
	}
	f.ref = fs.Arg(0)
	write, err := report.Writer(*f.format, report.About{Version: version})
	if err != nil {
		return fmt.Errorf("--format %w", err)
	}
	threshold, err := image.ParseThreshold(*f.failOn, *f.fixable)
	if err != nil {
		return fmt.Errorf("--fail-on %w", err)
	}
	set, err := aside.read()
	if err != nil {
		return err
	}
	r, err := scanImage(ctx, std, &f)
	if err != nil {
		return err
	}
	if err := aside.checkAge(r, time.Now()); err != nil {
		return err
	}
	set.apply(std, r, time.Now())
	if err := write(std.out, r); err != nil {
		return err
	}
	if threshold.Exceeded(r.Findings) {
		return errFound
	}
	return nil
}

// scanImage opens the advisories first: without them nothing is to be said of
// any image.
func scanImage(ctx context.Context, std stdio, f *imageFlags) (*image.Report, error) {
	// The scan allocates little that lives on; a lean heap keeps it beside a
	// build on a small machine.
	debug.SetGCPercent(50)
	db, err := advisory.Open(*f.db)
	if err != nil {
		return nil, fmt.Errorf("scan error: %w", err)
	}
	defer db.Close() //nolint:errcheck // only read
	ctx, cancel := context.WithTimeoutCause(ctx, *f.timeout, fmt.Errorf("it took longer than %s (--timeout)", *f.timeout))
	defer cancel()
	m, done, err := openImage(ctx, std, f)
	if err != nil {
		return nil, fmt.Errorf("scan error: %w", cause(ctx, err))
	}
	defer done()
	o := image.Options{Advisories: db, NoSecrets: *f.noSecrets, Now: time.Now, Progress: progress(std)}
	if !*f.noCache {
		o.Cache = &image.Cache{Dir: *f.cache}
		defer o.Cache.Trim()
	}
	r, err := image.Scan(ctx, m, o)
	if err != nil {
		return nil, fmt.Errorf("scan error: %w", cause(ctx, err))
	}
	noteSeen(std, db, r.Packages)
	return r, nil
}

// noteSeen lets the next fetch take the ecosystems of what was scanned.
func noteSeen(std stdio, db *advisory.DB, packages []image.Package) {
	list := make([]software.Package, len(packages))
	for i := range packages {
		list[i] = packages[i].Package
	}
	if err := db.NoteSeen(list); err != nil {
		fmt.Fprintf(std.err, "the ecosystems of the image could not be noted for advisory fetch: %s\n", oneLine(err))
	}
}

func cause(ctx context.Context, err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return context.Cause(ctx)
	}
	return err
}

// openImage opens the one image that the flags name.
func openImage(ctx context.Context, std stdio, f *imageFlags) (*source.Image, func(), error) {
	given := 0
	for _, s := range []string{f.ref, *f.archive, *f.root} {
		if s != "" {
			given++
		}
	}
	nothing := func() {}
	if given != 1 {
		return nil, nothing, errors.New("name one image: REFERENCE of a registry, --archive FILE or --root DIR")
	}
	pick := source.Pick{Name: *f.image, Platform: *f.platform, Default: "linux/" + runtime.GOARCH}
	switch {
	case *f.root != "":
		info, err := os.Stat(*f.root)
		if err == nil && !info.IsDir() {
			err = fmt.Errorf("%s is not a folder", *f.root)
		}
		return &source.Image{Folder: *f.root}, nothing, err
	case f.ref != "":
		m, err := openReference(ctx, f, pick)
		return m, nothing, err
	}
	if info, err := os.Stat(*f.archive); err == nil && info.IsDir() {
		images, err := source.OpenLayout(*f.archive)
		if err != nil {
			return nil, nothing, err
		}
		m, err := pick.From(images)
		return m, nothing, err
	}
	a, err := source.OpenArchive(ctx, *f.archive, std.in)
	if err != nil {
		return nil, nothing, err
	}
	images, err := a.Images()
	if err == nil {
		var m *source.Image
		if m, err = pick.From(images); err == nil {
			return m, a.Close, nil
		}
	}
	a.Close()
	return nil, nothing, err
}

// progress draws how far a scan is, on a terminal only.
func progress(std stdio) func(done, total int) {
	f, ok := std.err.(*os.File)
	if !ok {
		return nil
	}
	if info, err := f.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return nil
	}
	return func(done, total int) {
		const width = 30
		filled := width * done / max(total, 1)
		fmt.Fprintf(f, "\r[%s%s] layer %d of %d ", strings.Repeat("#", filled), strings.Repeat(".", width-filled), done, total) //nolint:errcheck // decoration
		if done == total {
			fmt.Fprint(f, "\r\x1b[K") //nolint:errcheck // decoration
		}
	}
}

func defaultCache() string { return filepath.Join(userCache(), "layers") }

func userCache() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	return filepath.Join(dir, "rampart")
}
