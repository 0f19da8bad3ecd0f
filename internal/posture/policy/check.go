package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
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
	// Unresolved are initiatives with members that are not among the files: the
	// rest of them was checked.
	Unresolved []CheckFailure `json:"unresolved"`
	// Skipped are JSON documents that are no policies.
	Skipped         []CheckFailure `json:"skipped"`
	UnknownAliases  []string       `json:"unknownAliases"`
	FallbackAliases int            `json:"fallbackAliases"`
	// GuessedAliases are the fallback aliases: their paths are guessed.
	GuessedAliases []string `json:"guessedAliases"`
	Seconds        float64  `json:"seconds"`
}

// CheckFailure is one file, or one definition in it, and what is the matter
// with it.
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
// be a single file. Other JSON is skipped and named. What is bad fails alone;
// the error is for a directory that cannot be read at all.
//
// A definition is counted with a rule unless it is Static, whose rules are
// always-false placeholders of attestations, or manual. Definitions of the same
// name (the copies for other clouds) are all compiled and counted once.
func CheckDirs(dirs []string, opt CheckOptions) (*CheckReport, error) {
	if opt.Aliases == nil {
		opt.Aliases = NewAliases()
	}
	start := opt.Now()
	c := &checker{CheckOptions: opt, unknown: map[string]string{}, guessed: map[string]string{}, counted: map[string]bool{}, definitions: map[string][]*Definition{}}
	c.report = CheckReport{Failed: []CheckFailure{}, Unresolved: []CheckFailure{}, Skipped: []CheckFailure{}}
	err := (&policyDocuments{definition: c.definition, initiative: c.initiative, skip: c.skip, fail: func(file string, err error) {
		c.report.Files++
		c.fail(file, "", err)
	}}).trees(dirs)
	c.members()
	c.report.UnknownAliases, c.report.GuessedAliases = values(c.unknown), values(c.guessed)
	c.report.FallbackAliases = len(c.guessed)
	c.report.Seconds = opt.Now().Sub(start).Seconds()
	return &c.report, err
}

// values are a map's values in the order of its keys.
func values(m map[string]string) []string {
	out := []string{}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		out = append(out, m[key])
	}
	return out
}

type checker struct {
	CheckOptions
	report           CheckReport
	unknown, guessed map[string]string // folded -> as written first
	counted          map[string]bool
	// definitions by folded name (several: copies and versions), and initiatives to verify at the end.
	definitions map[string][]*Definition
	initiatives []checkedInitiative
}

func (c *checker) fail(file, name string, err error) {
	c.report.Failed = append(c.report.Failed, CheckFailure{File: file, Name: name, Reason: err.Error()})
}

func (c *checker) skip(file, reason string) {
	c.report.Files++
	c.report.Skipped = append(c.report.Skipped, CheckFailure{File: file, Reason: reason})
}

func (c *checker) initiative(file string, v Value) {
	c.report.Files++
	c.report.Initiatives++
	in, err := InitiativeOf(v)
	if err != nil {
		c.fail(file, v.Get("name").Str, err)
		return
	}
	c.initiatives = append(c.initiatives, checkedInitiative{file, in})
}

func (c *checker) definition(file string, v Value) {
	c.report.Files++
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
	b, err := c.bind(d)
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

// bind binds with samples. What a sample alone makes wrong is no failure: then
// the parameters stay open, but for those that decide the effect and what is
// related.
func (c *checker) bind(d *Definition) (*Bound, error) {
	b, err := Bind(d, Samples(d.Parameters), c.Options)
	if err == nil || d.Rule == nil {
		return b, err
	}
	return c.bindOpen(d, map[string]Value{})
}

// bindOpen binds with the values that are given and leaves the other parameters
// open, but for those that must be known to read the rule at all.
func (c *checker) bindOpen(d *Definition, given map[string]Value) (*Bound, error) {
	samples := Samples(d.Parameters)
	for _, name := range d.Rule.structural() {
		p := findParameter(d.Parameters, name)
		if _, have := given[folded(name)]; have || p == nil || p.Default.Kind != Missing {
			continue
		}
		given[folded(name)] = samples[p.Name]
		if len(p.Allowed) == 0 && given[folded(name)].Kind == String && d.Rule.decidesEffect(name) {
			given[folded(name)] = StringValue("audit")
		}
	}
	opt := c.Options
	opt.UnboundParameters = true
	return Bind(d, given, opt)
}

// structural are the parameters that decide the effect and what is related.
func (r *Rule) structural() (names []string) {
	exprs := []Expr{r.Effect}
	if x := r.Existence; x != nil {
		exprs = append(exprs, x.Type, x.Scope, x.DefaultState)
	}
	for _, e := range exprs {
		names = append(names, parametersIn(e)...)
	}
	return names
}

func (r *Rule) decidesEffect(parameter string) bool {
	return slices.ContainsFunc(parametersIn(r.Effect), func(name string) bool { return equalFold(name, parameter) })
}

// parametersIn are the parameters that an expression names.
func parametersIn(e Expr) (names []string) {
	if e == nil {
		return nil
	}
	WalkExpr(e, func(e Expr) {
		if call, ok := e.(*Call); ok && call.Name == "parameters" && len(call.Args) == 1 {
			if v, ok := Constant(call.Args[0]); ok && v.Kind == String {
				names = append(names, v.Str)
			}
		}
	})
	return names
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
	for _, name := range b.UnknownAliases(c.Aliases, c.Options) {
		c.unknown[folded(name)] = name
	}
	for _, name := range b.GuessedAliases(c.Aliases) {
		c.guessed[folded(name)] = name
	}
}

// DoubtfulAliases are the aliases of a definition that no type has, so that it
// applies to nothing, and those whose paths are guessed because no table knows
// their type. Parameters without default stay open.
func (d *Definition) DoubtfulAliases(a *Aliases) (unknown, guessed []string) {
	if d.Rule == nil {
		return nil, nil
	}
	c := &checker{CheckOptions: CheckOptions{Aliases: a}}
	b, err := c.bind(d)
	if err != nil {
		return nil, nil // whoever assigns it is told
	}
	return b.UnknownAliases(a, Options{}), b.GuessedAliases(a)
}

// AliasWarnings are what DoubtfulAliases finds, in words.
func (d *Definition) AliasWarnings(a *Aliases) (warnings []string) {
	unknown, guessed := d.DoubtfulAliases(a)
	if len(unknown) > 0 {
		warnings = append(warnings, "no resource type has the alias "+strings.Join(unknown, ", ")+": the definition applies to nothing")
	}
	if len(guessed) > 0 {
		warnings = append(warnings, "the resource type of "+strings.Join(guessed, ", ")+" is not known: the property's path is guessed")
	}
	return warnings
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
