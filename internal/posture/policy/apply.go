package policy

import "fmt"

// Apply evaluates one operator on a left value and its operand, as a condition
// does for one selected value. The error says why the result is Failed.
//
// A missing property selects null, as the documented table says, whatever the
// operator; only exists asks for the property itself.
func Apply(op Operator, left, right Value, opt Options) (Truth, error) {
	base, negated := op.Negated()
	if left.Kind == Missing && base != OpExists && !opt.MissingIsNotNull {
		left = NullValue()
	}
	if right.Kind == Unavailable {
		return Open, nil
	}
	t, err := apply(base, left, right, opt)
	if negated {
		t = t.not()
	}
	return t, err
}

func apply(op Operator, left, right Value, opt Options) (Truth, error) {
	switch op {
	case OpExists:
		return applyExists(left, right)
	case OpEquals:
		return equal(left, right), nil
	case OpIn:
		return applyIn(left, right), nil
	case OpContains:
		return applyContains(left, right)
	case OpContainsKey:
		return applyContainsKey(left, right)
	case OpLess, OpLessOrEquals, OpGreater, OpGreaterOrEquals:
		return applyOrder(op, left, right, opt)
	}
	return applyPattern(op, left, right, opt)
}

func applyExists(left, right Value) (Truth, error) {
	want, ok := truth(right)
	if !ok {
		return Failed, fmt.Errorf("exists needs true or false, not %s", clip(right.String()))
	}
	if left.Kind == Unavailable {
		return Open, nil
	}
	return truthOf(!left.IsNothing() == want), nil
}

func applyIn(left, right Value) Truth {
	if right.Kind != Array {
		return equal(left, right)
	}
	t := False
	for _, item := range right.Items {
		t = t.or(equal(left, item))
	}
	return t
}

func applyContains(left, right Value) (Truth, error) {
	switch left.Kind {
	case Unavailable:
		return Open, nil
	case Missing:
		return False, nil
	case Array:
		t := False
		for _, item := range left.Items {
			t = t.or(equal(item, right))
		}
		return t, nil
	case Object:
		return applyContainsKey(left, right)
	}
	if !right.isScalar() {
		return Failed, fmt.Errorf("contains on a text needs a text, not %s", right.Kind)
	}
	return truthOf(containsText(left.Text(), right.Text())), nil
}

func applyContainsKey(left, right Value) (Truth, error) {
	if left.Kind == Unavailable {
		return Open, nil
	}
	if left.Kind != Object {
		return False, nil
	}
	if !right.isScalar() {
		return Failed, fmt.Errorf("a key is a text, not %s", right.Kind)
	}
	for _, m := range left.Fields {
		if equalFold(m.Key, right.Text()) {
			// A key whose value was not delivered may or may not be there.
			if m.Value.Kind == Unavailable {
				return Open, nil
			}
			return True, nil
		}
	}
	return False, nil
}

func applyOrder(op Operator, left, right Value, opt Options) (Truth, error) {
	if left.Kind == Unavailable {
		return Open, nil
	}
	if left.IsNothing() {
		return False, nil
	}
	c, err := order(left, right)
	if err != nil {
		if opt.OrderingMismatchIsFalse {
			return False, nil
		}
		return Failed, err
	}
	switch op {
	case OpLess:
		return truthOf(c < 0), nil
	case OpLessOrEquals:
		return truthOf(c <= 0), nil
	case OpGreater:
		return truthOf(c > 0), nil
	}
	return truthOf(c >= 0), nil
}

// applyPattern is like and match: scalars become text first.
func applyPattern(op Operator, left, right Value, opt Options) (Truth, error) {
	switch {
	case left.Kind == Unavailable:
		return Open, nil
	case left.Kind == Missing || left.Kind == Array || left.Kind == Object:
		return False, nil
	case !right.isScalar():
		return Failed, fmt.Errorf("%s needs a text, not %s", op, right.Kind)
	}
	text, pattern := left.Text(), right.Text()
	switch op {
	case OpLike:
		return truthOf(like(text, pattern, opt.LikeQuestionMark)), nil
	case OpMatch:
		return truthOf(matches(text, pattern, false)), nil
	}
	return truthOf(matches(text, pattern, true)), nil
}

// isScalar reports whether v has a text: not missing, null, array or object.
func (v Value) isScalar() bool { return v.Kind == Bool || v.IsNumber() || v.Kind == String }
