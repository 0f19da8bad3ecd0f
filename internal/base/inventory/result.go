package inventory

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/rampart-sec/rampart/internal/base/store"
)

// Result counts what became of the documents of one Put or Import.
type Result struct {
	Created, Updated, Unchanged, Stale, Deleted int
	// Rejected tells why documents were refused, or that one was given twice;
	// at most MaxRejections of them, RejectedTotal is how many there were.
	Rejected      []Rejection
	RejectedTotal int
	// Template is where an ARM template's resources were put, the zero value if
	// there were none.
	Template Placed
}

// Placed tells where resources without a place of their own were put.
type Placed struct {
	Group   string // id of the resource group
	Assumed bool   // nobody named it
}

// MaxRejections bounds Result.Rejected: a large file may be wrong throughout.
const MaxRejections = 1000

// Rejection is one refused document. Put fills Index (from 0), Import Line
// (from 1).
type Rejection struct {
	Index, Line int
	ID          string
	Reason      string
}

// String gives one line for people.
func (r Rejection) String() string {
	where := fmt.Sprintf("document %d", r.Index)
	if r.Line > 0 {
		where = fmt.Sprintf("line %d", r.Line)
	}
	if r.ID != "" {
		where += " (" + r.ID + ")"
	}
	return where + ": " + r.Reason
}

// Accepted is how many documents are stored as they were given.
func (r *Result) Accepted() int { return r.Created + r.Updated + r.Unchanged + r.Deleted }

// put notes that a chunk has a template's resources.
func (r *Result) put(c *chunk, p *pipeline) {
	if c.placed {
		r.Template = Placed{Group: p.group, Assumed: p.assumed}
	}
}

func (r *Result) reject(x Rejection) {
	r.RejectedTotal++
	if len(r.Rejected) < MaxRejections {
		r.Rejected = append(r.Rejected, x)
	}
}

// inOrder puts rejections in the order of the stream: duplicates are found
// after the rest of their batch.
func (r *Result) inOrder() {
	slices.SortStableFunc(r.Rejected, func(a, b Rejection) int { return cmp.Compare(a.Line, b.Line) })
}

func duplicate(r Rejection) Rejection {
	r.Reason = "given again later in the same batch; the last one counts"
	return r
}

func (r *Result) count(w store.Written, at Rejection) {
	switch w.Outcome {
	case store.Created:
		r.Created++
	case store.Updated:
		r.Updated++
	case store.Unchanged:
		r.Unchanged++
	case store.Stale:
		r.Stale++
	case store.Deleted:
		r.Deleted++
	case store.Foreign:
		at.Reason = "it belongs to another source, which alone may change it; write a child of it instead"
		r.reject(at)
	}
}
