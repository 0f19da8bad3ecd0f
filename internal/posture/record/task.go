package record

import (
	"encoding/binary"
	"slices"
)

// Task is what governance keeps of one assessment: the stretch of time for which
// it has been, or was, unhealthy, and the owner that has it. An assessment that
// is unhealthy since its last change and that nobody was assigned has none.
type Task struct {
	Slot  uint16
	Owner uint32 // number of the owner; NoOwner: none, or not looked up yet
	// Open is when it became unhealthy, where that is not the status's last change:
	// it is so no longer, or was not known for a while. done is when it became
	// healthy after that, 0 if it did not. Unix seconds.
	Open, Done uint32
}

// NoOwner is the number of no owner.
const NoOwner = 0

// TaskOf is what is kept of a slot's task.
func (r *Row) TaskOf(slot uint16) Task {
	if r != nil {
		for _, t := range r.Tasks {
			if t.Slot == slot {
				return t
			}
		}
	}
	return Task{Slot: slot}
}

// began is when a status's task opened.
func (t Task) began(c Status) uint32 {
	if t.Open != 0 {
		return t.Open
	}
	return c.Since
}

// Next is the task of an assessment after a change of its state. What is not
// known for a while stays the same task; what was healthy, exempt or not
// applicable and is unhealthy again is a new one.
func (t Task) Next(was, now Status) Task {
	next := Task{Slot: now.Slot, Open: t.Open, Done: t.Done}
	switch {
	case now.State == was.State:
	case now.State == NotApplicable:
		return Task{Slot: now.Slot}
	case now.State == Unhealthy:
		if was.State != Unknown || t.Done != 0 {
			return Task{Slot: now.Slot}
		}
	case was.State == Unhealthy:
		next.Open, next.Done = t.began(was), 0
	}
	if now.State == Healthy && next.Open != 0 && next.Done == 0 {
		next.Done = now.Since
	}
	return next
}

// nextTasks are a row's tasks after one status changed. The slice is replaced, not
// written.
func nextTasks(tasks []Task, was, now Status) []Task {
	i := slices.IndexFunc(tasks, func(t Task) bool { return t.Slot == now.Slot })
	t := Task{Slot: now.Slot}
	if i >= 0 {
		t = tasks[i]
		tasks = slices.Concat(tasks[:i], tasks[i+1:])
	}
	if t = t.Next(was, now); t.Open != 0 {
		tasks = insertTask(slices.Clone(tasks), t)
	}
	return tasks
}

// Carry are the tasks of a row's statuses, as they follow from the row before; by
// is not looked up yet.
func Carry(was, now *Row) []Task {
	if was == nil {
		return nil
	}
	var tasks []Task
	for _, c := range now.Statuses {
		before, known := was.StatusOf(c.Slot)
		if !known || len(was.Tasks) == 0 && (before.State != Unhealthy || c.State == Unhealthy) {
			continue
		}
		if t := was.TaskOf(c.Slot).Next(before, c); t.Open != 0 {
			tasks = append(tasks, t)
		}
	}
	return tasks
}

// insertTask keeps tasks sorted by slot.
func insertTask(tasks []Task, t Task) []Task {
	i, _ := slices.BinarySearchFunc(tasks, t, func(a, b Task) int { return int(a.Slot) - int(b.Slot) })
	return slices.Insert(tasks, i, t)
}

// lasting are the tasks that cannot be told from statuses.
func lasting(tasks []Task) []Task {
	return slices.DeleteFunc(slices.Clone(tasks), func(t Task) bool { return t.Open == 0 })
}

// packTasks appends tasks to packed states.
func packTasks(b []byte, tasks []Task) []byte {
	if len(tasks) == 0 {
		return b
	}
	b = binary.AppendUvarint(b, uint64(len(tasks)))
	for _, t := range tasks {
		b = binary.AppendUvarint(b, uint64(t.Slot))
		b = binary.AppendUvarint(b, uint64(t.Open))
		b = binary.AppendUvarint(b, uint64(t.Done))
	}
	return b
}

func (d *PackedReader) tasks() []Task {
	n := d.Count()
	tasks := make([]Task, 0, n)
	for range n {
		tasks = append(tasks, Task{Slot: uint16(d.Uvarint()), Open: uint32(d.Uvarint()), Done: uint32(d.Uvarint())})
	}
	return tasks
}

// SetTask puts a task in place of what is kept of its slot. The row's tasks are
// its own.
func (r *Row) SetTask(t Task) {
	for i := range r.Tasks {
		if r.Tasks[i].Slot == t.Slot {
			r.Tasks[i] = t
			return
		}
	}
	r.Tasks = insertTask(r.Tasks, t)
}
