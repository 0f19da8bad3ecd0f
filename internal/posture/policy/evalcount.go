package policy

import "fmt"

// maxIterations is the documented number of members that counts over values
// may visit in one evaluation; nested counts multiply.
const maxIterations = 100

// tally is the result of counting when some members are undecided.
type tally struct {
	sure   int // members that count
	open   int // members that may count
	failed int // members whose where could not be computed
	// unbounded is the declaration of an array that was not delivered: any
	// number of members may count.
	unbounded string
}

// countLeaf compares the number of members with the operand. Undecided members
// leave a range; the result is known if every number in it gives the same.
func (r *run) countLeaf(l *Leaf, right Value, s *scope, t *Trace) {
	t.Kind = "count"
	n, undefined, err := r.count(l.Count, s, t)
	if err != nil {
		t.fail(err)
		return
	}
	if undefined {
		t.Note = "the array is missing, so there is no count"
		return
	}
	t.Found = IntValue(int64(n.sure))
	if n.unbounded != "" {
		t.Result, t.Note = Open, n.unbounded
		return
	}
	first, err := Apply(l.Op, IntValue(int64(n.sure)), right, r.Options)
	if err != nil {
		t.fail(err)
		return
	}
	t.Result = first
	for k := 1; k <= n.open+n.failed; k++ {
		next, err := Apply(l.Op, IntValue(int64(n.sure+k)), right, r.Options)
		if err != nil || next != first {
			t.Result = Open
			if n.failed > 0 {
				t.Result = Failed
			}
			return
		}
	}
}

func (r *run) count(c *Count, s *scope, t *Trace) (n tally, undefined bool, err error) {
	if c.Field != nil {
		return r.countField(c, s, t)
	}
	t.Subject = "count of a value"
	v, err := r.expr(c.Value, s)
	if err != nil {
		return n, false, err
	}
	switch v.Kind {
	case Unavailable:
		n.unbounded = v.Str
		return n, false, nil
	case Missing, Null:
		return n, false, nil
	case Array:
	default:
		return n, false, fmt.Errorf("count needs an array, not %s", v.Kind)
	}
	for _, item := range v.Items {
		if r.iterations++; r.iterations > maxIterations {
			return n, false, fmt.Errorf("counts over values visit more than %d members", maxIterations)
		}
		r.member(c, &scope{outer: s, name: c.Name, value: item}, &n, t)
	}
	return n, false, nil
}

// countField visits every combination of positions of the counted path's
// arrays: nested [*] count the leaf members of all.
func (r *run) countField(c *Count, s *scope, t *Trace) (n tally, undefined bool, err error) {
	f, err := r.resolve(c.Field, s)
	if err != nil {
		return n, false, err
	}
	t.Subject = "count of " + f.Text
	path, origin := r.path(f, r.subject)
	t.Property, t.Origin = path.String(), origin
	if path.Wildcards() == 0 {
		if path != nil {
			return n, false, fmt.Errorf("%q selects no array members", clip(f.Text))
		}
		return n, false, nil
	}
	last := len(path)
	for !path[last-1].Wildcard {
		last--
	}
	visit := visitor{run: r, count: c, field: f.Text, array: path[:last], outer: s, n: &n, trace: t}
	visit.walk(r.subject.Body, 0, nil)
	if text := r.subject.hidden(path); visit.absent && text != "" {
		n.unbounded = text
	}
	undefined = visit.absent && c.Where == nil && path.Wildcards() > 1 && r.Options.NestedMissingCountUndefined
	return n, undefined, nil
}

// member evaluates the where for one member.
func (r *run) member(c *Count, s *scope, n *tally, t *Trace) {
	truth := True
	if c.Where != nil {
		var trace *Trace
		truth, trace = r.condition(c.Where, s)
		t.Of = append(t.Of, trace)
	}
	switch truth {
	case True:
		n.sure++
	case Open:
		n.open++
	case Failed:
		n.failed++
	}
}

// visitor walks a counted path and keeps the positions on the way.
type visitor struct {
	run    *run
	count  *Count
	field  string
	array  Path
	outer  *scope
	n      *tally
	trace  *Trace
	absent bool
}

func (w *visitor) walk(v Value, i int, position []int) {
	switch {
	case v.Kind == Unavailable && i < len(w.array):
		w.n.unbounded = v.Str
	case i == len(w.array):
		s := &scope{outer: w.outer, resource: w.run.subject, array: w.array, position: position, field: w.field}
		w.run.member(w.count, s, w.n, w.trace)
	case !w.array[i].Wildcard && v.Kind == Object:
		w.walk(v.Get(w.array[i].Name), i+1, position)
	case w.array[i].Wildcard && v.Kind == Array:
		w.members(v.Items, i, position)
	default:
		w.absent = true
	}
}

// members visits all items, or the one that an outer count has selected.
func (w *visitor) members(items []Value, i int, position []int) {
	if at, ok := w.outer.pin(w.run.subject, w.array[:i+1]); ok {
		if at < len(items) {
			w.walk(items[at], i+1, append(position[:len(position):len(position)], at))
		}
		return
	}
	for k, item := range items {
		w.walk(item, i+1, append(position[:len(position):len(position)], k))
	}
}
