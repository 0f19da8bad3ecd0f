package posture

import (
	"encoding/binary"
	"slices"
)

// task is what governance keeps of one assessment: the stretch of time for which
// it has been, or was, unhealthy, and the party that has it. An assessment that
// is unhealthy since its last change and that nobody was assigned has none.
type task struct {
	slot uint16
	by   uint32 // number of the party; noParty: none, or not looked up yet
	// open is when it became unhealthy, where that is not the cell's last change:
	// it is so no longer, or was not known for a while. done is when it became
	// healthy after that, 0 if it did not. Unix seconds.
	open, done uint32
}

// noParty is the number of no party.
const noParty = 0

// task is what is kept of a slot's task.
func (r *row) task(slot uint16) task {
	if r != nil {
		for _, t := range r.tasks {
			if t.slot == slot {
				return t
			}
		}
	}
	return task{slot: slot}
}

// began is when a cell's task opened.
func (t task) began(c cell) uint32 {
	if t.open != 0 {
		return t.open
	}
	return c.since
}

// turn is the task of an assessment after a change of its state. What is not
// known for a while stays the same task; what was healthy, exempt or not
// applicable and is unhealthy again is a new one.
func (t task) turn(was, now cell) task {
	next := task{slot: now.slot, open: t.open, done: t.done}
	switch {
	case now.state == was.state:
	case now.state == NotApplicable:
		return task{slot: now.slot}
	case now.state == Unhealthy:
		if was.state != Unknown || t.done != 0 {
			return task{slot: now.slot}
		}
	case was.state == Unhealthy:
		next.open, next.done = t.began(was), 0
	}
	if now.state == Healthy && next.open != 0 && next.done == 0 {
		next.done = now.since
	}
	return next
}

// turned are a row's tasks after one cell changed. The slice is replaced, not
// written.
func turned(tasks []task, was, now cell) []task {
	i := slices.IndexFunc(tasks, func(t task) bool { return t.slot == now.slot })
	t := task{slot: now.slot}
	if i >= 0 {
		t = tasks[i]
		tasks = slices.Concat(tasks[:i], tasks[i+1:])
	}
	if t = t.turn(was, now); t.open != 0 {
		tasks = insertTask(slices.Clone(tasks), t)
	}
	return tasks
}

// carry are the tasks of a row's cells, as they follow from the row before; by
// is not looked up yet.
func carry(was, now *row) []task {
	if was == nil {
		return nil
	}
	var tasks []task
	for _, c := range now.cells {
		before, known := was.cell(c.slot)
		if !known || len(was.tasks) == 0 && (before.state != Unhealthy || c.state == Unhealthy) {
			continue
		}
		if t := was.task(c.slot).turn(before, c); t.open != 0 {
			tasks = append(tasks, t)
		}
	}
	return tasks
}

// insertTask keeps tasks sorted by slot.
func insertTask(tasks []task, t task) []task {
	i, _ := slices.BinarySearchFunc(tasks, t, func(a, b task) int { return int(a.slot) - int(b.slot) })
	return slices.Insert(tasks, i, t)
}

// lasting are the tasks that cannot be told from cells.
func lasting(tasks []task) []task {
	return slices.DeleteFunc(slices.Clone(tasks), func(t task) bool { return t.open == 0 })
}

// packTasks appends tasks to packed states.
func packTasks(b []byte, tasks []task) []byte {
	if len(tasks) == 0 {
		return b
	}
	b = binary.AppendUvarint(b, uint64(len(tasks)))
	for _, t := range tasks {
		b = binary.AppendUvarint(b, uint64(t.slot))
		b = binary.AppendUvarint(b, uint64(t.open))
		b = binary.AppendUvarint(b, uint64(t.done))
	}
	return b
}

func (d *packedReader) tasks() []task {
	n := d.count()
	tasks := make([]task, 0, n)
	for range n {
		tasks = append(tasks, task{slot: uint16(d.uvarint()), open: uint32(d.uvarint()), done: uint32(d.uvarint())})
	}
	return tasks
}

// setTask puts a task in place of what is kept of its slot. The row's tasks are
// its own.
func (r *row) setTask(t task) {
	for i := range r.tasks {
		if r.tasks[i].slot == t.slot {
			r.tasks[i] = t
			return
		}
	}
	r.tasks = insertTask(r.tasks, t)
}
