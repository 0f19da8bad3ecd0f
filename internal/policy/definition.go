package policy

// Definition is a policy definition.
type Definition struct {
	ID          string
	Name        string
	DisplayName string
	Description string
	PolicyType  string // as written: BuiltIn, Custom, Static
	Mode        string // canonical: "All", "Indexed" or a data-plane mode as written
	Version     string
	Metadata    Value
	Parameters  []*Parameter
	Rule        *Rule
}

// Rule is a definition's policyRule before its parameters are known.
type Rule struct {
	If     Condition
	Effect Expr
	// EffectPath is the JSON path of the effect.
	EffectPath string
	// Details is the then's details as an expression tree; deployment and
	// existenceCondition are left out of it. nil if there are none.
	Details Expr
	// Existence has the parts that only *IfNotExists effects read; nil if the
	// details are no object.
	Existence *Existence
	// ApplicableWhen is metadata.rampart.applicableWhen, or nil.
	ApplicableWhen Condition
}

// Existence is what the details of an *IfNotExists effect say, before
// parameters are known. nil expressions are absent.
type Existence struct {
	Path                                              string
	Type, Name, Kind, ResourceGroupName, Scope, Delay Expr
	DefaultState                                      Expr // of manual
	Condition                                         Condition
}

// Parameter is the declaration of a parameter of a definition or initiative.
type Parameter struct {
	Name     string
	Type     string // lower-case: string, array, object, boolean, integer, float, datetime
	Default  Value  // Missing if there is none
	Allowed  []Value
	Metadata Value
}
