package policy

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// CheckReport is the result of CheckDirs; its JSON is the output of
// `rampart policy check`.
type CheckReport struct {
	Files           int            `json:"files"`
	Definitions     int            `json:"definitions"`
	Initiatives     int            `json:"initiatives"`
	WithRule        int            `json:"withRule"`
	Compiled        int            `json:"compiled"`
	UnsupportedMode int            `json:"unsupportedMode"`
	Failed          []CheckFailure `json:"failed"`
	UnknownAliases  []string       `json:"unknownAliases"`
	FallbackAliases int            `json:"fallbackAliases"`
	Seconds         float64        `json:"seconds"`
}

// CheckFailure is one file, or one definition in it, that cannot be used.
type CheckFailure struct {
	File   string `json:"file"`
	Name   string `json:"name,omitempty"`
	Reason string `json:"reason"`
}

// CheckOptions say how definitions are checked.
type CheckOptions struct {
	// Aliases tells known aliases from unknown ones; nil is the built-in table.
	Aliases *Aliases
	Options Options
	// Now is called at the start and the end, for the duration.
	Now func() time.Time
}

// CheckDirs loads and compiles every definition and initiative below the
// directories: *.json, and *.json within *.tar.gz and *.tgz. A name may also
// be a single file. What is bad fails alone; the error is for a directory that
// cannot be read at all.
//
// A definition is counted with a rule unless it is Static, whose rules are
// always-false placeholders of attestations, or manual. Definitions of the same
// name (the copies for other clouds) are all compiled and counted once.
func CheckDirs(dirs []string, opt CheckOptions) (*CheckReport, error) {
	if opt.Aliases == nil {
		opt.Aliases = NewAliases()
	}
	start := opt.Now()
	c := &checker{CheckOptions: opt, unknown: map[string]string{}, fallback: map[string]bool{}, counted: map[string]bool{}, definitions: map[string][]*Definition{}}
	c.report = CheckReport{Failed: []CheckFailure{}, UnknownAliases: []string{}}
	files := documents{visit: c.document, fail: func(file string, err error) {
		c.report.Files++
		c.fail(file, "", err)
	}}
	var errs []error
	for _, dir := range dirs {
		if err := files.tree(dir); err != nil {
			errs = append(errs, fmt.Errorf("check %s: %w", dir, err))
		}
	}
	c.members()
	for _, folded := range slices.Sorted(maps.Keys(c.unknown)) {
		c.report.UnknownAliases = append(c.report.UnknownAliases, c.unknown[folded])
	}
	c.report.FallbackAliases = len(c.fallback)
	c.report.Seconds = opt.Now().Sub(start).Seconds()
	return &c.report, errors.Join(errs...)
}

type checker struct {
	CheckOptions
	report   CheckReport
	unknown  map[string]string // folded -> as written first
	fallback map[string]bool
	counted  map[string]bool
	// definitions by folded name (several: copies and versions), and initiatives to verify at the end.
	definitions map[string][]*Definition
	initiatives []checkedInitiative
}

func (c *checker) fail(file, name string, err error) {
	c.report.Failed = append(c.report.Failed, CheckFailure{File: file, Name: name, Reason: err.Error()})
}

// document checks one JSON document: a definition or an initiative.
func (c *checker) document(file string, data []byte) {
	c.report.Files++
	v, err := ParseValue(data)
	if err != nil {
		c.fail(file, "", err)
		return
	}
	props := v.Get("properties")
	if props.Kind == Missing {
		props = v
	}
	if props.Get("policyDefinitions").Kind != Missing {
		c.report.Initiatives++
		in, err := InitiativeOf(v)
		if err != nil {
			c.fail(file, v.Get("name").Str, err)
			return
		}
		c.initiatives = append(c.initiatives, checkedInitiative{file, in})
		return
	}
	c.report.Definitions++
	d, err := DefinitionOf(v)
	if err != nil {
		c.fail(file, v.Get("name").Str, err)
		return
	}
	c.definitions[folded(d.Name)] = append(c.definitions[folded(d.Name)], d)
	c.compile(file, d)
}

// compile binds a definition with its defaults, and with an acceptable sample
// for each parameter that has none.
func (c *checker) compile(file string, d *Definition) {
	b, err := Bind(d, Samples(d.Parameters), c.Options)
	if err != nil {
		c.fail(file, d.Name, err)
		return
	}
	if !d.HasRule(b) {
		return
	}
	one := c.count(file, d.Name)
	c.report.WithRule += one
	if !b.Supported() {
		c.report.UnsupportedMode += one
		return
	}
	if names := b.Unmodifiable(c.Aliases); len(names) > 0 {
		c.fail(file, d.Name, fmt.Errorf("the alias %s cannot be modified", names[0]))
		return
	}
	c.report.Compiled += one
	c.aliases(b)
}

// count is 1 for a name that was not seen before, else 0.
func (c *checker) count(file, name string) int {
	if name == "" {
		name = file
	}
	if c.counted[folded(name)] {
		return 0
	}
	c.counted[folded(name)] = true
	return 1
}

// HasRule reports whether there is something to evaluate: the definition is
// neither Static, whose rule is a placeholder, nor manual.
func (d *Definition) HasRule(b *Bound) bool {
	return !equalFold(d.PolicyType, "Static") && b.Effect != "manual"
}

// Supported reports whether the rule is in this language whole. Rules over
// cluster objects hand the judgement to a constraint template in another one.
func (b *Bound) Supported() bool {
	for _, key := range [...]string{"templateInfo", "mutationInfo", "constraintTemplate", "constraint", "policy", "policyId", "setting"} {
		if b.Definition.DataPlane() && b.Definition.Rule.foreign[folded(key)] {
			return false
		}
	}
	return true
}

func (c *checker) aliases(b *Bound) {
	note := func(f *Field, _ bool) {
		if f.Kind != FieldAlias && !f.Direct {
			return
		}
		switch origin := c.Aliases.Lookup(f.Text); {
		case f.Direct, origin == OriginUnknown:
			c.unknown[folded(f.Text)] = f.Text
		case origin == OriginMechanical:
			c.fallback[folded(f.Text)] = true
			if c.Aliases.Imported() {
				c.unknown[folded(f.Text)] = f.Text
			}
		}
	}
	Fields(b.If, note)
	if b.Details != nil {
		Fields(b.Details.ExistenceCondition, note)
	}
}

// Samples gives an acceptable value to every parameter that has no default:
// the first allowed one, or the simplest of its type.
func Samples(list []*Parameter) map[string]Value {
	out := map[string]Value{}
	for _, p := range list {
		if p.Default.Kind != Missing {
			continue
		}
		if len(p.Allowed) > 0 && p.acceptsKind(p.Allowed[0].Kind) {
			out[p.Name] = p.Allowed[0]
			continue
		}
		out[p.Name] = map[Kind]Value{
			String: StringValue("sample"), Array: ArrayValue(), Object: ObjectValue(), Bool: BoolValue(false), Int: IntValue(1),
		}[parameterKinds[p.Type][0]]
	}
	return out
}
