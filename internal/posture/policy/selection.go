package policy

// selection is what a field reference selects in a document.
type selection struct {
	// values is one value without array semantics, and any number with.
	values []Value
	array  bool
	// absent is true when an array on the way is missing or null.
	absent bool
	// property is the path in the document, as text, for explanations.
	property string
	origin   Origin
}

func single(v Value, property string) selection {
	return selection{values: []Value{v}, property: property, origin: OriginTable}
}

// selectPath walks a path. pins fix array members that an enclosing count has
// selected; its result is consulted for every [*].
func (r *Resource) selectPath(path Path, pins func(array Path) (index int, ok bool)) selection {
	s := selection{array: path.Wildcards() > 0, property: path.String()}
	s.walk(r.Body, path, 0, pins)
	if text := r.hidden(path); text != "" {
		s.fill(text)
	}
	return s
}

// fill replaces what is missing by an unavailable value.
func (s *selection) fill(text string) {
	if s.absent {
		s.absent, s.values = false, append(s.values, UnavailableValue(text))
	}
	for i, v := range s.values {
		if v.Kind == Missing {
			s.values[i] = UnavailableValue(text)
		}
	}
}

func (s *selection) walk(v Value, path Path, i int, pins func(Path) (int, bool)) {
	switch {
	case v.Kind == Unavailable || i == len(path):
		s.values = append(s.values, v)
	case path[i].Wildcard:
		s.walkArray(v, path, i, pins)
	case v.Kind == Object:
		s.walk(v.Get(path[i].Name), path, i+1, pins)
	case path[i:].Wildcards() > 0:
		s.absent = true
	default:
		s.values = append(s.values, Value{})
	}
}

func (s *selection) walkArray(v Value, path Path, i int, pins func(Path) (int, bool)) {
	if v.Kind != Array {
		s.absent = true
		return
	}
	if index, ok := pins(path[:i+1]); ok {
		if index < len(v.Items) {
			s.walk(v.Items[index], path, i+1, pins)
		}
		return
	}
	for _, item := range v.Items {
		s.walk(item, path, i+1, pins)
	}
}

// noPins is for reading outside any count.
func noPins(Path) (int, bool) { return 0, false }

// merged is the selection as one value, as field() gives it: an array of what
// is there for array semantics, "" for a missing plain field.
func (s selection) merged() Value {
	if !s.array {
		if v := s.values[0]; v.Kind != Missing {
			return v
		}
		return StringValue("")
	}
	items := []Value{}
	for _, v := range s.values {
		if v.Kind != Missing {
			items = append(items, v)
		}
	}
	return ArrayValue(items...)
}
