package policy

import (
	"fmt"
	"maps"
	"strings"
)

// checkedInitiative is an initiative whose members are verified once all
// definitions are loaded.
type checkedInitiative struct {
	file string
	*Initiative
}

// members verifies that the members of every initiative name definitions, and
// binds those with what the initiative feeds. An initiative fails with its first
// error only; members that are not among the files leave it unresolved.
func (c *checker) members() {
	for _, in := range c.initiatives {
		c.initiativeMembers(in)
	}
}

func (c *checker) initiativeMembers(in checkedInitiative) {
	open := c.Options
	open.UnboundParameters = true
	defaults, err := resolveParameters(in.Parameters, nil, true)
	if err != nil {
		c.fail(in.file, in.Name, err)
		return
	}
	feed := &binder{values: defaults, opt: open, declared: in.Parameters}
	var absent []string
	for _, m := range in.Members {
		if strings.Contains(folded(m.DefinitionID), "/policysetdefinitions/") {
			err = faultAt(m.path, "%q is an initiative; only definitions can be members", clip(m.DefinitionID))
		} else if list := c.definitions[folded(m.name())]; len(list) == 0 {
			absent = append(absent, m.DefinitionID)
		} else {
			err = c.member(in.Initiative, m, feed, list)
		}
		if err != nil {
			c.fail(in.file, in.Name, err)
			return
		}
	}
	if n := len(absent); n > 0 {
		reason := fmt.Sprintf("%d of %d definitions are not among the files, the first is %s", n, len(in.Members), clip(absent[0]))
		c.report.Unresolved = append(c.report.Unresolved, CheckFailure{File: in.file, Name: in.Name, Reason: reason})
	}
}

// name is the name of the member's definition.
func (m *Reference) name() string {
	return m.DefinitionID[strings.LastIndexByte(m.DefinitionID, '/')+1:]
}

// member binds a member's definition with the values that do not depend on
// parameters of the initiative without default.
func (c *checker) member(in *Initiative, m *Reference, feed *binder, list []*Definition) error {
	values := map[string]Value{}
	for name, e := range m.Parameters {
		bound, err := feed.expr(e)
		if err != nil {
			return faultAt(m.path+".parameters."+name, "%v", err)
		}
		if v, ok := Constant(bound); ok {
			values[name] = v
		}
	}
	if curated(in.PolicyType) {
		// A curated initiative may feed parameters of a version of the
		// definition that is not among the files.
		return nil
	}
	var err error
	for _, d := range list {
		if !MatchesVersion(d.Version, m.Version) {
			continue // the version that the member asks for may not be among the files
		}
		if err = c.feeds(m, d, maps.Clone(values)); err == nil {
			return nil
		}
	}
	if err != nil {
		return fmt.Errorf("%s, with the definition %s: %w", m.path, m.name(), err)
	}
	return nil
}

// feeds reports why a definition cannot be bound by a member: every parameter
// that is fed must be declared, every one without default be fed.
func (c *checker) feeds(m *Reference, d *Definition, values map[string]Value) error {
	for name := range m.Parameters {
		if findParameter(d.Parameters, name) == nil {
			return faultAt("", "there is no parameter %q", clip(name))
		}
	}
	for _, p := range d.Parameters {
		if m.Parameters[folded(p.Name)] == nil && p.Default.Kind == Missing {
			return faultAt("", "parameter %q has no value and no default", p.Name)
		}
	}
	if d.Rule == nil {
		return nil
	}
	_, err := c.bindOpen(d, values)
	return err
}
