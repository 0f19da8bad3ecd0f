package engine

import (
	"bytes"
	"slices"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// Answers of a watch on one resource: the truth of its condition, or that the
// resource does not come into question.
const (
	answerNo         = byte(policy.False)
	answerYes        = byte(policy.True)
	answerOpen       = byte(policy.Open)
	answerFailed     = byte(policy.Failed)
	answerInapt      = 4 // applicableWhen is false
	answerUnselected = 5 // another name or kind
	answerCount      = 6
)

// conclude reduces the answers of related resources to a rule's state. hidden
// says that resources of the type were not delivered.
func (t *tally) conclude(rp *ruleProgram, hidden bool) policy.State {
	a := &t.answers
	switch {
	case a[answerYes] > 0:
		return policy.Compliant
	case a[answerFailed] > 0:
		return policy.Error
	case a[answerOpen] > 0 || hidden:
		return policy.Unknown
	case a[answerNo] > 0:
		return policy.NonCompliant
	case a[answerInapt] > 0:
		return policy.NotApplicable
	case rp.rule.bound.ApplicableWhen != nil:
		return policy.Unknown // nothing says whether the check applies
	}
	return policy.NonCompliant
}

// answer asks a watch about the resource that machine m has.
func (w *worker) answer(m *machine, wp *watchProgram, q selector) byte {
	x := m.at
	if q.kind != "" && !equalFoldASCII(m.view(x.row.at(1+uint32(x.typ.kind))), q.kind) {
		return answerUnselected
	}
	if q.name != "" && !endsIn(m.view(x.row.at(1+uint32(x.typ.fullName))), q.name) {
		return answerUnselected
	}
	if wp.applies != noNode {
		switch t := m.eval(uint32(wp.applies)); t {
		case policy.False:
			return answerInapt
		case policy.Open, policy.Failed:
			return byte(t)
		}
	}
	if wp.condition == noNode {
		return answerYes
	}
	return byte(m.eval(uint32(wp.condition)))
}

// selector is the name and kind, folded, that a lookup restricts to.
type selector struct{ name, kind string }

// view is the text of a string cell, nil for anything else. It must not be
// kept or changed.
func (m *machine) view(c cell) []byte {
	switch c.tag() {
	case tagText, tagWordText:
		return m.row.text(c)
	case tagWord:
		return []byte(m.prog.dict.texts[c.payload()])
	}
	return nil
}

// endsIn reports whether the segments of a full name end in those of want,
// which is folded; a segment ? stands for any.
func endsIn(full []byte, want string) bool {
	for {
		i, k := bytes.LastIndexByte(full, '/'), strings.LastIndexByte(want, '/')
		if s := want[k+1:]; s != "?" && !equalFoldASCII(full[i+1:], s) {
			return false
		}
		switch {
		case k < 0:
			return true
		case i < 0:
			return false
		}
		full, want = full[:i], want[:k]
	}
}

// answerAll fills in the answers of a resource's watches that do not depend on
// the resource of the if. Only those that read a changed cell are asked; nil
// asks all.
func (w *worker) answerAll(m *machine, x *entry, changed cellSet) {
	answers := x.answers()
	for i := range x.typ.watches {
		wp := &x.typ.watches[i]
		if wp.dynamic || changed != nil && !wp.cells.intersects(changed) {
			continue
		}
		answers[i] = w.answer(m, wp, selector{wp.name, wp.kind})
	}
}

// related is the state that the related resources give to a rule whose if is
// true.
func (w *worker) related(x *entry, rp *ruleProgram) policy.State {
	scope, lookup, ok := x.scopeOf(rp)
	if !ok || rp.watch.dynamic {
		return w.dynamic(x, rp)
	}
	var t tally
	list := w.posting(x, rp, lookup, scope)
	switch {
	case list == nil:
	case list.tallies != nil:
		t = list.tallies[rp.watch.index]
	default:
		for _, h := range list.handles {
			t.answers[w.estate.entry(h).answers()[rp.watch.index]]++
		}
	}
	if t.answers[answerYes] > 0 {
		return policy.Compliant
	}
	return t.conclude(rp, w.hides(x, rp, scope))
}

// found is a posting that was looked up for the resource being judged: its
// rules mostly look in the same places.
type found struct {
	lookup uint32
	length int // of the scope, a prefix of the resource's id
	list   *posting
}

// widePosting remembers the last posting while the resources of a group or
// subscription are judged again: it is the same for most of them.
type widePosting struct {
	valid bool
	key   postingKey
	list  *posting
}

// posting finds a posting; what was found for the resource that was begun is
// remembered until the next one.
func (w *worker) posting(x *entry, rp *ruleProgram, lookup uint32, scope string) *posting {
	if rp.reach < policy.ReachGroup && x.near&nearBit(lookup) == 0 {
		return nil
	}
	remember := w.begun == x && rp.group == ""
	if remember {
		for i := range w.found {
			if f := &w.found[i]; f.lookup == lookup && f.length == len(scope) {
				return f.list
			}
		}
	}
	key := postingKey{lookup, scope}
	if w.wide.valid && w.wide.key == key {
		return w.wide.list
	}
	list := w.estate.relation.find(lookup, scope)
	if w.wide.valid {
		w.wide.key, w.wide.list = key, list
	}
	if remember {
		w.found = append(w.found, found{lookup, len(scope), list})
	}
	return list
}

// scopeOf is where a rule looks for the related resources of x; ok is false if
// that depends on more than the resource's id.
func (x *entry) scopeOf(rp *ruleProgram) (scope string, lookup uint32, ok bool) {
	if rp.dynamic {
		return "", 0, false
	}
	switch {
	case rp.reach == policy.ReachSubscription:
		return x.subscription(), rp.lookup, true
	case rp.reach != policy.ReachGroup:
		return x.id, rp.lookup, true
	case rp.group != "":
		return x.subscription() + "/resourcegroups/" + rp.group, rp.lookup, true
	case x.groupEnd > 0:
		return x.id[:x.groupEnd], rp.lookup, true
	}
	return x.subscription(), rp.outside, true
}

// hides reports whether the related type was not delivered, for the resource,
// for the container that is looked at, or in the subscription at all.
func (w *worker) hides(x *entry, rp *ruleProgram, scope string) bool {
	if slices.Contains(x.hidden, rp.watch.typ) || !w.estate.delivers(x, rp.watch.typ) {
		return true
	}
	if rp.reach < policy.ReachGroup {
		return false
	}
	h, ok := w.estate.byID[scope]
	return ok && slices.Contains(w.estate.entry(h).hidden, rp.watch.typ)
}

// dynamic evaluates a lookup or an existenceCondition that depends on the
// resource of the if: related resources are asked one by one.
func (w *worker) dynamic(x *entry, rp *ruleProgram) policy.State {
	t, hidden, state := w.ask(x, rp, nil)
	if state != policy.NotApplicable {
		return state
	}
	return t.conclude(rp, hidden)
}

// ask computes the lookup and asks every related resource. state is set if the
// lookup itself is unknown or fails. visit, if there is one, sees each answer.
func (w *worker) ask(x *entry, rp *ruleProgram, visit func(x *entry, answer byte)) (t tally, hidden bool, state policy.State) {
	scope, lookup, ok := x.scopeOf(rp)
	sel := selector{rp.watch.name, rp.watch.kind}
	if !ok || rp.watch.dynamic {
		if scope, lookup, sel, state = w.lookup(x, rp); state != policy.NotApplicable {
			return t, false, state
		}
	}
	outer := w.parent
	w.parent, w.root = x, nil
	defer func() { w.parent, w.root = outer, nil }()
	for _, h := range w.candidates(rp, scope, lookup, sel) {
		y := w.estate.entry(h)
		w.side.load(y.typ.program, y.row)
		w.side.at = y
		a := w.answer(&w.side, &y.typ.watches[rp.watch.index], sel)
		t.answers[a]++
		if visit != nil {
			visit(y, a)
		} else if a == answerYes {
			break // one that satisfies decides, whatever the others say
		}
	}
	return t, w.hides(x, rp, scope), policy.NotApplicable
}

// candidates are the resources that may answer a lookup: those of the posting,
// or the one that must have the name looked for.
func (w *worker) candidates(rp *ruleProgram, scope string, lookup uint32, sel selector) []uint32 {
	if rp.reach == policy.ReachGroup && lookup == rp.lookup && typePairs(rp.watch.typ) == 1 && sel.name != "" && !strings.ContainsAny(sel.name, "/?") {
		w.key = append(append(append(append(append(w.key[:0], scope...), "/providers/"...), rp.watch.typ...), '/'), sel.name...)
		h, ok := w.estate.byID[string(w.key)]
		if !ok {
			return nil
		}
		w.one[0] = h
		return w.one[:]
	}
	if list := w.estate.relation.find(lookup, scope); list != nil {
		return list.handles
	}
	return nil
}

// lookup lets the tree walker compute where and what to look for. state is set
// if that is unknown or fails.
func (w *worker) lookup(x *entry, rp *ruleProgram) (scope string, lookup uint32, sel selector, state policy.State) {
	if rp.name != nil {
		return w.named(x, rp)
	}
	doc, err := w.document(x)
	if err != nil {
		return "", 0, sel, policy.Error
	}
	q, open, err := w.oracle().Lookup(rp.rule.bound, doc, rp.rule.env)
	switch {
	case err != nil:
		return "", 0, sel, policy.Error
	case open != "":
		return "", 0, sel, policy.Unknown
	}
	lookup = rp.lookup
	if rp.reach == policy.ReachGroup && q.Scope.ResourceGroup() == "" {
		lookup = rp.outside
	}
	return arm.Fold(q.Scope.String()), lookup, selector{arm.Fold(q.Name), arm.Fold(q.Kind)}, policy.NotApplicable
}

// named is lookup for a rule of which only the name depends on the resource, by
// an expression over its row.
func (w *worker) named(x *entry, rp *ruleProgram) (scope string, lookup uint32, sel selector, state policy.State) {
	scope, lookup, _ = x.scopeOf(rp)
	m := &w.lookups
	m.load(x.typ.program, x.row)
	name, err := rp.name(m)
	switch {
	case err != nil:
		return "", 0, sel, policy.Error
	case name.Kind == policy.Unavailable:
		return "", 0, sel, policy.Unknown
	case name.Kind != policy.String:
		return "", 0, sel, policy.Error
	}
	return scope, lookup, selector{arm.Fold(name.Str), rp.watch.kind}, policy.NotApplicable
}
