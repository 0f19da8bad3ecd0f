package correlate

import "fmt"

// Condition is a conjunction of comparisons with a number.
type Condition struct {
	tests []test
}

type test struct {
	op    string
	value float64
}

func (c *Condition) add(op string, value float64) error {
	switch op {
	case "gt", "gte", "lt", "lte", "eq", "neq":
	default:
		return fmt.Errorf("unknown comparison %q", op)
	}
	c.tests = append(c.tests, test{op, value})
	return nil
}

func (c Condition) empty() bool { return len(c.tests) == 0 }

// Holds reports whether n meets every comparison.
func (c Condition) Holds(n float64) bool {
	for _, t := range c.tests {
		if !t.holds(n) {
			return false
		}
	}
	return true
}

func (t test) holds(n float64) bool {
	switch t.op {
	case "gt":
		return n > t.value
	case "gte":
		return n >= t.value
	case "lt":
		return n < t.value
	case "lte":
		return n <= t.value
	case "eq":
		return n == t.value
	default:
		return n != t.value
	}
}

// atLeast gives the count from which the condition holds for good, if it is
// nothing but lower bounds.
func (c Condition) atLeast() (float64, bool) {
	low := 0.0
	for _, t := range c.tests {
		switch t.op {
		case "gt":
			low = max(low, t.value+1)
		case "gte":
			low = max(low, t.value)
		default:
			return 0, false
		}
	}
	return low, len(c.tests) > 0
}
