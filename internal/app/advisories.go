package app

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"time"

	"github.com/rampart-sec/rampart/internal/base/software"
	"github.com/rampart-sec/rampart/internal/vuln/advisory"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/fetch"
)

// fetchHour is when the night's fetch begins, in the server's time zone: few work
// then, and the public exports of the day before are complete.
const fetchHour = 3

func (c *Config) checkAdvisories() error {
	switch c.FetchAdvisories {
	case "", "off", "nightly":
	default:
		return fmt.Errorf("fetchAdvisories %q: want off or nightly", c.FetchAdvisories)
	}
	if c.AdvisoriesFrom == "" {
		return nil
	}
	u, err := url.Parse(c.AdvisoriesFrom)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return fmt.Errorf("advisoriesFrom %q: want an http or https address", c.AdvisoriesFrom)
	}
	return nil
}

// noteSeen lets the next fetch take the ecosystems of what was scanned.
func (a *App) noteSeen(packages []software.Package) {
	if err := advisory.NoteSeen(a.opt.Config.Advisories, packages); err != nil {
		a.opt.Log.Warn("ecosystems could not be noted for the next fetch of advisories", "error", err)
	}
}

// fetchNightly fetches advisories once a night until ctx ends. A fetch that fails
// is told and tried again the next night; what was loaded stays.
func (a *App) fetchNightly(ctx context.Context) error {
	for {
		now := a.opt.Now()
		t := time.NewTimer(nextFetch(now).Sub(now))
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-t.C:
		}
		if err := a.fetchAdvisories(ctx); err != nil && ctx.Err() == nil {
			a.opt.Log.Error("advisories could not be fetched", "error", err)
		}
	}
}

// nextFetch is the next time that it is the hour of fetching.
func nextFetch(now time.Time) time.Time {
	at := time.Date(now.Year(), now.Month(), now.Day(), fetchHour, 0, 0, 0, now.Location())
	if !at.After(now) {
		at = at.AddDate(0, 0, 1)
	}
	return at
}

// fetchAdvisories downloads what scans have met, and imports it.
func (a *App) fetchAdvisories(ctx context.Context) error {
	c := &a.opt.Config
	seen, err := advisory.Seen(c.Advisories)
	if err != nil || len(seen) == 0 {
		return err
	}
	o := fetch.Options{Dir: filepath.Join(c.Advisories, "downloads"), From: c.AdvisoriesFrom, Ecosystems: seen, Wait: time.Second}
	if c.AdvisoriesFrom == "" {
		o.KEV, o.EPSS = fetch.DefaultKEV, fetch.DefaultEPSS
	}
	paths, problem := fetch.Fetch(ctx, o)
	if len(paths) == 0 {
		return problem
	}
	r, err := advisory.Import(ctx, advisory.ImportOptions{Dir: c.Advisories, Paths: paths, Now: a.opt.Now()})
	if err != nil {
		return err
	}
	a.opt.Log.Info("advisories fetched", "records", r.Records, "skipped", r.Skipped, "packagesChanged", len(r.Changed))
	return problem // of the files that did not come
}
