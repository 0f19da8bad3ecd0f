package index

import (
	"cmp"
	"slices"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/cow"
	"github.com/rampart-sec/rampart/internal/posture/governance"
	"github.com/rampart-sec/rampart/internal/posture/record"
)

// A owner is who has tasks by whose word: a rule, or people ("" as the rule),
// and an owner. Parties are numbered in names.owners.
func OwnerKey(a governance.Assignment) string { return arm.Fold(OwnerName(a)) }

// OwnerName is the owner of an assignment as written, "" if it has none.
func OwnerName(a governance.Assignment) string {
	rule := ""
	if a.By == "" {
		rule = a.ID
	}
	return rule + "\x00" + a.Owner
}

// Owner names one row of Workloads: a rule, or people ("" as the rule), and an
// owner, "" for tasks that the rule gives to nobody. Nobody is the last row: what
// nothing assigned.
type Owner struct {
	RuleID, Owner string
	Nobody        bool
}

// ofOwner keeps the rows whose task by a recommendation is a owner's.
func (v *View) ofOwner(bits *roaring.Bitmap, slot uint16, p Owner) *roaring.Bitmap {
	number, known := v.names.Owners.Find(arm.Fold(p.RuleID + "\x00" + p.Owner))
	if p.Nobody {
		number, known = record.NoOwner, true
	}
	kept := roaring.New()
	if !known {
		return kept
	}
	it := bits.Iterator()
	for it.HasNext() {
		if r := v.Rows.At(it.Next()); r.TaskOf(slot).Owner == number {
			kept.Add(r.Handle)
		}
	}
	return kept
}

// workload counts the tasks of one owner.
type workload struct {
	epoch                    uint64
	open, overdue, completed int32
}

// addTasks books a row's tasks, or with sign -1 takes them off.
func (l *Totals) addTasks(r *record.Row, sign int32) {
	for _, t := range r.Tasks {
		if t.Owner == record.NoOwner {
			continue
		}
		c, _ := r.StatusOf(t.Slot)
		w := l.workOf(t.Owner)
		switch {
		case c.Flags&record.IsCompleted != 0:
			w.completed += sign
		case c.State == record.Unhealthy:
			w.open += sign
			if c.Flags&record.IsOverdue != 0 {
				w.overdue += sign
			}
		}
	}
}

// workOf is the workload of a owner to write in the totals's epoch.
func (l *Totals) workOf(owner uint32) *workload {
	w := l.work.At(owner)
	switch {
	case w == nil:
		w = &workload{}
	case w.epoch == l.Epoch:
		return w
	default:
		copied := *w
		w = &copied
	}
	w.epoch = l.Epoch
	l.work.Put(l.Epoch, owner, w)
	return w
}

func (l *Totals) mergeWork(other *Totals) {
	other.work.Each(func(owner uint32, w *workload) bool {
		own := l.workOf(owner)
		own.open += w.open
		own.overdue += w.overdue
		own.completed += w.completed
		return true
	})
}

// tasks is the number of tasks in a status.
func (t *RecommendationCounts) tasks(s governance.Status) int {
	switch s {
	case governance.Unassigned:
		return int(t.ByState[record.Unhealthy] - t.owned)
	case governance.OnTime:
		return int(t.owned - t.overdue)
	case governance.Overdue:
		return int(t.overdue)
	case governance.Completed:
		return int(t.completed)
	}
	return 0
}

// TaskCounts are numbers of tasks by status.
type TaskCounts struct {
	Unassigned, OnTime, Overdue, Completed int
}

// Of is the number of tasks in a status.
func (c TaskCounts) Of(s governance.Status) int {
	return [...]int{governance.Unassigned: c.Unassigned, governance.OnTime: c.OnTime, governance.Overdue: c.Overdue, governance.Completed: c.Completed}[s]
}

// Managed reports whether anything is or was assigned.
func (c TaskCounts) Managed() bool { return c.OnTime+c.Overdue+c.Completed > 0 }

// Tasks counts the tasks of a scope by status.
func (v *View) Tasks(scope Scope) TaskCounts {
	// The totals is that of the list without a filter, which pages ask for too.
	list := RecommendationQuery{Scope: scope}
	l := v.totalsWith(list.totalsKey(), v.Resolve(scope), func(slot uint16) bool { return v.schema.Slots[slot] != nil })
	var c TaskCounts
	for i, r := range v.schema.List {
		if r != nil {
			t := l.Of(v.schema.SlotOf[i])
			c.Unassigned += t.tasks(governance.Unassigned)
			c.OnTime += t.tasks(governance.OnTime)
			c.Overdue += t.tasks(governance.Overdue)
			c.Completed += t.tasks(governance.Completed)
		}
	}
	return c
}

// Workload is what one owner has to do by one rule, or by the word of people.
type Workload struct {
	TaskCounts
	RuleID  string // "" for people, and for tasks that nobody gave to anybody
	Rule    string // display name
	Deleted bool   // the rule was deleted; what it had assigned stays
	ByHand  bool
	Owner   string // "" unassigned
	Gone    bool   // the owner cannot sign in any more: what is open counts as unassigned
}

// Workloads is the governance report of a scope: the tasks of every rule and
// owner, by rule, then owner. Tasks that nothing assigned come last.
func (v *View) Workloads(scope Scope) []Workload {
	sel := v.Resolve(scope)
	total := v.Tasks(scope)
	left := total.Unassigned + total.OnTime + total.Overdue
	var rows []Workload
	v.workOf(sel).Each(func(owner uint32, w *workload) bool {
		if w.open != 0 || w.completed != 0 {
			rows = append(rows, v.workload(owner, w))
			left -= int(w.open)
		}
		return true
	})
	slices.SortFunc(rows, func(a, b Workload) int {
		return cmp.Or(compareBool(a.ByHand, b.ByHand), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.RuleID, b.RuleID),
			cmp.Compare(strings.ToLower(a.Owner), strings.ToLower(b.Owner)))
	})
	if left > 0 {
		rows = append(rows, Workload{TaskCounts: TaskCounts{Unassigned: left}})
	}
	return rows
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// workOf are the workloads of a selection. Where no totals is kept the rows with
// tasks are summed; there is nothing to look up in them, so that is cheap.
func (v *View) workOf(sel Selection) *cow.Table[workload] {
	switch {
	case sel.sub != nil:
		return &sel.sub.Totals.work
	case sel.set() == nil:
		return &v.Total.work
	}
	l := &Totals{Epoch: v.seq}
	it := sel.And(v.busy).Iterator()
	for it.HasNext() {
		l.addTasks(v.Rows.At(it.Next()), +1)
	}
	return &l.work
}

func (v *View) workload(number uint32, w *workload) Workload {
	rule, owner, _ := strings.Cut(v.names.Owners.Name(number), "\x00")
	out := Workload{RuleID: rule, Owner: owner, ByHand: rule == "", Gone: owner != "" && v.schema.Board.Gone(owner)}
	if r := v.schema.Board.Rule(rule); r != nil {
		out.Rule, out.Deleted = r.Name, !r.Retired.IsZero()
	}
	out.Completed = int(w.completed)
	if owner == "" || out.Gone {
		out.Unassigned = int(w.open)
		return out
	}
	out.Overdue = int(w.overdue)
	out.OnTime = int(w.open - w.overdue)
	return out
}
