package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/base/software"
	"github.com/rampart-sec/rampart/internal/vuln/advisory"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/fetch"
)

// fetchFlags are what the verb is told.
type fetchFlags struct {
	db, ecosystems, from, kev, epss string
	dryRun                          bool
}

// errDryRun ends a fetch after its plan.
var errDryRun = errors.New("dry run")

func runAdvisoryFetch(ctx context.Context, io stdio, args []string) error {
	fs := flagSet("advisory fetch", io)
	var f fetchFlags
	fs.StringVar(&f.db, "db", defaultAdvisories(), "folder of the database; downloads are kept in it")
	fs.StringVar(&f.ecosystems, "ecosystems", "auto", "names with commas between, or auto: those that scans have met")
	fs.StringVar(&f.from, "from", fetch.DefaultOSV, "base address of <ecosystem>/all.zip")
	fs.StringVar(&f.kev, "kev", "", "address of CISA's catalog; off for none (default: CISA, unless --from names a mirror)")
	fs.StringVar(&f.epss, "epss", "", "address of the EPSS scores; off for none (default: FIRST, unless --from names a mirror)")
	fs.BoolVar(&f.dryRun, "dry-run", false, "say what would be loaded, and how much")
	if err := parse(fs, io, args, 0, 0); err != nil {
		return err
	}
	ecosystems, err := f.wanted(io)
	if err != nil {
		return err
	}
	paths, err := fetch.Fetch(ctx, f.options(io, ecosystems))
	if errors.Is(err, errDryRun) {
		return nil
	}
	if len(paths) == 0 {
		return err
	}
	return errors.Join(importAdvisories(ctx, io, "table", advisory.ImportOptions{Dir: f.db, Paths: paths, Now: time.Now()}), err)
}

// wanted lists the ecosystems to fetch. Before the first scan that is the
// distribution of this machine.
func (f fetchFlags) wanted(io stdio) ([]string, error) {
	if f.ecosystems != "auto" {
		return strings.Split(f.ecosystems, ","), nil
	}
	seen, err := advisory.Seen(f.db)
	if err != nil || len(seen) > 0 {
		return seen, err
	}
	text, _ := os.ReadFile("/etc/os-release")
	own, _, _ := strings.Cut(software.ParseRelease(text).Ecosystem(), ":")
	if own == "" {
		return nil, errors.New("no scan has met a package yet; name what you have, for example --ecosystems Debian,npm,Go")
	}
	fmt.Fprintf(io.err, "no scan has met a package yet: taking %s, which runs here; --ecosystems names others\n", own)
	return []string{own}, nil
}

func (f fetchFlags) options(io stdio, ecosystems []string) fetch.Options {
	public := f.from == fetch.DefaultOSV
	return fetch.Options{
		Dir: filepath.Join(f.db, "downloads"), From: f.from, Ecosystems: ecosystems, Wait: time.Second,
		KEV: address(f.kev, fetch.DefaultKEV, public), EPSS: address(f.epss, fetch.DefaultEPSS, public),
		Plan: func(files []fetch.File) error {
			printPlan(io, files)
			if f.dryRun {
				return errDryRun
			}
			return nil
		},
		Progress: fetchProgress(io),
	}
}

// address is what a flag says: an address, off, or nothing, which is the public
// one if the rest is public too.
func address(flag, public string, usePublic bool) string {
	switch {
	case flag == "off" || flag == "" && !usePublic:
		return ""
	case flag == "":
		return public
	}
	return flag
}

func printPlan(io stdio, files []fetch.File) {
	total, unknown := int64(0), false
	for _, f := range files {
		switch {
		case f.Current:
			fmt.Fprintf(io.err, "%s: unchanged since the last fetch\n", f.Name)
		case f.Size < 0:
			unknown = true
			fmt.Fprintf(io.err, "%s: of unknown size\n", f.Name)
		case f.Have > 0:
			total += f.Size - f.Have
			fmt.Fprintf(io.err, "%s: %s, of which %s are here already\n", f.Name, size(f.Size), size(f.Have))
		default:
			total += f.Size
			fmt.Fprintf(io.err, "%s: %s\n", f.Name, size(f.Size))
		}
	}
	more := ""
	if unknown {
		more = " and what is of unknown size"
	}
	fmt.Fprintf(io.err, "to load: %s%s\n", size(total), more)
}

// fetchProgress tells each tenth of a file that takes long.
func fetchProgress(io stdio) func(fetch.File, int64) {
	last := map[string]int64{}
	return func(f fetch.File, loaded int64) {
		if f.Size < 10<<20 {
			return
		}
		if tenth := loaded * 10 / f.Size; tenth > last[f.Name] {
			last[f.Name] = tenth
			fmt.Fprintf(io.err, "%s: %d0 %% of %s\n", f.Name, tenth, size(f.Size))
		}
	}
}

// size writes bytes in the unit that people count in.
func size(n int64) string {
	switch {
	case n < 10<<10:
		return fmt.Sprintf("%d bytes", n)
	case n < 10<<20:
		return fmt.Sprintf("%d KB", n>>10)
	}
	return fmt.Sprintf("%d MB", n>>20)
}
