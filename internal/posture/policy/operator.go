package policy

import "github.com/rampart-sec/rampart/internal/base/arm"

// Operator is one of the 19 condition operators.
type Operator uint8

// The operators. The negated twin of each follows it.
const (
	OpEquals Operator = iota + 1
	OpNotEquals
	OpLike
	OpNotLike
	OpMatch
	OpNotMatch
	OpMatchInsensitively
	OpNotMatchInsensitively
	OpContains
	OpNotContains
	OpIn
	OpNotIn
	OpContainsKey
	OpNotContainsKey
	OpLess
	OpLessOrEquals
	OpGreater
	OpGreaterOrEquals
	OpExists
)

var operatorNames = [...]string{
	OpEquals: "equals", OpNotEquals: "notEquals",
	OpLike: "like", OpNotLike: "notLike",
	OpMatch: "match", OpNotMatch: "notMatch",
	OpMatchInsensitively: "matchInsensitively", OpNotMatchInsensitively: "notMatchInsensitively",
	OpContains: "contains", OpNotContains: "notContains",
	OpIn: "in", OpNotIn: "notIn",
	OpContainsKey: "containsKey", OpNotContainsKey: "notContainsKey",
	OpLess: "less", OpLessOrEquals: "lessOrEquals",
	OpGreater: "greater", OpGreaterOrEquals: "greaterOrEquals",
	OpExists: "exists",
}

var operators = func() map[string]Operator {
	m := make(map[string]Operator, len(operatorNames))
	for op, name := range operatorNames {
		if name != "" {
			m[arm.Fold(name)] = Operator(op)
		}
	}
	return m
}()

// String is the operator's key in a condition.
func (op Operator) String() string { return operatorNames[op] }

// Negated reports whether the operator is the exact negation of another, and
// which one: notEquals of equals, for instance.
func (op Operator) Negated() (Operator, bool) {
	if op >= OpEquals && op <= OpNotContainsKey && (op-OpEquals)%2 == 1 {
		return op - 1, true
	}
	return op, false
}
