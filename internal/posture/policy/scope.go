package policy

// scope is one count that is being evaluated, seen from inside its where.
type scope struct {
	outer *scope

	// A count over a value.
	name  string
	value Value

	// A count over a field: the counted document and array, the position of
	// the current member for every [*] of the array's path, and the name by
	// which it is counted.
	resource *Resource
	array    Path
	position []int
	field    string
}

// pin returns the current position in an array of a document, from the
// innermost count that fixes it.
func (s *scope) pin(r *Resource, array Path) (int, bool) {
	for ; s != nil; s = s.outer {
		if s.resource == r && s.array.HasPrefix(array) {
			return s.position[array.Wildcards()-1], true
		}
	}
	return 0, false
}

// pins is pin for one document, nil scopes included.
func (s *scope) pins(r *Resource) func(Path) (int, bool) {
	return func(array Path) (int, bool) { return s.pin(r, array) }
}

// current is the innermost count's member.
func (s *scope) current() Value {
	if s.resource == nil {
		return s.value
	}
	sel := s.resource.selectPath(s.array, s.pins(s.resource))
	if len(sel.values) == 0 {
		return Value{}
	}
	return sel.values[0]
}

// named finds the innermost count that a name in current(name) refers to: the
// name of a value count, or an alias at or below the counted one.
func (s *scope) named(name string) *scope {
	for ; s != nil; s = s.outer {
		if s.resource == nil {
			if s.name != "" && equalFold(s.name, name) {
				return s
			}
			continue
		}
		if hasPrefixFold(name, s.field) {
			return s
		}
	}
	return nil
}
