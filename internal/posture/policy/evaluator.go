package policy

import (
	"time"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// Estate is what the evaluator asks about other resources.
type Estate interface {
	// Resource returns the document with an id, nil if there is none.
	Resource(id arm.ID) *Resource
	// Related returns the documents that a query selects, in any order.
	Related(q Query) ([]*Resource, error)
}

// Evaluator judges resources by walking the trees: slow and plain. It is the
// reference for faster evaluators. It keeps no state and may be used from
// several goroutines if its Estate may.
type Evaluator struct {
	// Aliases resolves alias names. With nil every name is a path of the body,
	// as case files without alias table mean it.
	Aliases *Aliases
	Options Options
	// Estate finds containers and related resources; nil finds none.
	Estate Estate
	// Delivered reports whether anybody has delivered resources of a type in a
	// subscription (its id); where nobody has, a lookup that finds nothing is
	// unknown. nil: everything is delivered.
	Delivered func(subscription, resourceType string) bool
	// Now is the evaluation instant, the same for everything evaluated together.
	Now time.Time
}

// Assigned says by whom a definition is assigned, for policy().
type Assigned struct {
	AssignmentID    string
	DefinitionID    string
	SetDefinitionID string
	ReferenceID     string
}

// Environment is what the accessor functions give. The zero value lets the
// evaluator derive everything from the resource and its estate.
type Environment struct {
	ResourceGroup  Value // Missing: derived from the resource's id and the estate
	Subscription   Value // Missing: likewise
	RequestContext Value // Missing: the newest API version
	Assigned       Assigned
}

// Verdict is the judgement of one definition on one resource.
type Verdict struct {
	State  State
	Effect string
	// Reason is one sentence: the deciding condition, path and values.
	Reason string
	// If is the trace of the rule's condition, nil if it was not evaluated.
	If *Trace
	// Related are the traces of the related resources that were looked at.
	Related []RelatedTrace
}

// RelatedTrace is what became of one related resource.
type RelatedTrace struct {
	ID         string `json:"id"`
	Applicable *Trace `json:"applicableWhen,omitempty"`
	Existence  *Trace `json:"existenceCondition,omitempty"`
	Result     Truth  `json:"-"`
}

// Evaluate judges a resource: applicability, the rule, related resources.
func (e *Evaluator) Evaluate(b *Bound, r *Resource, env Environment) Verdict {
	v := Verdict{Effect: b.Effect}
	if why := e.notApplicable(b, r, env); why != "" {
		v.Reason = why
		return v
	}
	switch b.Effect {
	case "manual":
		v.State, v.Reason = b.Manual, "judged by attestation"
		return v
	case "auditifnotexists", "deployifnotexists":
		return e.existence(b, r, env)
	}
	run := e.run(b, r, r, env)
	truth, trace := run.condition(b.If, nil)
	v.If = trace
	v.State = map[Truth]State{False: Compliant, True: NonCompliant, Open: Unknown, Failed: Error}[truth]
	v.Reason = trace.Reason()
	return v
}

// Match reports whether the effect fires: the if alone, and for *IfNotExists
// that nothing satisfies it. Mode and applicability do not count.
func (e *Evaluator) Match(b *Bound, r *Resource, env Environment) (Truth, Verdict) {
	switch b.Effect {
	case "auditifnotexists", "deployifnotexists":
		v := e.existence(b, r, env)
		return map[State]Truth{NotApplicable: False, Compliant: False, NonCompliant: True, Unknown: Open, Error: Failed}[v.State], v
	}
	truth, trace := e.run(b, r, r, env).condition(b.If, nil)
	return truth, Verdict{Effect: b.Effect, If: trace, Reason: trace.Reason()}
}

// run is one evaluation of one condition tree.
type run struct {
	*Evaluator
	bound *Bound
	// subject is what plain fields refer to, root what field() refers to: they
	// differ inside an existenceCondition.
	subject, root *Resource
	env           Environment
	iterations    int // of counts over values
}

func (e *Evaluator) run(b *Bound, subject, root *Resource, env Environment) *run {
	return &run{Evaluator: e, bound: b, subject: subject, root: root, env: env}
}
