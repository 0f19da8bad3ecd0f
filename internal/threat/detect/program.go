package detect

import (
	"time"

	"github.com/rampart-sec/rampart/internal/threat/correlate"
	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/sigma"
)

// Program is a set of rules and correlations made ready. It is immutable and safe
// for concurrent use.
type Program struct {
	engine       *sigma.Engine
	correlations []*correlate.Rule
	keys         map[string][]string // of a rule's id and name: the names by which it goes
	failed       []*sigma.Error
}

// New makes a program of what Load has read. Correlations that cannot be linked
// are among Failed.
func New(set *sigma.Set) *Program { return newProgram(set) }

// NewForAlerts is New for what raises alerts: decoders also fill the fields that
// entities are read from.
func NewForAlerts(set *sigma.Set) *Program {
	return newProgram(set, append(entityNames(), "subscriptionId", "properties.resourceId")...)
}

func newProgram(set *sigma.Set, extra ...string) *Program {
	p := &Program{keys: map[string][]string{}, failed: set.Failed}
	for _, r := range set.Rules {
		names := []string{r.Key()}
		if r.Name != "" && r.Name != r.Key() {
			names = append(names, r.Name)
		}
		for _, n := range names {
			p.keys[n] = names
		}
	}
	files := map[*correlate.Rule]sigma.Correlation{}
	var rules []*correlate.Rule
	for _, c := range set.Correlations {
		r, err := correlate.Parse(c.Doc)
		if err != nil {
			p.fail(c, err)
			continue
		}
		files[r] = c
		rules = append(rules, r)
	}
	e, errs := correlate.New(rules, p.names, correlate.Options{})
	for _, err := range errs {
		p.failed = append(p.failed, &sigma.Error{Reason: err.Error()})
	}
	p.correlations = e.Rules()
	p.engine = sigma.Compile(set.Rules, append(e.Fields(), extra...)...)
	return p
}

func (p *Program) fail(c sigma.Correlation, err error) {
	p.failed = append(p.failed, &sigma.Error{File: c.File, Line: c.Doc.Line, Reason: err.Error()})
}

func (p *Program) names(ref string) []string { return p.keys[ref] }

// Failed says what was refused.
func (p *Program) Failed() []*sigma.Error { return p.failed }

// Count is how many rules and correlations run.
func (p *Program) Count() int { return len(p.engine.Rules()) + len(p.correlations) }

// Rules are the rules that run.
func (p *Program) Rules() []*sigma.Rule { return p.engine.Rules() }

// Correlations are the correlations that run.
func (p *Program) Correlations() []*correlate.Rule { return p.correlations }

// Schema has a slot for each field that rules or correlations read.
func (p *Program) Schema() *event.Schema { return p.engine.Schema() }

// Hit is what a record led to: a rule that matches it, or a correlation that it
// completes.
type Hit struct {
	Rule        *sigma.Rule
	Fields      []sigma.Field
	Correlation *correlate.Detection
}

// Run is a program's state over a sequence of records. It is not safe for
// concurrent use.
type Run struct {
	program *Program
	matcher *sigma.Matcher
	windows *correlate.Engine
}

// NewRun begins with empty windows.
func (p *Program) NewRun(o correlate.Options) *Run {
	windows, _ := correlate.New(p.correlations, p.names, o) // linked before
	return &Run{program: p, matcher: p.engine.Matcher(), windows: windows}
}

// Windows is the state of the correlations, for its counts and snapshots.
func (r *Run) Windows() *correlate.Engine { return r.windows }

// Record calls emit with each hit of a record, in a fixed order. source names
// where it came from, for lateness; id is asked for its name in detections, only
// if a rule of a correlation matches. Rules that only serve correlations give no
// hit of their own.
func (r *Run) Record(rec *event.Record, source string, id func() uint64, emit func(Hit)) {
	for _, rule := range r.matcher.Match(rec) {
		used, generates := r.windows.Uses(rule.Key())
		if !used || generates {
			emit(Hit{Rule: rule, Fields: r.matcher.Fields(rule)})
		}
		if !used {
			continue
		}
		r.windows.Add(correlate.Occurrence{Rule: rule.Key(), Time: rec.Time(), Event: id(), Source: source, Field: fieldOf(rec)}, func(d correlate.Detection) {
			if outer, generates := r.windows.Uses(d.Rule.Key()); !outer || generates {
				emit(Hit{Correlation: &d})
			}
		})
	}
}

// fieldOf reads the first value of a field of a record.
func fieldOf(rec *event.Record) func(string) (string, bool) {
	return func(name string) (string, bool) {
		slot := rec.Schema().Slot(name)
		if slot == event.NoSlot {
			return "", false
		}
		for v := rec.First(slot); v != 0; v = rec.Next(v) {
			if rec.TypeOf(v) != event.Null {
				return string(rec.Text(v)), true
			}
		}
		return "", false
	}
}

// correlateOptions are those of runs over files, which are as old as they are: an
// archive may hold the logs of many hosts one after the other.
func correlateOptions() correlate.Options {
	return correlate.Options{Lateness: 365 * 24 * time.Hour}
}
