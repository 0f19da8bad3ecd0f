package engine

// Stats says how a set was compiled, for the types that were met so far.
type Stats struct {
	Types      int
	Conditions int // distinct ones, by type
	Computed   int // of them, those with an expression over the row
	Slow       int // of them, those that the tree walker evaluates
	// SlowIn names the definitions that have slow conditions, by id.
	SlowIn map[string]int
}

// Stats counts what has been compiled.
func (s *Set) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := Stats{Types: len(s.types), SlowIn: map[string]int{}}
	for _, t := range s.types {
		out.Conditions += len(t.leaves) + len(t.counts) + len(t.computed) + len(t.slow)
		out.Computed += len(t.computed)
		out.Slow += len(t.slow)
		for i := range t.slow {
			out.SlowIn[t.slow[i].rule.bound.Definition.ID]++
		}
	}
	return out
}
