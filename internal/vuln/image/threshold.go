package image

import (
	"fmt"

	"github.com/rampart-sec/rampart/internal/vuln/advisory/cvss"
)

// Threshold says which findings make a scan fail. Its zero value: none.
type Threshold struct {
	set     bool
	least   cvss.Severity
	kev     bool
	fixable bool
}

// ParseThreshold reads "", a severity, or "kev"; fixable counts only what a newer
// version fixes.
func ParseThreshold(text string, fixable bool) (Threshold, error) {
	switch text {
	case "":
		return Threshold{}, nil
	case "kev":
		return Threshold{set: true, kev: true, fixable: fixable}, nil
	}
	t := Threshold{set: true, fixable: fixable}
	if err := t.least.UnmarshalText([]byte(text)); err != nil || t.least < cvss.Low {
		return t, fmt.Errorf("%q: want low, medium, high, critical or kev", text)
	}
	return t, nil
}

// Exceeded says whether one of the findings counts.
func (t Threshold) Exceeded(findings []Finding) bool {
	for i := range findings {
		if t.counts(&findings[i]) {
			return true
		}
	}
	return false
}

// counts says whether a finding is at or above the threshold. One that nobody
// has rated is not harmless: it counts where low ones do.
func (t Threshold) counts(f *Finding) bool {
	switch {
	case !t.set || t.fixable && f.FixedVersion == "":
		return false
	case t.kev:
		return f.KEV
	}
	return f.Severity >= t.least || f.Severity == cvss.Unknown && t.least == cvss.Low
}
