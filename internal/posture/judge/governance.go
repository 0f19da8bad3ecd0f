package judge

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
	"github.com/rampart-sec/rampart/internal/posture/index"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// governKinds are the kinds of objects that decide who has a task.
var governKinds = []string{governance.RuleKind, governance.RetiredKind, governance.AssignmentKind, access.DepartedKind}

// governanceState is the judge's side of governance: the objects that assign tasks, the tags
// of containers that owners are looked up in, and what has changed of both since
// rows were last judged by them.
type governanceState struct {
	book   *governance.Book
	broken map[string]record.Problem // by folded id
	tags   map[string]string         // of containers that have some, as in a row, by folded id

	touched  bool     // something was taken in, usable or not
	retagged []string // folded ids of containers
}

func newGovernanceState() *governanceState {
	return &governanceState{book: governance.NewBook(), broken: map[string]record.Problem{}, tags: map[string]string{}}
}

// keep takes an object in, or out (nil), and reports whether it is one of the
// desk's. One that cannot be used counts as none, and is a problem.
func (d *governanceState) keep(kind, id string, o *store.Object) bool {
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
		d.broken[key] = record.Problem{ID: id, Reason: err.Error()}
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
func (d *governanceState) problems() []record.Problem {
	all := make([]record.Problem, 0, len(d.broken))
	for _, key := range slices.Sorted(maps.Keys(d.broken)) {
		all = append(all, d.broken[key])
	}
	return all
}

// place notes the tags of a container, which the owners of what lies in it may
// be looked up in.
func (d *governanceState) place(r *record.Row) {
	if isContainer(r) {
		d.retag(arm.Fold(r.ID), r.Tags)
	}
}

// displace forgets a row that is gone; nil is none.
func (d *governanceState) displace(r *record.Row) {
	if r != nil && isContainer(r) {
		d.retag(arm.Fold(r.ID), "")
	}
}

func (d *governanceState) retag(id, tags string) {
	if d.tags[id] == tags {
		return
	}
	if d.tags[id] = tags; tags == "" {
		delete(d.tags, id)
	}
	d.retagged = append(d.retagged, id)
}

// isContainer reports whether a row is a subscription or a resource group.
func isContainer(r *record.Row) bool {
	sub, group := record.ContainersOf(r.ID)
	return len(r.ID) == max(len(sub), len(group)) && sub != ""
}

// tagAbove looks a tag up on the resource, its group, its subscription.
func (d *governanceState) tagAbove(r *record.Row, name string) string {
	if value, ok := r.Tag(name); ok {
		return value
	}
	sub, group := record.ContainersOf(r.ID)
	for _, above := range []string{group, sub} {
		container := record.Row{Tags: d.tags[arm.Fold(above)]}
		if value, ok := container.Tag(name); ok {
			return value
		}
	}
	return ""
}

// reassignOwners takes changed objects and tags into the schema, and returns the rows
// whose tasks they may reach.
func (e *Estate) reassignOwners(base *index.View) *roaring.Bitmap {
	d := e.governance
	if d.touched {
		d.touched = false
		governed := *e.current
		governed.Board = d.book.Board()
		governed.Problems = slices.Concat(e.catalog.Problems, d.problems())
		e.current = &governed
	}
	reached, changes := roaring.New(), d.book.Changes()
	for _, r := range changes.Rules {
		reached.Or(base.ReachedByRule(r))
	}
	for _, r := range changes.Records {
		if slot, ok := base.Schema().Slot(r.Recommendation()); ok {
			reached.Or(roaring.And(base.InScope(r.Scope().Key()), base.WithTasks(slot)))
		}
	}
	if e.current.Board.ByTag() {
		for _, id := range d.retagged {
			reached.Or(base.InScope(id))
		}
	}
	if changes.People {
		reached.Or(base.Tasked())
	}
	if !e.current.Board.Empty() {
		for slot := range e.current.ChangedSeverity(base.Schema()) {
			reached.Or(base.WithTasks(slot))
		}
	}
	d.retagged = nil
	return reached
}
