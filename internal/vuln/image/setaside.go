package image

import (
	"slices"
	"time"

	"github.com/rampart-sec/rampart/internal/vuln/advisory"
	"github.com/rampart-sec/rampart/internal/vuln/triage"
	"github.com/rampart-sec/rampart/internal/vuln/vex"
)

// SetAside moves the findings that makers call harmless, and those that rules
// disable, to the excluded, with the reason. It gives the statements that fit no
// finding, and the rules that have expired or fit nothing.
func (r *Report) SetAside(statements []vex.Statement, rules []triage.Rule, now time.Time) (unmatched []vex.Statement, unused []string) {
	subject := vex.Subject{Repository: repositoryOf(r.Image.Name), Digest: r.Image.Digest}
	plain := make([]advisory.Finding, len(r.Findings))
	for i := range r.Findings {
		plain[i] = r.Findings[i].Finding
	}
	said := vex.Apply(statements, subject, plain)
	decision := triage.Decide(said.Findings, triage.Threshold{}, rules, "", now)
	for _, d := range decision.Disabled {
		said.Excluded = append(said.Excluded, advisory.Excluded{Finding: d.Finding, Reason: "disabled by " + d.Rule + ": " + d.Reason})
	}
	gone := map[findingKey]bool{}
	for _, e := range said.Excluded {
		gone[keyOf(&e.Finding)] = true
	}
	r.Excluded = append(r.Excluded, said.Excluded...)
	r.Findings = slices.DeleteFunc(r.Findings, func(f Finding) bool { return gone[keyOf(&f.Finding)] })
	unused = decision.Unused
	for _, rule := range rules {
		if rule.Expired(now) {
			unused = append(unused, rule.ID+" (expired "+rule.Expires.Format(time.DateOnly)+")")
		}
	}
	return said.Unmatched, unused
}

// findingKey tells the findings of an image apart.
type findingKey struct{ id, pkg, version, path string }

func keyOf(f *advisory.Finding) findingKey {
	return findingKey{f.ID, f.Package, f.Version, f.Path}
}

// repositoryOf cuts tag and digest from a reference.
func repositoryOf(reference string) string {
	for i := len(reference) - 1; i >= 0 && reference[i] != '/'; i-- {
		if reference[i] == ':' || reference[i] == '@' {
			return repositoryOf(reference[:i])
		}
	}
	return reference
}
