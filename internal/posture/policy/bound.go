package policy

// Bound is a definition with its parameters resolved: what the evaluator and
// the engine run. It is immutable and may be shared.
type Bound struct {
	Definition *Definition
	// Effect is lower-case: "audit", "auditifnotexists", ...
	Effect string
	If     Condition
	// Details is set for the *IfNotExists effects only.
	Details *Details
	// Manual is the state of a manual definition without attestation:
	// Unknown, Compliant or NonCompliant.
	Manual State
	// ApplicableWhen is metadata.rampart.applicableWhen, a condition over the
	// related document, or nil.
	ApplicableWhen Condition
	// Then is the effect's details with parameters resolved, nil if it has
	// none; expressions over the resource are left in it.
	Then Expr
	// Parameters are the values that were bound, by folded name.
	Parameters map[string]Value
}

// Details says which related resources satisfy an *IfNotExists definition.
type Details struct {
	Path string
	Type string // never empty
	// Name restricts to one resource ("?" in "parent/?" stands for any name);
	// nil if any name will do. It may depend on the resource of the if.
	Name Expr
	// Kind restricts by the related resource's kind; nil if any.
	Kind Expr
	// ResourceGroupName is where to look; nil means the group of the resource.
	ResourceGroupName Expr
	// SubscriptionScope is true for existenceScope subscription: the whole
	// subscription is looked at instead of one resource group.
	SubscriptionScope bool
	// ExistenceCondition is nil when any match satisfies.
	ExistenceCondition Condition
	// EvaluationDelay is kept as written; a scanner has no use for it.
	EvaluationDelay string
}

// State is the verdict of one definition on one resource.
type State uint8

// The states. NotApplicable is the zero value.
const (
	NotApplicable State = iota
	Compliant
	NonCompliant
	Unknown
	Error
)

// String is the state as it is shown: "notApplicable", "compliant", ...
func (s State) String() string {
	return [...]string{"notApplicable", "compliant", "nonCompliant", "unknown", "error"}[s]
}

// Options decide the points that documentation and practice dispute. The zero
// value is the default, which follows the documentation;
// docs/design/policy-semantics.md has the reasons.
type Options struct {
	// MissingArrayIsFalse makes a field condition with [*] on a missing or
	// null array false; by default it is vacuously true, like an empty array.
	MissingArrayIsFalse bool
	// NestedMissingCountUndefined makes a count without where over two or more
	// [*] on a missing array undefined, so that its condition is false; by
	// default it is 0.
	NestedMissingCountUndefined bool
	// MissingIsNotNull keeps a missing property apart from null: it satisfies
	// no positive operator and every negated one, but equals null.
	MissingIsNotNull bool
	// OrderingMismatchIsFalse makes less, greater and friends false on types
	// that do not compare; by default it is an error state.
	OrderingMismatchIsFalse bool
	// LikeQuestionMark gives "?" in like the meaning of any one character; by
	// default it is literal.
	LikeQuestionMark bool
	// DirectPaths accepts dotted fields that are no alias ("properties.x") as
	// paths of the body. For tests and case files only.
	DirectPaths bool
	// ExactEqualsFunction makes the template function equals() compare strings
	// with case; by default it folds case as the operator does.
	ExactEqualsFunction bool
	// UndefinedIsError makes a value condition an error when its expression
	// reads a member that is not there; by default the condition is false.
	UndefinedIsError bool
	// UnboundParameters binds although a parameter has neither value nor
	// default, or a value is for no parameter; reading the former is an error
	// of the evaluation. For case files and templates.
	UnboundParameters bool
	// LocationAsText compares locations as text; by default spaces and case do
	// not count.
	LocationAsText bool
}
