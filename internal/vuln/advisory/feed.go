package advisory

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rampart-sec/rampart/internal/vuln/advisory/ecosystem"
)

// Feed is a set of advisories that is published and renewed as a whole.
type Feed struct {
	Name      string    `json:"name"`                // an ecosystem ("Debian"), or the publisher's name ("debian-tracker")
	Ecosystem string    `json:"ecosystem,omitempty"` // whose packages it speaks of, "" if Name says it
	Releases  []string  `json:"releases,omitempty"`
	Records   int       `json:"records"`
	Skipped   int       `json:"skipped,omitempty"` // records that could not be read
	Taken     time.Time `json:"taken"`             // when the publisher, or the file, says that it was made
	Newest    time.Time `json:"newest"`            // the newest change of a record
	Imported  time.Time `json:"imported,omitzero"` // zero if it is read in place
}

// ErrStale says that advisories are older than they may be.
var ErrStale = errors.New("the advisories are too old")

// Age is how long ago the feed was made.
func (f Feed) Age(now time.Time) time.Duration { return now.Sub(f.Taken) }

// base is the ecosystem whose packages the feed speaks of.
func (f Feed) base() string {
	if f.Ecosystem != "" {
		return f.Ecosystem
	}
	return f.Name
}

// cover notes that the feed speaks of a release.
func (f *Feed) cover(e ecosystem.Ecosystem) {
	if ecosystem.Released(e.Base) && e.Release != "" && e.Channel == "" && !slices.Contains(f.Releases, e.Release) {
		f.Releases = union(f.Releases, []string{e.Release})
	}
}

// CheckAge returns an error of the kind ErrStale that names the feeds that are
// older than limit; 0 is no limit. A scan with stale advisories is an error.
func CheckAge(feeds []Feed, now time.Time, limit time.Duration) error {
	var old []string
	for _, f := range feeds {
		if age := f.Age(now); limit > 0 && age > limit {
			old = append(old, fmt.Sprintf("%s (%d days)", f.Name, int(age.Hours()/24)))
		}
	}
	if len(old) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s; renew them with `rampart advisory fetch` or `rampart advisory import`", ErrStale, strings.Join(old, ", "))
}

// union joins two lists, sorted, each once.
func union(a, b []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(slices.Concat(a, b))))
}
