package sigma

import (
	"maps"
	"slices"
)

// ReadFields are the names of the fields that the rule reads, sorted.
func (r *Rule) ReadFields() []string {
	fields := map[string]bool{}
	used := map[string]bool{}
	usedBy(r.condition, used)
	for name := range used {
		readBy(r.selections[name], fields)
	}
	return slices.Sorted(maps.Keys(fields))
}

func readBy(n node, fields map[string]bool) {
	switch n := n.(type) {
	case allOf:
		for _, x := range n {
			readBy(x, fields)
		}
	case anyOf:
		for _, x := range n {
			readBy(x, fields)
		}
	case *item:
		if !n.keyword {
			fields[n.field] = true
		}
		for i := range n.values {
			if n.values[i].kind == matchField {
				fields[n.values[i].ref] = true
			}
		}
	}
}

// Possible reports whether the rule can match any record in which only the fields
// that has knows appear: false is certain, true is not.
func (r *Rule) Possible(has func(field string) bool) bool {
	return r.possible(r.condition, has)
}

func (r *Rule) possible(e expr, has func(string) bool) bool {
	switch e := e.(type) {
	case andExpr:
		return !slices.ContainsFunc(e, func(x expr) bool { return !r.possible(x, has) })
	case orExpr:
		return slices.ContainsFunc(e, func(x expr) bool { return r.possible(x, has) })
	case refExpr:
		return possibleNode(r.selections[string(e)], has)
	case ofExpr:
		n := 0
		for _, name := range e.names {
			if possibleNode(r.selections[name], has) {
				n++
			}
		}
		if e.n < 0 {
			return n == len(e.names) && n > 0
		}
		return n >= e.n
	}
	return true // what is negated may fail to hold
}

func possibleNode(n node, has func(string) bool) bool {
	switch n := n.(type) {
	case allOf:
		return !slices.ContainsFunc(n, func(x node) bool { return !possibleNode(x, has) })
	case anyOf:
		return slices.ContainsFunc(n, func(x node) bool { return possibleNode(x, has) })
	case *item:
		return n.negate || n.keyword || has(n.field) || slices.ContainsFunc(n.values, func(v value) bool {
			return v.kind == matchNull || v.kind == matchExists && !v.exists
		})
	}
	return false
}
