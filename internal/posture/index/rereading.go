package index

import "time"

// Rereading says that policies changed so that they ask for what nobody has kept
// of the documents, which are being read again. Until that is done the verdicts
// of some recommendations are those from before.
type Rereading struct {
	Since       time.Time
	Done, Total int // documents
	slots       map[uint16]bool
}

// Percent is how much is done, 0..100.
func (r *Rereading) Percent() int {
	if r.Total == 0 {
		return 0
	}
	return min(100*r.Done/r.Total, 100)
}

// Recommendations is the number of recommendations whose verdicts are old.
func (r *Rereading) Recommendations() int { return len(r.slots) }

// Rereading is what is being read again while this view is shown, nil if
// nothing is.
func (v *View) Rereading() *Rereading { return v.rereading }

// isPending reports whether a verdict is one from before a policy edit.
func (v *View) isPending(slot uint16) bool { return v.rereading != nil && v.rereading.slots[slot] }

// NewRereading begins one that no recommendation waits for yet.
func NewRereading(since time.Time) *Rereading {
	return &Rereading{Since: since, slots: map[uint16]bool{}}
}

// Add names a recommendation that waits, by its slot. It must not be called once
// the rereading is in a view.
func (r *Rereading) Add(slot uint16) { r.slots[slot] = true }

// WhileRereading is the same epoch, marked with how far a rereading is.
func (v *View) WhileRereading(r *Rereading, done int) *View {
	marked, state := *v, *r
	state.Done = done
	marked.rereading = &state
	return &marked
}
