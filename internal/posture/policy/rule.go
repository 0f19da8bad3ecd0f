package policy

// Condition is a node of a rule: *AllOf, *AnyOf, *Not or *Leaf.
type Condition interface {
	// At is the JSON path of the node in its document, for errors and
	// explanations.
	At() string
	condition()
}

// AllOf is true when every condition is; an empty one is true.
type AllOf struct {
	Path string
	Of   []Condition
}

// AnyOf is true when at least one condition is; an empty one is false.
type AnyOf struct {
	Path string
	Of   []Condition
}

// Not inverts a condition.
type Not struct {
	Path string
	Of   Condition
}

// Leaf compares its left side with its right by one operator. Exactly one of
// Field, Value and Count is set.
type Leaf struct {
	Path  string
	Field *Field
	Value Expr
	Count *Count
	Op    Operator
	Right Expr // a *Literal when it is constant
}

// Count counts the members of an array: of the evaluated resource (Field) or
// of a value (Value). Exactly one of the two is set.
type Count struct {
	Path  string
	Field *Field
	Value Expr
	Name  string    // of a value count; "" if it has none
	Where Condition // nil counts every member
}

// At implements Condition.
func (c *AllOf) At() string { return c.Path }

// At implements Condition.
func (c *AnyOf) At() string { return c.Path }

// At implements Condition.
func (c *Not) At() string { return c.Path }

// At implements Condition.
func (c *Leaf) At() string { return c.Path }

func (*AllOf) condition() {}
func (*AnyOf) condition() {}
func (*Not) condition()   {}
func (*Leaf) condition()  {}
