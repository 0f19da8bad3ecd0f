package policy

import (
	"fmt"
	"strings"
)

// checkedInitiative is an initiative whose members are verified once all
// definitions are loaded.
type checkedInitiative struct {
	file string
	*Initiative
}

// members verifies that every member of every initiative names a definition
// that is there, and binds it with the parameters that the initiative feeds.
// An initiative fails with its first error only.
func (c *checker) members() {
	for _, in := range c.initiatives {
		resolved, err := resolveParameters(in.Parameters, Samples(in.Parameters), false)
		if err != nil {
			c.fail(in.file, in.Name, err)
			continue
		}
		for _, m := range in.Members {
			if err := c.member(in.Initiative, m, resolved); err != nil {
				c.fail(in.file, in.Name, err)
				break
			}
		}
	}
}

func (c *checker) member(in *Initiative, m *Reference, resolved map[string]Value) error {
	if strings.Contains(folded(m.DefinitionID), "/policysetdefinitions/") {
		return faultAt(m.path, "%q is an initiative; only definitions can be members", clip(m.DefinitionID))
	}
	name := m.DefinitionID[strings.LastIndexByte(m.DefinitionID, '/')+1:]
	candidates := c.definitions[folded(name)]
	if len(candidates) == 0 {
		return faultAt(m.path, "the definition %q is not among the files", clip(m.DefinitionID))
	}
	values, err := m.Values(resolved)
	if err != nil || curated(in.PolicyType) {
		// A curated initiative may feed parameters of a version of the
		// definition that is not among the files.
		return err
	}
	pinned := false
	for _, d := range candidates {
		if !MatchesVersion(d.Version, m.Version) {
			continue
		}
		pinned = true
		if _, err = Bind(d, values, c.Options); err == nil {
			return nil
		}
	}
	if !pinned {
		return nil // the version that the member asks for is not among the files
	}
	return fmt.Errorf("%s, with the definition %s: %w", m.path, name, err)
}
