// Package fetch downloads advisory feeds: the archives of osv.dev, CISA's catalog
// and FIRST's scores. It runs when somebody asks for it and never by itself.
//
// What was loaded before a break is kept and continued by HTTP ranges; what has
// not changed is not loaded again. Servers are hostile: sizes, redirects and idle
// time are bounded. The package must never import the database.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Default addresses of the public feeds.
const (
	DefaultOSV  = "https://osv-vulnerabilities.storage.googleapis.com"
	DefaultKEV  = "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json"
	DefaultEPSS = "https://epss.empiricalsecurity.com/epss_scores-current.csv.gz"
)

// MaxBytes bounds one file; the largest real archive has below 1 GB.
const MaxBytes = 8 << 30

// Options says what to fetch.
type Options struct {
	Dir        string       // where the files are kept; it is made if it does not exist
	From       string       // base address of <ecosystem>/all.zip; "" is DefaultOSV
	Ecosystems []string     // "Debian", "npm", ...
	KEV, EPSS  string       // addresses; "" leaves the file out
	Client     *http.Client // nil is one with bounds of its own
	Attempts   int          // per file, when the connection breaks; 0 is 5
	Wait       time.Duration
	Idle       time.Duration // without a byte, after which a connection is broken; 0 is 30 s

	// Plan is told of all files before anything is loaded; an error of it ends the
	// fetch. It may be nil.
	Plan func(files []File) error
	// Progress is told after each part that was loaded. It may be nil.
	Progress func(f File, loaded int64)
}

// File is one file of a feed.
type File struct {
	Name    string // "Debian", "KEV", "EPSS"
	URL     string
	Path    string // where it is kept
	Size    int64  // in bytes; -1 if the server does not say
	Have    int64  // bytes of it that are there from before
	Current bool   // the file that is there is the server's: nothing is loaded

	etag string
}

// Fetch loads what is new and gives the paths of the files that are whole and
// current, which Import takes. A file that fails does not stop the others: there
// may be paths and an error.
func Fetch(ctx context.Context, o Options) (paths []string, err error) {
	files, err := o.files()
	if err != nil {
		return nil, err
	}
	f := newFetcher(o)
	var there []File
	var errs []error
	for _, file := range files {
		if err := f.inspect(ctx, &file); err != nil {
			errs = append(errs, err)
			continue
		}
		there = append(there, file)
	}
	if o.Plan != nil && len(there) > 0 {
		if err := o.Plan(there); err != nil {
			return nil, err
		}
	}
	for i := range there {
		if err := f.load(ctx, &there[i]); err != nil {
			errs = append(errs, fmt.Errorf("fetch %s: %w", there[i].Name, err))
			continue
		}
		paths = append(paths, there[i].Path)
	}
	return paths, errors.Join(errs...)
}

// files names what is to be fetched, and where it goes.
func (o Options) files() (files []File, err error) {
	base := o.From
	if base == "" {
		base = DefaultOSV
	}
	for _, e := range o.Ecosystems {
		if e == "" || strings.ContainsAny(e, `/\`) || strings.HasPrefix(e, ".") {
			return nil, fmt.Errorf("ecosystem %.60q is no name of one", e)
		}
		at, err := url.JoinPath(base, url.PathEscape(e), "all.zip")
		if err != nil {
			return nil, fmt.Errorf("address %.200q: %w", base, err)
		}
		files = append(files, File{Name: e, URL: at, Path: filepath.Join(o.Dir, e, "all.zip")})
	}
	if o.KEV != "" {
		files = append(files, File{Name: "KEV", URL: o.KEV, Path: filepath.Join(o.Dir, "kev.json")})
	}
	if o.EPSS != "" {
		files = append(files, File{Name: "EPSS", URL: o.EPSS, Path: filepath.Join(o.Dir, "epss.csv.gz")})
	}
	if len(files) == 0 {
		return nil, errors.New("nothing to fetch is named")
	}
	for _, f := range files {
		if u, err := url.Parse(f.URL); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			return nil, fmt.Errorf("address %.200q: it must be http or https with a host", f.URL)
		}
		if err := os.MkdirAll(filepath.Dir(f.Path), 0o755); err != nil {
			return nil, err
		}
	}
	return files, nil
}
