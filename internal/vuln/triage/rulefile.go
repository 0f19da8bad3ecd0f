package triage

import (
	"errors"
	"fmt"
	"time"

	"github.com/rampart-sec/rampart/internal/base/strictyaml"
	"github.com/rampart-sec/rampart/internal/vuln/advisory/cvss"
)

// ruleFile is how people write rules.
type ruleFile struct {
	Rules []struct {
		ID       string   `yaml:"id"`
		Reason   string   `yaml:"reason"`
		Expires  string   `yaml:"expires"` // date; the rule holds until it begins
		CVEs     []string `yaml:"cves"`
		Packages []string `yaml:"packages"`
		Paths    []string `yaml:"paths"`
		Scopes   []string `yaml:"scopes"`
		AtMost   string   `yaml:"atMost"`
		Unfixed  bool     `yaml:"unfixed"`
	} `yaml:"rules"`
}

// ReadRules reads a YAML file of rules. An unknown key, a rule without a reason and
// one that would disable everything are errors; all of the file's are told at once.
func ReadRules(name string, data []byte) ([]Rule, error) {
	var f ruleFile
	if err := strictyaml.Decode(name, data, &f); err != nil {
		return nil, err
	}
	if len(f.Rules) == 0 {
		return nil, fmt.Errorf("%s: it has no rules", name)
	}
	var rules []Rule
	var errs []error
	for i, w := range f.Rules {
		r := Rule{ID: w.ID, Reason: w.Reason, CVEs: w.CVEs, Packages: w.Packages, Paths: w.Paths, Scopes: w.Scopes, Unfixed: w.Unfixed}
		if r.ID == "" {
			r.ID = fmt.Sprintf("rule %d", i+1)
		}
		if err := complete(&r, w.AtMost, w.Expires); err != nil {
			errs = append(errs, fmt.Errorf("%s: %s: %w", name, r.ID, err))
		}
		rules = append(rules, r)
	}
	return rules, errors.Join(errs...)
}

func complete(r *Rule, atMost, expires string) error {
	if atMost != "" {
		if err := r.AtMost.UnmarshalText([]byte(atMost)); err != nil || r.AtMost == cvss.Unknown {
			return fmt.Errorf("atMost: %q is no severity", atMost)
		}
	}
	if expires != "" {
		var err error
		if r.Expires, err = time.Parse(time.DateOnly, expires); err != nil {
			return fmt.Errorf("expires: %q is no date such as 2027-01-31", expires)
		}
	}
	return r.Check()
}
