package policy

// Expr is a node of an expression: *Literal, *Call, *MemberAccess, *IndexAccess,
// *FieldCall, *CurrentCall, *ArrayExpr or *ObjectExpr. A JSON value of a rule
// is an Expr too: a Literal when no string inside it is an expression.
//
// After Bind there is no call of parameters() left, and every sub-expression
// that does not depend on the resource is a Literal.
type Expr interface{ expr() }

// Literal is a constant.
type Literal struct{ Value Value }

// Call is a function call. Name is lower-case and known; the number of
// arguments is one that the function takes. The accessor roots resourceGroup,
// subscription, requestContext, policy and utcNow stay calls after Bind.
type Call struct {
	Name string
	Args []Expr
}

// MemberAccess is X.Name; names compare without ASCII case.
type MemberAccess struct {
	X    Expr
	Name string
}

// IndexAccess is X[Index]: a member of an object by string or of an array by
// number.
type IndexAccess struct{ X, Index Expr }

// FieldCall is field('name'). In an existenceCondition it refers to the
// resource of the if, not to the related one.
type FieldCall struct{ Field *Field }

// CurrentCall is current(), current('name') or current('alias[*].x'). Name is
// nil without argument; after Bind it is a Literal in practice.
type CurrentCall struct{ Name Expr }

// ArrayExpr is a JSON array with an expression somewhere in it.
type ArrayExpr struct{ Items []Expr }

// ObjectExpr is a JSON object with an expression somewhere in it.
type ObjectExpr struct {
	Keys   []string
	Values []Expr
}

func (*Literal) expr()      {}
func (*Call) expr()         {}
func (*MemberAccess) expr() {}
func (*IndexAccess) expr()  {}
func (*FieldCall) expr()    {}
func (*CurrentCall) expr()  {}
func (*ArrayExpr) expr()    {}
func (*ObjectExpr) expr()   {}

// IsExpression reports whether a string of a rule is an expression: it starts
// with one "[" and ends with "]".
func IsExpression(s string) bool {
	return len(s) >= 2 && s[0] == '[' && s[1] != '[' && s[len(s)-1] == ']'
}

// literalText undoes the escape of a string that is no expression: a leading
// "[[" stands for "[".
func literalText(s string) string {
	if len(s) >= 2 && s[0] == '[' && s[1] == '[' {
		return s[1:]
	}
	return s
}

// Constant returns the value of an expression that is a Literal.
func Constant(e Expr) (Value, bool) {
	l, ok := e.(*Literal)
	if !ok {
		return Value{}, false
	}
	return l.Value, true
}
