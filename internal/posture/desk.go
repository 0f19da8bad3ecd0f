package posture

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/internal/base/access"
	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/base/store"
	"github.com/rampart-sec/rampart/internal/posture/governance"
)

// governKinds are the kinds of objects that decide who has a task.
var governKinds = []string{governance.RuleKind, governance.RetiredKind, governance.AssignmentKind, access.DepartedKind}

// desk is the judge's side of governance: the objects that assign tasks, the tags
// of containers that owners are looked up in, and what has changed of both since
// rows were last judged by them.
type desk struct {
	book   *governance.Book
	broken map[string]Problem // by folded id
	tags   map[string]string  // of containers that have some, as in a row, by folded id

	touched  bool     // something was taken in, usable or not
	retagged []string // folded ids of containers
}

func newDesk() *desk {
	return &desk{book: governance.NewBook(), broken: map[string]Problem{}, tags: map[string]string{}}
}

// keep takes an object in, or out (nil), and reports whether it is one of the
// desk's. One that cannot be used counts as none, and is a problem.
func (d *desk) keep(kind, id string, o *store.Object) bool {
	if !slices.Contains(governKinds, kind) {
		return false
	}
	key := arm.Fold(id)
	delete(d.broken, key)
	d.touched = true
	var err error
	switch kind {
	case governance.AssignmentKind:
		var r *governance.Record
		r, err = readRecord(o)
		d.book.PutRecord(key, r)
	case access.DepartedKind:
		var names []string
		names, err = readDeparted(o)
		d.book.PutGone(key, names)
	default:
		var r *governance.Rule
		r, err = readRule(o)
		d.book.PutRule(key, r)
	}
	if err != nil {
		d.broken[key] = Problem{ID: id, Reason: err.Error()}
	}
	return true
}

// readRule reads a rule, or one that was deleted; nil of none.
func readRule(o *store.Object) (*governance.Rule, error) {
	if o == nil {
		return nil, nil
	}
	id := o.ID
	if o.Kind == governance.RetiredKind {
		id = governance.RetiredRuleID(id)
	}
	r, err := governance.ParseRule(id, o.Body)
	if err != nil {
		return nil, err
	}
	if o.Kind == governance.RuleKind {
		r.Created, r.Retired = o.CreatedAt, time.Time{}
	}
	return r, nil
}

// readRecord reads what was assigned by hand; nil of none.
func readRecord(o *store.Object) (*governance.Record, error) {
	if o == nil {
		return nil, nil
	}
	return governance.ParseRecord(o.ID, o.Body)
}

// readDeparted reads the names and id of a principal that is gone; nil of none.
func readDeparted(o *store.Object) ([]string, error) {
	if o == nil {
		return nil, nil
	}
	var p access.Departed
	if err := json.Unmarshal(o.Body, &p); err != nil {
		return nil, fmt.Errorf("decode departed principal: %w", err)
	}
	return []string{p.Name, p.ID}, nil
}

// problems are the objects that cannot be used.
func (d *desk) problems() []Problem {
	all := make([]Problem, 0, len(d.broken))
	for _, key := range slices.Sorted(maps.Keys(d.broken)) {
		all = append(all, d.broken[key])
	}
	return all
}

// place notes the tags of a container, which the owners of what lies in it may
// be looked up in.
func (d *desk) place(r *row) {
	if isContainer(r) {
		d.retag(arm.Fold(r.id), r.tags)
	}
}

// displace forgets a row that is gone; nil is none.
func (d *desk) displace(r *row) {
	if r != nil && isContainer(r) {
		d.retag(arm.Fold(r.id), "")
	}
}

func (d *desk) retag(id, tags string) {
	if d.tags[id] == tags {
		return
	}
	if d.tags[id] = tags; tags == "" {
		delete(d.tags, id)
	}
	d.retagged = append(d.retagged, id)
}

// isContainer reports whether a row is a subscription or a resource group.
func isContainer(r *row) bool {
	sub, group := containersOf(r.id)
	return len(r.id) == max(len(sub), len(group)) && sub != ""
}

// tagAbove looks a tag up on the resource, its group, its subscription.
func (d *desk) tagAbove(r *row, name string) string {
	if value, ok := r.tag(name); ok {
		return value
	}
	sub, group := containersOf(r.id)
	for _, above := range []string{group, sub} {
		container := row{tags: d.tags[arm.Fold(above)]}
		if value, ok := container.tag(name); ok {
			return value
		}
	}
	return ""
}

// regovern takes changed objects and tags into the shape, and returns the rows
// whose tasks they may reach.
func (e *Estate) regovern(base *View) *roaring.Bitmap {
	d := e.desk
	if d.touched {
		d.touched = false
		governed := *e.current
		governed.board = d.book.Board()
		governed.problems = slices.Concat(e.catalog.problems, d.problems())
		e.current = &governed
	}
	reached, changes := roaring.New(), d.book.Changes()
	for _, r := range changes.Rules {
		reached.Or(base.ruleReach(r))
	}
	for _, r := range changes.Records {
		if slot, ok := base.shape.slot(r.Recommendation()); ok {
			reached.Or(roaring.And(base.scopeBits(r.Scope().Key()), base.withTasks(slot)))
		}
	}
	if e.current.board.ByTag() {
		for _, id := range d.retagged {
			reached.Or(base.scopeBits(id))
		}
	}
	if changes.People {
		reached.Or(base.tasks())
	}
	if !e.current.board.Empty() {
		for slot := range e.current.reweighed(base.shape) {
			reached.Or(base.withTasks(slot))
		}
	}
	d.retagged = nil
	return reached
}
