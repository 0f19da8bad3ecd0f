package advisory

import (
	"time"

	"github.com/rampart-sec/rampart/internal/vuln/advisory/cvss"
)

// Finding is one vulnerability of one installed package: what all advisories
// about it say together.
type Finding struct {
	ID      string   `json:"id"`      // the CVE; without one, the advisory's own id
	Aliases []string `json:"aliases"` // all other ids that advisories give it, sorted

	Package   string `json:"package"`
	Version   string `json:"version"`
	Ecosystem string `json:"ecosystem"`
	Source    string `json:"source,omitempty"`
	PURL      string `json:"purl,omitempty"`
	Path      string `json:"path,omitempty"`

	FixedVersion string `json:"fixedVersion"` // "" if no advisory names one
	Status       string `json:"status"`       // "fixed", "unfixed", or what the distribution says: "no-dsa", "will-not-fix", ...

	Severity cvss.Severity `json:"severity"`
	CVSS     float64       `json:"cvss"` // base score; 0 if nobody has rated it
	Vector   string        `json:"vector,omitempty"`

	KEV      bool    `json:"kev"`                // in CISA's catalog of known exploited vulnerabilities
	KEVAdded string  `json:"kevAdded,omitempty"` // date
	EPSS     float64 `json:"epss"`               // probability of exploitation in 30 days, 0 to 1

	Published *time.Time `json:"published,omitempty"` // the earliest that an advisory says
	Summary   string     `json:"summary,omitempty"`
	Disputed  bool       `json:"disputed,omitempty"`
}

// Excluded is a vulnerability that an advisory names for an installed package,
// and that is not counted, with the reason.
type Excluded struct {
	Finding
	Reason string `json:"reason"`
}

// Gap is a reason why packages could not be judged. A result with gaps is not
// complete: "no findings" then says nothing about these packages.
type Gap struct {
	Ecosystem string `json:"ecosystem"`
	Packages  int    `json:"packages"`
	Reason    string `json:"reason"`
}

// Result is what matching packages gave.
type Result struct {
	Findings []Finding  `json:"findings"` // by package, then by id
	Excluded []Excluded `json:"excluded"`
	Gaps     []Gap      `json:"gaps"`
	Feeds    []Feed     `json:"feeds"` // what was asked, with its age
}
