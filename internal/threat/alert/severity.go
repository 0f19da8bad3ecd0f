package alert

import (
	"fmt"
	"strings"
)

// Context is what is known of the resource that an alert is about.
type Context struct {
	Known           bool   // the resource is in the inventory
	Exposed         bool   // the internet reaches it
	Critical        bool   // people say that it matters: a tag, an owner's word
	CriticalBecause string // which word
	Exploited       int    // open vulnerabilities that are exploited in the wild
	Owner           string
}

// weigh gives an alert's severity and the reasons: the rule's level, one step up
// for a resource that matters or that is exposed and has exploited
// vulnerabilities. A rule of level informational stays what it is.
func weigh(level string, c Context) (Severity, []string) {
	s := Medium
	switch strings.ToLower(level) {
	case "informational":
		return Informational, []string{"The rule's level is informational."}
	case "low":
		s = Low
	case "high", "critical":
		s = High
	}
	reasons := []string{"The rule gives no level."}
	if level != "" {
		reasons[0] = fmt.Sprintf("The rule's level is %s.", strings.ToLower(level))
	}
	raise := func(format string, args ...any) {
		reason := fmt.Sprintf(format, args...)
		if s < High {
			s++
			reason += " One step up."
		}
		reasons = append(reasons, reason)
	}
	switch {
	case c.Critical:
		raise("The resource matters: %s.", c.CriticalBecause)
	case c.Exposed && c.Exploited > 0:
		raise("The internet reaches the resource, and %d of its open vulnerabilities are exploited in the wild.", c.Exploited)
	case c.Exposed:
		reasons = append(reasons, "The internet reaches the resource.")
	}
	return s, reasons
}
